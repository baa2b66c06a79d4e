/** `npm run simulate:bites [-- --seeds N] [--only NAME]... [--json]`: planted bugs, and the seed that finds each. */
import { parseArgs } from "node:util";
import type { Bite, BiteJob } from "./bite-worker.ts";
import { plantedBugs } from "./planted-bugs.ts";
import { inParallel } from "./pool.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "2000" },
    only: { type: "string", multiple: true, default: [] },
    json: { type: "boolean", default: false },
  },
});

const detailMax = 110;
const seedsMax = Number(values.seeds);
const chosen = plantedBugs.filter(({ name }) => values.only.length === 0 || values.only.includes(name));
const bites: Bite[] = [];
const startedAt = performance.now();

await inParallel<BiteJob, Bite>(new URL("./bite-worker.ts", import.meta.url), {
  isFresh: true,
  jobs: chosen.map(({ name }) => ({ bug: name, from: 1, seedsMax })),
  onAnswer: (bite) => {
    bites.push(bite);
    say(lineOf(bite));
    return "more";
  },
});

const survivors = bites.filter(({ nth }) => nth === undefined);
const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
say(
  `${bites.length - survivors.length} of ${chosen.length} planted bugs found, each within ${seedsMax} seeds; ${seconds} s`,
);
for (const { bug } of survivors) say(`survived: ${bug}`);
if (values.json) {
  const found = bites.map(({ bug, of, nth, rule }) => ({ bug, of, nth, rule }));
  process.stdout.write(
    `${JSON.stringify({ type: "bites", bugs: chosen.length, survivors: survivors.length, found, seconds })}\n`,
  );
}
process.exitCode = survivors.length > 0 || chosen.length === 0 ? 1 : 0;

function lineOf({ bug, of, nth, rule, detail = "", tried }: Bite): string {
  const unit = of === "seeds" ? "seed" : "crash point";
  if (nth === undefined) return `SURVIVED ${tried} ${unit}s: ${bug}`;
  return `${unit} ${String(nth).padStart(4)} finds by ${rule}: ${bug}\n           ${detail.slice(0, detailMax)}`;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
