/**
 * `npm run simulate -- [--seeds N] [--seed S] [--point P] [--no-matrix] [--history] [--json]`: random runs of
 * everything and a crash at every call, with all rules asked after every step.
 */
import { parseArgs } from "node:util";
import { crashPoints } from "./crash-matrix.ts";
import { inParallel } from "./pool.ts";
import { type FoundViolation, type Range, type RangeReport, simulateRange } from "./simulate-range.ts";

const { values } = parseArgs({
  allowNegative: true,
  options: {
    seeds: { type: "string" },
    seed: { type: "string" },
    point: { type: "string" },
    matrix: { type: "boolean", default: true },
    history: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

const rangeLength = 50;
const violationsShownMax = 5;
const historyShownMax = 150;
const progressEveryMs = 60_000;
const worker = new URL("./simulate-worker.ts", import.meta.url);

const startedAt = performance.now();
const total = { seeds: 0, crashPoints: 0, steps: 0, faults: 0, strays: 0 };
const violations: FoundViolation[] = [];
let progressAtMs = startedAt + progressEveryMs;

if (values.point !== undefined) add(await replay({ of: "crashPoints", from: whole(values.point), count: 1 }));
else if (values.seed !== undefined && values.seeds === undefined)
  add(await replay({ of: "seeds", from: whole(values.seed), count: 1 }));
else await inParallel<Range, RangeReport>(worker, { jobs: await ranges(), onAnswer: add });

const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
say(
  `${total.seeds} seeds and ${total.crashPoints} crash points: ${total.steps} steps, ${total.faults} faults`,
);
say(`${violations.length} violations, ${total.strays} strays left`);
const runs = total.seeds + total.crashPoints;
say(`${seconds} s, ${(runs / Math.max(seconds, 0.1)).toFixed(0)} runs per second`);
if (values.json) {
  const { steps: _steps, ...counts } = total;
  const summary = { type: "simulation", ...counts, violations: violations.length, seconds };
  process.stdout.write(`${JSON.stringify(summary)}\n`);
}
process.exitCode = violations.length > 0 ? 1 : 0;

async function replay(range: Range): Promise<RangeReport> {
  const report = await simulateRange(range);
  if (values.history && report.history) for (const line of report.history) process.stdout.write(`${line}\n`);
  return report;
}

async function ranges(): Promise<readonly Range[]> {
  const points = values.matrix ? (await crashPoints()).length : 0;
  return [
    ...stretches("crashPoints", { from: 0, count: points }),
    ...stretches("seeds", { from: whole(values.seed ?? "1"), count: whole(values.seeds ?? "1000") }),
  ];
}

function stretches(of: Range["of"], { from, count }: Omit<Range, "of">): readonly Range[] {
  return Array.from({ length: Math.ceil(count / rangeLength) }, (_, index) => ({
    of,
    from: from + index * rangeLength,
    count: Math.min(rangeLength, count - index * rangeLength),
  }));
}

function add(report: RangeReport): "more" | "enough" {
  total[report.of] += report.runs;
  total.steps += report.steps;
  total.faults += report.faults;
  total.strays += report.strays;
  // At once: a long run may be ended by hand.
  for (const violation of report.violations.slice(0, violationsShownMax - violations.length))
    explain(violation);
  violations.push(...report.violations);
  tellProgress();
  return violations.length >= violationsShownMax ? "enough" : "more";
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

function whole(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`${text} is not a whole number`);
  return number;
}
