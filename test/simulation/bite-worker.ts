import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { parentPort } from "node:worker_threads";
import { type PlantedBug, plantedBugs } from "./planted-bugs.ts";

export interface BiteJob {
  readonly bug: string;
  readonly from: number;
  readonly seedsMax: number;
}

export interface Bite {
  readonly bug: string;
  readonly seed?: number;
  readonly rule?: string;
  readonly detail?: string;
  readonly seedsTried: number;
}

const root = new URL("../../", import.meta.url);

/** Replaces the text while the module is loaded; a bug whose place is gone is a mistake in the list. */
function plant({ name, file, find, replace }: PlantedBug): void {
  const place = new URL(file, root);
  const text = readFileSync(place, "utf8");
  if (text.split(find).length !== 2) throw new Error(`"${name}": its place in ${file} is not there exactly once`);
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      return url === place.href ? { ...loaded, source: text.replace(find, () => replace) } : loaded;
    },
  });
}

async function bite({ bug, from, seedsMax }: BiteJob): Promise<Bite> {
  const planted = plantedBugs.find(({ name }) => name === bug);
  if (planted === undefined) throw new Error(`nobody planted "${bug}"`);
  plant(planted);
  const { simulateRange } = await import("./simulate-range.ts");
  for (let seed = from; seed < from + seedsMax; seed++) {
    const [violation] = (await simulateRange({ of: "seeds", from: seed, count: 1 })).violations;
    const seedsTried = seed - from + 1;
    if (violation) return { bug, seed, rule: violation.rule, detail: violation.detail, seedsTried };
  }
  return { bug, seedsTried: seedsMax };
}

parentPort?.on("message", (job: BiteJob) => {
  bite(job).then((found) => parentPort?.postMessage(found));
});
