/** `npm run simulate:bites -- --help`: planted bugs, and the seed that finds each. */
import { parseArgs } from "node:util";
import { Misuse, orMisuse, whole } from "../rules/usage.ts";
import type { Bite, BiteJob } from "./bite-worker.ts";
import { type PlantedBug, plantedBugs } from "./planted-bugs.ts";
import { inParallel } from "./pool.ts";

const usage = `usage: npm run simulate:bites -- [--seeds <n>] [--only <bug>]... [--json]

  (nothing)     plants each bug of test/simulation/run/planted-bugs.ts, and looks for it in 2000 seeds
  --seeds <n>   gives up on a bug after so many seeds
  --only <bug>  plants this one, by its name in that file; may be given more than once
  --json        one JSON object as the last line:
                {"type":"bites","bugs","survivors","found":[{"bug","of","nth","rule"}],"seconds"}

Exit codes: 0 every bug was found; 1 one survived; 2 wrong usage.
`;

const options = {
  seeds: { type: "string", default: "2000" },
  only: { type: "string", multiple: true },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

const detailMax = 110;
const startedAt = performance.now();

async function main(): Promise<number> {
  const { seeds, only = [], json, help } = parseArgs({ options }).values;
  if (help) {
    process.stdout.write(usage);
    return 0;
  }
  const unknown = only.find((name) => plantedBugs.every((bug) => bug.name !== name));
  if (unknown !== undefined) throw new Misuse(`no planted bug is called ${JSON.stringify(unknown)}`);
  const chosen = plantedBugs.filter(({ name }) => only.length === 0 || only.includes(name));
  return tell(await findAll(chosen, whole(seeds, "--seeds")), json);
}

async function findAll(chosen: readonly PlantedBug[], seedsMax: number): Promise<readonly Bite[]> {
  const bites: Bite[] = [];
  await inParallel<BiteJob, Bite>(new URL("./bite-worker.ts", import.meta.url), {
    isFresh: true,
    jobs: chosen.map(({ name }) => ({ bug: name, from: 1, seedsMax })),
    onAnswer: (bite) => {
      bites.push(bite);
      say(lineOf(bite));
    },
  });
  return bites;
}

function tell(bites: readonly Bite[], json: boolean): number {
  const survivors = bites.filter(({ nth }) => nth === undefined);
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  say(`${bites.length - survivors.length} of ${bites.length} planted bugs found; ${seconds} s`);
  for (const { bug, tried } of survivors) say(`survived ${tried}: ${bug}`);
  const found = bites.map(({ bug, of, nth, rule }) => ({ bug, of, nth, rule }));
  const summary = { type: "bites", bugs: bites.length, survivors: survivors.length, found, seconds };
  if (json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  return survivors.length > 0 ? 1 : 0;
}

function lineOf({ bug, of, nth, rule, detail = "", tried }: Bite): string {
  const unit = of === "seeds" ? "seed" : "crash point";
  if (nth === undefined) return `SURVIVED ${tried} ${unit}s: ${bug}`;
  return `${unit} ${String(nth).padStart(4)} finds by ${rule}: ${bug}\n           ${detail.slice(0, detailMax)}`;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

process.exitCode = await orMisuse("simulate:bites", main);
