import type { Happening, Plan } from "../plan/plan.ts";
import type { MachineName } from "../run/machines.ts";
import { type Report, simulatePlan } from "../run/simulation.ts";
import type { BoundaryCall } from "../world/surroundings.ts";
import { at, type CrashPath, rotationPaths, shapePaths } from "./crash-paths.ts";
import { incidentPaths, reportedAgain } from "./incident-paths.ts";
import { overwritesBlindly, type Strikes } from "./storm.ts";
import type { FaultKind } from "./weather.ts";

/** What becomes of the run after the crash. */
export type Aftermath =
  | "retried"
  | "redriven"
  | "nextRun"
  | "reportedAgain"
  | "ordered"
  | "swept"
  | "deliveredTwice"
  | "thawedDuring"
  | "thawedAfter";

export interface CrashPoint {
  readonly machine: MachineName;
  readonly path: string;
  /** The call's place among all calls of the machine's functions on this path. */
  readonly nth: number;
  readonly side: "before" | "after";
  readonly aftermath: Aftermath;
  readonly functionName: string;
  readonly call: string;
}

const afterCrash: Readonly<Record<MachineName, readonly Aftermath[]>> = {
  rotation: ["retried", "redriven", "nextRun", "swept"],
  compromise: ["retried", "ordered", "swept"],
};
/** Where any other function of an incident fails, the machine itself goes on: there is nothing to resume. */
const endsIncident: Readonly<Record<string, readonly Aftermath[]>> = {
  "open-incident": ["redriven", "reportedAgain"],
  "settle-incident": ["redriven", "reportedAgain"],
};
/** No crash: a second function does the same, or the call is under way until its successor works or is done. */
const late: readonly Aftermath[] = ["deliveredTwice", "thawedDuring", "thawedAfter"];

const faults: Readonly<Record<Aftermath, Readonly<Record<CrashPoint["side"], FaultKind>>>> = {
  retried: { before: "crashBefore", after: "crashAfter" },
  redriven: { before: "exitBefore", after: "exitAfter" },
  nextRun: { before: "exitBefore", after: "exitAfter" },
  reportedAgain: { before: "exitBefore", after: "exitAfter" },
  ordered: { before: "exitBefore", after: "exitAfter" },
  swept: { before: "diesBefore", after: "diesAfter" },
  deliveredTwice: { before: "twiceBefore", after: "twiceAfter" },
  thawedDuring: { before: "thawsDuring", after: "thawsDuring" },
  thawedAfter: { before: "thawsAfter", after: "thawsAfter" },
};

const resumeAtMs = 60_000;
/** After the first sweep. */
const answerAtMs = 35 * 60_000;
/** Somebody goes on with what an error has ended, or with what the sweep has paged them for. */
const resumptions: Partial<Record<Aftermath, Happening>> = {
  redriven: at(resumeAtMs, { kind: "resume", by: "redrive" }),
  nextRun: at(resumeAtMs, { kind: "resume", by: "nextRun" }),
  ordered: at(resumeAtMs, { kind: "resume", by: "word" }),
  swept: at(answerAtMs, { kind: "resume", by: "word" }),
};

const callsMax = 1_000;
const paths: Readonly<Record<string, CrashPath>> = {
  ...rotationPaths,
  ...incidentPaths,
  ...shapePaths,
};

/** Every crash point there is: each call of each path, before and after, with each aftermath. */
export async function crashPoints(): Promise<readonly CrashPoint[]> {
  const points: CrashPoint[] = [];
  const laps = { rotation: new Set<string>(), compromise: new Set<string>() };
  for (const [path, crashPath] of Object.entries(paths)) {
    const { machine } = crashPath;
    const calls: BoundaryCall[] = [];
    const isFailing = failingOnce(crashPath);
    await simulatePlan(crashPath.plan, (call) => {
      if (isFailing(call)) return "exitBefore";
      if (isCut(call, crashPath) && calls.length < callsMax) calls.push(call);
      return undefined;
    });
    const isLap = machine === "compromise" || crashPath.asksOften ? lapsIn(calls, laps[machine]) : new Set();
    for (const [nth, call] of calls.entries()) {
      const { id, functionName } = call.invocation;
      if (isLap.has(id)) continue;
      const isFirst = calls.findIndex(({ invocation }) => invocation.id === id) === nth;
      for (const [side, aftermath] of waysToFail(call, { isFirst, machine })) {
        if (aftermath.startsWith("thawed") && overwritesBlindly(call)) continue;
        points.push({ machine, path, nth, side, aftermath, functionName, call: nameOf(call) });
      }
    }
  }
  return points;
}

/**
 * An incident's branches, and a wait for copies, ask the same many times over: whoever makes the same calls in the same order as a run of
 * that function before, on this path or an earlier one, is not cut again.
 */
function lapsIn(calls: readonly BoundaryCall[], known: Set<string>): ReadonlySet<number> {
  const laps = new Set<number>();
  for (const [id, made] of Map.groupBy(calls, ({ invocation }) => invocation.id)) {
    const lap = made.map(nameOf).join();
    if (known.has(lap)) laps.add(id);
    known.add(lap);
  }
  return laps;
}

/**
 * A crash leaves only effects behind, so before an effect is after the one before it: a function has as many
 * points as effects, and its start. What a frozen or repeated function has read before matters, so these are
 * tried at every call.
 */
function waysToFail(
  { changes, port, invocation: { functionName } }: BoundaryCall,
  { isFirst, machine }: Pick<CrashPath, "machine"> & { readonly isFirst: boolean },
): readonly (readonly [CrashPoint["side"], Aftermath])[] {
  const isEffect = changes || port === "provider";
  const crashed = [...afterCrash[machine], ...(endsIncident[functionName] ?? [])];
  return [
    ...(isFirst ? crashed.map((aftermath) => ["before", aftermath] as const) : []),
    ...(isEffect ? crashed.map((aftermath) => ["after", aftermath] as const) : []),
    ...late.map((aftermath) => ["before", aftermath] as const),
    ...(isEffect ? [["after", "deliveredTwice"] as const] : []),
  ];
}

function nameOf({ invocation, port, operation }: BoundaryCall): string {
  return `${invocation.functionName}: ${port} ${operation.replace(/key_FAKE\w+/, "KEY")}`;
}

/** Consumers' reports, status events and sweeps are no steps of a machine. What starts an incident is cut with it. */
function isCut({ invocation }: BoundaryCall, { machine, only }: CrashPath): boolean {
  const { functionName, executionArn } = invocation;
  if (only?.includes(functionName) === false) return false;
  if (machine === "compromise" && functionName === "raise-alert") return true;
  return executionArn?.includes(`:rekey-${machine}:`) === true;
}

/** What a path has fail in any case: the first call of each of these functions. */
function failingOnce({ fails = [] }: CrashPath): (call: BoundaryCall) => boolean {
  const left = new Set(fails);
  return ({ invocation }) => left.delete(invocation.functionName);
}

/** One crash, and everything that comes after it. */
export async function crashAt({ path, nth, side, aftermath }: CrashPoint): Promise<Report> {
  const crashPath = paths[path];
  if (crashPath === undefined) throw new Error(`there is no path called ${path}`);
  const isFailing = failingOnce(crashPath);
  let seen = -1;
  const strikes: Strikes = (call) => {
    if (isFailing(call)) return "exitBefore";
    if (!isCut(call, crashPath)) return undefined;
    seen += 1;
    return seen === nth ? faults[aftermath][side] : undefined;
  };
  return simulatePlan(resumed(crashPath.plan, aftermath), strikes);
}

function resumed(plan: Plan, aftermath: Aftermath): Plan {
  const { happenings, incident } = plan;
  const resumption = resumptions[aftermath];
  if (resumption !== undefined) return { ...plan, happenings: [...happenings, resumption] };
  if (aftermath !== "reportedAgain" || incident === undefined) return plan;
  return { ...plan, incident: reportedAgain(incident, resumeAtMs) };
}
