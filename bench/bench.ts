/** `npm run bench [-- --json] [-- --only name]`: fixed workloads, their figures, and the budgets they must keep. */
import { parseArgs } from "node:util";
import { bundleRows } from "./bundles.ts";
import { compromiseRows } from "./compromise.ts";
import { happyPathRows } from "./happy-path.ts";
import { manyRows } from "./many.ts";
import type { BenchRow } from "./row.ts";
import { sdkRows } from "./sdk.ts";

const workloads: Readonly<Record<string, () => Promise<BenchRow[]>>> = {
  "happy-path": happyPathRows,
  compromise: compromiseRows,
  bundles: bundleRows,
  many: manyRows,
  sdk: sdkRows,
};

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, only: { type: "string" } },
});
const rows: BenchRow[] = [];
for (const [name, measure] of Object.entries(workloads)) {
  if (values.only !== undefined && values.only !== name) continue;
  process.stderr.write(`rekey: measuring ${name}\n`);
  rows.push(...(await measure()));
}
for (const row of rows) process.stderr.write(`${lineOf(row)}\n`);
if (values.json) process.stdout.write(`${JSON.stringify({ type: "bench", rows })}\n`);
process.exitCode = rows.some(({ ok }) => ok === false) ? 1 : 0;

function lineOf({ name, unit, median, p99, peer, budget, ok }: BenchRow): string {
  const verdict = ok === undefined ? " " : ok ? "✓" : "✗";
  const against = peer === undefined ? "" : `  ${peer.name}: ${peer.median}`;
  const limit = budget === undefined ? "" : `  at most ${budget}`;
  return `${verdict} ${name.padEnd(52)} ${String(median).padStart(10)} ${unit.padEnd(9)} p99 ${p99}${limit}${against}`;
}
