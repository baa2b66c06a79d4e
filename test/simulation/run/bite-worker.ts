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
  readonly of: "seeds" | "crashPoints";
  /** The seed or crash point that found it. */
  readonly nth?: number;
  readonly rule?: string;
  readonly detail?: string;
  readonly tried: number;
}

const pointsMax = 20_000;
const root = new URL("../../../", import.meta.url);

/** Replaces the text while the module is loaded; a bug whose place is gone is a mistake in the list. */
function plant({ name, file, find, replace }: PlantedBug): void {
  const place = new URL(file, root);
  const text = readFileSync(place, "utf8");
  if (text.split(find).length !== 2)
    throw new Error(`"${name}": its place in ${file} is not there exactly once`);
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
  // A module that is loaded before the bug is planted has none: everything else is imported from here on.
  const { hasCampaign } = await import("../plan/campaign-plan.ts");
  const { hasCopies } = await import("../plan/copies-plan.ts");
  const { isHard } = await import("../plan/hard-incident-plan.ts");
  const { hasOrders } = await import("../plan/orders-plan.ts");
  const { hasRush } = await import("../plan/rush-plan.ts");
  const { hasShape } = await import("../plan/shape-plan.ts");
  const { hasTerms } = await import("../plan/terms-plan.ts");
  const { simulateRange } = await import("./simulate-range.ts");
  const { crashPoints } = await import("../faults/crash-matrix.ts");
  const { foundBy: of = "seeds", machine } = planted;
  const points = of === "crashPoints" ? await crashPoints() : [];
  const first = of === "seeds" ? from : 0;
  const max = of === "seeds" ? seedsMax : pointsMax;
  for (let nth = first; nth < first + max; nth++) {
    if (planted.seeds === "hard incidents" && !isHard(nth)) continue;
    if (planted.seeds === "copies" && !hasCopies(nth)) continue;
    if (planted.seeds === "orders" && !hasOrders(nth)) continue;
    if (planted.seeds === "shapes" && !hasShape(nth)) continue;
    if (planted.seeds === "rush" && !hasRush(nth)) continue;
    if (planted.seeds === "campaigns" && !hasCampaign(nth)) continue;
    if (planted.seeds === "terms" && !hasTerms(nth)) continue;
    if (machine !== undefined && (points[nth]?.machine ?? machine) !== machine) continue;
    const { violations, runs } = await simulateRange({ of, from: nth, count: 1 });
    const [violation] = violations;
    if (violation)
      return { bug, of, nth, rule: violation.rule, detail: violation.detail, tried: nth - first + 1 };
    if (runs === 0) return { bug, of, tried: nth };
  }
  return { bug, of, tried: max };
}

parentPort?.on("message", (job: BiteJob) => {
  bite(job).then((found) => parentPort?.postMessage(found));
});
