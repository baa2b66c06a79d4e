import { type CrashPoint, crashAt, crashPoints } from "../faults/crash-matrix.ts";
import { type Report, simulate } from "./simulation.ts";

/** A stretch of seeds, or of crash points. */
export interface Range {
  readonly of: "seeds" | "crashPoints";
  readonly from: number;
  readonly count: number;
}

export interface RangeReport extends Pick<Range, "of"> {
  readonly runs: number;
  readonly faults: number;
  readonly steps: number;
  readonly strays: number;
  readonly violations: readonly FoundViolation[];
  /** Everything that happened, of a range of one. */
  readonly history?: readonly string[];
}

export interface FoundViolation {
  readonly rule: string;
  readonly detail: string;
  /** The seed, or the crash point in words. */
  readonly where: string;
  readonly replay: string;
  readonly history: readonly string[];
}

// The engine throws as part of its work, and most of what an error costs is its stack.
Error.stackTraceLimit = 0;

let points: readonly CrashPoint[] | undefined;

export async function simulateRange({ of, from, count }: Range): Promise<RangeReport> {
  const violations: FoundViolation[] = [];
  let history: readonly string[] | undefined;
  const total = { runs: 0, faults: 0, steps: 0, strays: 0 };
  if (of === "crashPoints") points ??= await crashPoints();
  for (let nth = from; nth < from + count; nth++) {
    const point = of === "crashPoints" ? points?.[nth] : undefined;
    if (of === "crashPoints" && point === undefined) break;
    const report = point === undefined ? await simulate(nth) : await crashAt(point);
    total.runs += 1;
    total.faults += report.faults;
    total.steps += report.steps;
    total.strays += report.strays;
    if (count === 1) history = report.journal();
    const found = violationIn(report, { nth, point });
    if (found) violations.push(found);
  }
  return { of, ...total, violations, ...(history && { history }) };
}

function violationIn(
  { violations, journal }: Report,
  { nth, point }: { readonly nth: number; readonly point: CrashPoint | undefined },
): FoundViolation | undefined {
  const [first] = violations;
  if (first === undefined) return undefined;
  const flag = point === undefined ? "--seed" : "--point";
  const where = point === undefined ? `seed ${nth}` : `a crash ${wordsOf(point)}`;
  return { ...first, where, replay: `npm run simulate -- ${flag} ${nth} --history`, history: journal() };
}

function wordsOf({ path, side, call, aftermath }: CrashPoint): string {
  return `${side} "${call}" on the path "${path}", ${aftermath}`;
}
