/** `npm run simulate -- --help`: random runs of everything and a crash at every call, all rules asked after every step. */
import { parseArgs } from "node:util";
import { crashPoints } from "../faults/crash-matrix.ts";
import { Misuse, orMisuse, whole } from "../rules/usage.ts";
import { inParallel } from "./pool.ts";
import { type FoundViolation, type Range, type RangeReport, simulateRange } from "./simulate-range.ts";

const usage = `usage: npm run simulate -- [--seeds <n>] [--seed <s>] [--no-matrix] [--json]
       npm run simulate -- --seed <s> [--history] [--json]
       npm run simulate -- --point <p> [--history] [--json]

  (nothing)    the random runs of seeds 1 to 1000, and a crash at every call of the rotation machine
  --seeds <n>  so many random runs, from seed 1 or from --seed on
  --seed <s>   without --seeds, this one run and nothing else: how a violation is replayed
  --point <p>  this one point of the crash matrix and nothing else
  --no-matrix  the random runs only
  --history    every line of what happened in the one run
  --json       one JSON object as the last line, with these counts:
               {"type":"simulation","seeds","crashPoints","faults","strays","violations","seconds"}

Exit codes: 0 no rule was broken; 1 one was, and how to replay it was printed; 2 wrong usage.
`;

const options = {
  seeds: { type: "string" },
  seed: { type: "string" },
  point: { type: "string" },
  matrix: { type: "boolean", default: true },
  history: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

const rangeLength = 50;
const violationsShownMax = 5;
const historyShownMax = 150;
const progressEveryMs = 60_000;
const worker = new URL("./simulate-worker.ts", import.meta.url);

const startedAt = performance.now();
const total = { seeds: 0, crashPoints: 0, steps: 0, faults: 0, strays: 0 };
const violations: FoundViolation[] = [];
let progressAtMs = startedAt + progressEveryMs;

async function main(): Promise<number> {
  const { values } = parseArgs({ allowNegative: true, options });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const { seed, seeds, point } = values;
  const one = point === undefined ? oneSeed(seed, seeds) : onePoint(point, { seed, seeds });
  if (one !== undefined) add(await replay(one, values));
  else if (values.history) throw new Misuse("--history is of one run: name it with --seed or --point");
  else await inParallel<Range, RangeReport>(worker, { jobs: await ranges(values), onAnswer: add });
  if (total.seeds + total.crashPoints === 0) throw new Misuse(`there is nothing to run: ${nothing(point)}`);
  tell(values);
  return violations.length > 0 ? 1 : 0;
}

const nothing = (point: string | undefined) =>
  point === undefined ? "no seed and no matrix" : `the matrix has no point ${point}`;

function oneSeed(seed: string | undefined, seeds: string | undefined): Range | undefined {
  if (seed === undefined || seeds !== undefined) return undefined;
  return { of: "seeds", from: whole(seed, "--seed"), count: 1 };
}

type Wanted = { readonly seed?: string | undefined; readonly seeds?: string | undefined };

function onePoint(point: string, others: Wanted): Range {
  if (others.seed !== undefined || others.seeds !== undefined)
    throw new Misuse("--point is a run of its own, without --seed and --seeds");
  return { of: "crashPoints", from: whole(point, "--point"), count: 1 };
}

function tell({ json }: { readonly json: boolean }): void {
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  say(
    `${total.seeds} seeds and ${total.crashPoints} crash points: ${total.steps} steps, ${total.faults} faults`,
  );
  say(`${violations.length} violations, ${total.strays} strays left`);
  const runs = total.seeds + total.crashPoints;
  say(`${seconds} s, ${(runs / Math.max(seconds, 0.1)).toFixed(0)} runs per second`);
  if (!json) return;
  const { steps: _steps, ...counts } = total;
  const summary = { type: "simulation", ...counts, violations: violations.length, seconds };
  process.stdout.write(`${JSON.stringify(summary)}\n`);
}

async function replay(range: Range, { history }: { readonly history: boolean }): Promise<RangeReport> {
  const report = await simulateRange(range);
  if (history && report.history) for (const line of report.history) process.stdout.write(`${line}\n`);
  return report;
}

async function ranges(wanted: Wanted & { readonly matrix: boolean }): Promise<readonly Range[]> {
  const from = whole(wanted.seed ?? "1", "--seed");
  const count = whole(wanted.seeds ?? "1000", "--seeds");
  const points = wanted.matrix ? (await crashPoints()).length : 0;
  return [...stretches("crashPoints", { from: 0, count: points }), ...stretches("seeds", { from, count })];
}

function stretches(of: Range["of"], { from, count }: Omit<Range, "of">): readonly Range[] {
  return Array.from({ length: Math.ceil(count / rangeLength) }, (_, index) => ({
    of,
    from: from + index * rangeLength,
    count: Math.min(rangeLength, count - index * rangeLength),
  }));
}

function add(report: RangeReport): void {
  total[report.of] += report.runs;
  total.steps += report.steps;
  total.faults += report.faults;
  total.strays += report.strays;
  // At once: a long run may be ended by hand.
  for (const violation of report.violations.slice(0, violationsShownMax - violations.length))
    explain(violation);
  violations.push(...report.violations);
  tellProgress();
}

function tellProgress(): void {
  const nowMs = performance.now();
  if (nowMs < progressAtMs) return;
  progressAtMs = nowMs + progressEveryMs;
  const minutes = Math.round((nowMs - startedAt) / 60_000);
  say(
    `${minutes} min: ${total.seeds} seeds, ${total.crashPoints} crash points, ${violations.length} violations`,
  );
}

function explain({ where, rule, detail, history, replay: command }: FoundViolation): void {
  say(`${where} breaks ${rule}: ${detail}`);
  const shown = history.slice(-historyShownMax);
  if (shown.length < history.length) say(`  (${history.length - shown.length} lines before)`);
  for (const line of shown) say(`  ${line}`);
  say(`replay it: ${command}`);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

process.exitCode = await orMisuse("simulate", main);
