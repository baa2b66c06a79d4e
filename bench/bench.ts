/** `npm run bench [-- --json] [-- --only name]`: fixed workloads, their figures, and the budgets they must keep. */
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { accountBudgetRows } from "./account-budget.ts";
import { attackRows } from "./attack.ts";
import { bundleRows } from "./bundles.ts";
import { coldRows } from "./cold.ts";
import { compromiseRows } from "./compromise.ts";
import { happyPathRows } from "./happy-path.ts";
import { hostRows } from "./host.ts";
import { manyRows } from "./many.ts";
import type { BenchRow } from "./row.ts";
import { scanRows } from "./scan.ts";
import { sdkRows } from "./sdk.ts";

const workloads: Readonly<Record<string, () => Promise<BenchRow[]>>> = {
  "happy-path": happyPathRows,
  compromise: compromiseRows,
  cold: coldRows,
  bundles: bundleRows,
  many: manyRows,
  sdk: sdkRows,
  host: hostRows,
  scan: scanRows,
  attack: attackRows,
  budget: accountBudgetRows,
};

const usage = `usage: npm run bench -- [--json] [--only <workload>]

  (nothing)  measure every workload, and print each figure against what we promise
  --json     one JSON object as the last line
  --only     one of ${Object.keys(workloads).join(", ")}

Exit codes: 0 every budget is kept; 1 one is not; 2 wrong usage.
`;

const options = {
  json: { type: "boolean", default: false },
  only: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
} as const;

async function main(): Promise<number> {
  const { help, json, only } = parseArgs({ options }).values;
  if (help) {
    process.stdout.write(usage);
    return 0;
  }
  if (only !== undefined && !Object.hasOwn(workloads, only)) return misused(`no workload is called ${only}`);
  const rows: BenchRow[] = [];
  for (const [name, measure] of Object.entries(workloads)) {
    if (only !== undefined && only !== name) continue;
    process.stderr.write(`rekey: measuring ${name}\n`);
    rows.push(...(await measure()));
  }
  for (const row of rows) process.stderr.write(linesOf(row));
  const [load = 0] = loadavg();
  if (load > availableParallelism())
    process.stderr.write(
      `rekey: the load average is ${load.toFixed(1)}: times are those of a busy machine\n`,
    );
  const figures = rows.map(({ detail: _words, ...row }) => row);
  if (json) process.stdout.write(`${JSON.stringify({ type: "bench", rows: figures })}\n`);
  return rows.some(({ ok }) => ok === false) ? 1 : 0;
}

function misused(message: string): number {
  process.stderr.write(`rekey: error: ${message}\nrekey: hint: see \`npm run bench -- --help\`\n`);
  return 2;
}

function linesOf({ name, unit, median, p99, peer, budget, ok, detail }: BenchRow): string {
  const verdict = ok === undefined ? " " : ok ? "✓" : "✗";
  const against = peer === undefined ? "" : `  ${peer.name}: ${peer.median}`;
  const limit = budget === undefined ? "" : `  at most ${budget}`;
  const figure = `${verdict} ${name.padEnd(52)} ${String(median).padStart(10)} ${unit.padEnd(9)} p99 ${p99}`;
  return `${figure}${limit}${against}\n${detail === undefined ? "" : `    ${detail}\n`}`;
}

try {
  process.exitCode = await main();
} catch (error) {
  // What parseArgs throws is about the command line; anything else is a fault that its stack explains.
  if (!(error instanceof TypeError && "code" in error)) throw error;
  process.exitCode = misused(error.message.replace(/\.(?: .*)?$/s, ""));
}
