import { account } from "./account.ts";
import type { Deed, Happening, Plan, PlannedSecret } from "./plan.ts";
import { type Report, simulatePlan } from "./simulation.ts";
import type { BoundaryCall } from "./surroundings.ts";
import type { FaultKind, Strikes, Weather } from "./weather.ts";

/** What becomes of the run after the crash. */
export type Aftermath =
  | "retried"
  | "redriven"
  | "nextRun"
  | "swept"
  | "deliveredTwice"
  | "thawedDuring"
  | "thawedAfter";

export interface CrashPoint {
  readonly path: string;
  /** The call's place among all calls of the machine's functions on this path. */
  readonly nth: number;
  readonly side: "before" | "after";
  readonly aftermath: Aftermath;
  readonly call: string;
}

const afterCrash: readonly Aftermath[] = ["retried", "redriven", "nextRun", "swept"];
/** No crash: a second function does the same, or the call is under way until its successor works or is done. */
const late: readonly Aftermath[] = ["deliveredTwice", "thawedDuring", "thawedAfter"];

const faults: Readonly<Record<Aftermath, Readonly<Record<CrashPoint["side"], FaultKind>>>> = {
  retried: { before: "crashBefore", after: "crashAfter" },
  redriven: { before: "exitBefore", after: "exitAfter" },
  nextRun: { before: "exitBefore", after: "exitAfter" },
  swept: { before: "diesBefore", after: "diesAfter" },
  deliveredTwice: { before: "twiceBefore", after: "twiceAfter" },
  thawedDuring: { before: "thawsDuring", after: "thawsDuring" },
  thawedAfter: { before: "thawsAfter", after: "thawsAfter" },
};

const calm: Weather = { rate: 0, kinds: [], faultsMax: 0, isSkewed: false, isBusUnruly: false };
const resumeAtMs = 60_000;
const calmAtMs = 62_000;
const callsMax = 1_000;

/** The paths whose every call is enumerated; together they reach every function of the rotation machine. */
const paths: Readonly<Record<string, Plan>> = {
  "quarantine, with an edit of another field": plan({
    secret: { scopes: ["api.model.read", "api.model.request"], field: "key" },
    happenings: [at(2_000, { kind: "editField" })],
    activateMs: 4_000,
  }),
  "overdue, then resumed": plan({
    secret: {},
    happenings: [
      at(0, { kind: "freeze", consumer: 0 }),
      at(500, { kind: "hold" }),
      at(12_000, { kind: "release" }),
      at(12_001, { kind: "thaw", consumer: 0 }),
      at(14_000, { kind: "rotate", name: "r-0-1" }),
    ],
  }),
  "rolled back": plan({ secret: {}, happenings: [at(2_000, { kind: "newKeyByHand" })], activateMs: 4_000 }),
};

function at(atMs: number, deed: Deed): Happening {
  return { atMs, secret: 0, ...deed };
}

function plan(given: {
  readonly secret: Partial<PlannedSecret>;
  readonly happenings: readonly Happening[];
  readonly activateMs?: number;
}): Plan {
  const name = "app-0";
  const maxStaleMs = 5_000;
  const secret: PlannedSecret = {
    ...{ name: "key-0", field: undefined, scopes: undefined, sharesKeyOf: undefined },
    consumers: [
      {
        options: {
          name,
          instances: 1,
          refreshEveryMs: 3_000,
          useEveryMs: 10_000,
          reportEveryMs: 60_000,
          maxStaleMs,
        },
        policy: {
          ...{ name, environment: "production", account, evidence: ["client"], maxStaleMs },
          ...{ demandUse: false, refresh: { kind: "announce" } },
        },
      },
    ],
    policy: { signals: ["client", "provider"], quietMs: 4_000, overlapMs: 8_000, soakMs: 1_000 },
    ...given.secret,
  };
  const [consumer] = secret.consumers;
  const declared = consumer?.policy ? [consumer.policy] : [];
  return {
    seed: 1,
    secrets: [{ ...secret, policy: { ...secret.policy, consumers: declared } }],
    happenings: [at(100, { kind: "rotate", name: "r-0-0" }), ...given.happenings].sort(
      (a, b) => a.atMs - b.atMs,
    ),
    weather: calm,
    sharp: undefined,
    provider: { activateMs: given.activateMs ?? 0, dieMs: 0, usageLagMs: 0, lastUsedLagMs: 0 },
    providerSkewMs: 0,
    calmAtMs,
    isShort: true,
    incident: undefined,
    hard: undefined,
  };
}

/** Functions that the machine runs; reports and sweeps are not its calls. */
const isOfMachine = ({ invocation }: BoundaryCall) =>
  !["record-evidence", "settle-closed", "sweep"].includes(invocation.functionName);

/** Every crash point there is: each call of each path, before and after, with each aftermath. */
export async function crashPoints(): Promise<readonly CrashPoint[]> {
  const points: CrashPoint[] = [];
  for (const [path, happyPath] of Object.entries(paths)) {
    const calls: BoundaryCall[] = [];
    await simulatePlan(happyPath, (call) => {
      if (isOfMachine(call) && calls.length < callsMax) calls.push(call);
      return undefined;
    });
    for (const [nth, call] of calls.entries()) {
      const isFirst = calls[nth - 1]?.invocation.id !== call.invocation.id;
      for (const [side, aftermath] of waysToFail(call, { isFirst }))
        points.push({ path, nth, side, aftermath, call: nameOf(call) });
    }
  }
  return points;
}

/**
 * A crash leaves only effects behind, so before an effect is after the one before it: a function has as many
 * points as effects, and its start. What a frozen or repeated function has read before matters, so these are
 * tried at every call.
 */
function waysToFail(
  { changes, port }: BoundaryCall,
  { isFirst }: { readonly isFirst: boolean },
): readonly (readonly [CrashPoint["side"], Aftermath])[] {
  const isEffect = changes || port === "provider";
  return [
    ...(isFirst ? afterCrash.map((aftermath) => ["before", aftermath] as const) : []),
    ...(isEffect ? afterCrash.map((aftermath) => ["after", aftermath] as const) : []),
    ...late.map((aftermath) => ["before", aftermath] as const),
    ...(isEffect ? [["after", "deliveredTwice"] as const] : []),
  ];
}

function nameOf({ invocation, port, operation }: BoundaryCall): string {
  return `${invocation.functionName}: ${port} ${operation.replace(/key_FAKE\w+/, "KEY")}`;
}

/** One crash, and everything that comes after it. */
export async function crashAt({ path, nth, side, aftermath }: CrashPoint): Promise<Report> {
  const happyPath = paths[path];
  if (happyPath === undefined) throw new Error(`there is no path called ${path}`);
  let seen = -1;
  const strikes: Strikes = (call) => {
    if (!isOfMachine(call)) return undefined;
    seen += 1;
    return seen === nth ? faults[aftermath][side] : undefined;
  };
  const by = aftermath === "redriven" ? "redrive" : "nextRun";
  const isResumed = aftermath === "redriven" || aftermath === "nextRun";
  const resumed = isResumed ? [at(resumeAtMs, { kind: "resume", by })] : [];
  return simulatePlan({ ...happyPath, happenings: [...happyPath.happenings, ...resumed] }, strikes);
}
