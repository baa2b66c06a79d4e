import { undeclaredName } from "../adoption/instance-limits.ts";
import { sayRead, type TriageItem } from "../adoption/unexpected-read.ts";
import { type ConsumerPolicy, isRotated, type Policy } from "../policy.ts";
import type { SecretArn } from "../ports.ts";
import { type ScheduleFault, scheduleFaultText } from "../schedule.ts";
import { utcText } from "../utc.ts";
import type { GateReasons } from "./progress-text.ts";
import { currentKey, type SecretRecord } from "./secret-record.ts";

/** Something about one secret that a person has to know or do, outside of any incident. */
export interface Notice {
  /** The same for as long as the same state lasts: each is told once. */
  readonly id: string;
  readonly secretArn: SecretArn;
  readonly name: string;
  readonly owner?: string;
  /** `page` cannot wait until the morning. */
  readonly severity: "page" | "notify";
  /** A sentence without the secret's name. */
  readonly what: string;
  /** What ends it; commands begin with `rekey `. */
  readonly steps: readonly string[];
  /** The one command that a screen with little room shows. */
  readonly order?: NoticeOrder;
  /** The name of the error or alarm whose runbook explains it. */
  readonly topic: string;
}

export interface NoticeOrder {
  /** Of `rekey`, without what it is about. */
  readonly words: readonly string[];
  /** Absent: the secret. */
  readonly about?: string;
}

export interface NoticeView {
  readonly policy: Policy;
  readonly record: SecretRecord;
  /** The run that holds the secret, or else the last one that ended here. */
  readonly rotation?: {
    readonly rotationId: string;
    readonly openedAtMs: number;
    readonly outcome: string;
    readonly reason?: string;
    readonly gate?: GateReasons;
  };
  readonly debts: readonly {
    readonly kind: string;
    readonly keyId: string;
    readonly reason: string;
    readonly error?: string;
    readonly sinceMs: number;
  }[];
  /** Since when the current key is current. */
  readonly keySinceMs?: number;
  /** What the last sweep saw to be wrong with the secret's schedule. */
  readonly scheduleFault?: ScheduleFault;
  /** Reads that somebody should look at, by day. */
  readonly triage?: readonly TriageItem[];
  readonly nowMs: number;
}

type Told = Pick<Notice, "severity" | "what" | "steps" | "order" | "topic"> & { readonly state: string };
type Look = (view: NoticeView) => readonly Told[];

/** One look per state; a new state that people have to be told about is one entry more. */
const looks: readonly Look[] = [
  frozen,
  keyWanted,
  approvalWanted,
  restartWanted,
  tooManyInstances,
  owed,
  needsPerson,
  couldNotBegin,
  expires,
  scheduleOff,
  tooOld,
  unexpectedReads,
];

/** Everything that somebody has to be told about this secret now. */
export function noticesOf(view: NoticeView): readonly Notice[] {
  const { secretArn, name, owner } = view.policy;
  return looks.flatMap((look) =>
    look(view).map(({ state, ...told }) => ({
      ...{ id: `${secretArn}/${state}`, secretArn, name, ...told },
      ...(owner !== undefined && { owner }),
    })),
  );
}

const dayMs = 86_400_000;

function frozen({ record, policy: { name } }: NoticeView): readonly Told[] {
  if (record.frozen === undefined) return [];
  const steps = [
    `rekey audit show ${name}`,
    "Find out who changed the secret, and correct it.",
    `rekey release ${name} --unfreeze`,
  ];
  return [
    {
      state: "frozen",
      severity: "page",
      what: `frozen: ${record.frozen.reason}`,
      steps,
      order: { words: ["release", "--unfreeze"] },
      topic: "SpentKeyIsCurrent",
    },
  ];
}

/** The time that AwaitKey waits (statemachines/rotation.asl.json). */
export const supplyWithinMs = 7 * dayMs;
const reminders = [
  { share: 0.9, state: "last", severity: "page" },
  { share: 0.5, state: "half", severity: "notify" },
  { share: 0, state: "first", severity: "notify" },
] as const;

/** Told when it begins, at half and at nine tenths of the time. */
function keyWanted({ record, rotation, policy, nowMs }: NoticeView): readonly Told[] {
  if (record.wait?.decision !== "supply" || rotation === undefined) return [];
  const untilMs = rotation.openedAtMs + supplyWithinMs;
  const passed = (nowMs - rotation.openedAtMs) / supplyWithinMs;
  const due = reminders.find(({ share }) => passed >= share);
  if (due === undefined) return [];
  const { severity, state } = due;
  const what = `a new key has to be made by hand, before ${utcText(untilMs)}`;
  const steps = [
    `Make a key in ${policy.provider.kind}, account ${policy.provider.account}, with the settings of the current one.`,
    `rekey supply ${policy.name}`,
  ];
  return [
    {
      ...{
        state: `keyWanted/${rotation.rotationId}/${state}`,
        severity,
        what,
        steps,
        topic: "SupplyOverdue",
      },
      order: { words: ["supply"] },
    },
  ];
}

function approvalWanted({ record: { order, run } }: NoticeView): readonly Told[] {
  if (order === undefined || order.approval !== undefined || run === undefined) return [];
  const what = `the ${order.kind} waits for a second person`;
  const steps = [`rekey approve ${run.rotationId}`];
  const state = `approvalWanted/${run.rotationId}/${order.kind}`;
  const approve = { words: ["approve"], about: run.rotationId };
  return [{ state, severity: "notify", what, steps, order: approve, topic: "PromotionOverdue" }];
}

/** Consumers that only a person can move, and that a rotation waits for. */
function restartWanted({ record, rotation, policy }: NoticeView): readonly Told[] {
  if (record.run === undefined || rotation?.gate?.verdict !== "waiting" || policy.consumers === "none")
    return [];
  const awaited = new Set(rotation.gate.reasons.map(({ consumer }) => consumer));
  return policy.consumers
    .filter(({ name, refresh }) => refresh.kind === "manual" && awaited.has(name))
    .map((consumer) => restartOf(consumer, { name: policy.name, rotationId: rotation.rotationId }));
}

function restartOf(
  { name, refresh: { target = "", owner } }: ConsumerPolicy,
  run: { readonly name: string; readonly rotationId: string },
): Told {
  const whose = owner === undefined ? "" : ` (${owner})`;
  const steps = [
    target === "" ? `Restart ${name}.` : `Restart ${name}: ${target}`,
    `rekey consumers ${run.name}`,
  ];
  const state = `restartWanted/${run.rotationId}/${name}`;
  return {
    state,
    severity: "notify",
    what: `${name}${whose} has to be restarted by hand`,
    steps,
    order: { words: ["consumers"] },
    topic: "AdoptionOverdue",
  };
}

/** Reports for which there is no room: they may be made up, and the rotation waits for them. */
function tooManyInstances({ rotation, record, policy: { name } }: NoticeView): readonly Told[] {
  if (record.run === undefined || rotation?.outcome !== "running") return [];
  const said = (rotation.gate?.reasons ?? []).filter(({ reason }) => reason === "TooManyInstances");
  const { rotationId } = rotation;
  const topic = "AdoptionOverdue";
  const steps = [`rekey consumers ${name}`, "Find out who puts these reports on the report bus."];
  return said.map(({ consumer = undeclaredName, detail = "" }) => ({
    ...{
      state: `tooManyInstances/${rotationId}/${consumer}`,
      severity: "notify",
      what: detail,
      steps,
      topic,
    },
    order: { words: ["consumers"] },
  }));
}

/** A debt is told at once if consumers did not move; otherwise after a week in which no sweep settled it. */
const oldDebtMs = 7 * dayMs;

function owed({ debts, record, policy: { name }, nowMs }: NoticeView): readonly Told[] {
  if (record.lease !== undefined) return [];
  return debts
    .filter(({ error, sinceMs }) => error === "AdoptionOverdue" || nowMs - sinceMs >= oldDebtMs)
    .map(({ kind, keyId, reason, error }) => ({
      ...{ state: `owed/${kind}/${keyId}`, severity: "notify", topic: error ?? "Superseded" },
      what:
        error === "AdoptionOverdue"
          ? `consumers have not moved in time: ${reason}`
          : `${kind} ${keyId} is owed: ${reason}`,
      steps: [`rekey consumers ${name}`, `rekey rotate ${name}`],
      order: { words: ["rotate"] },
    }));
}

function needsPerson({ rotation, debts, record, policy: { name } }: NoticeView): readonly Told[] {
  const isOwed = debts.some(({ kind }) => kind !== "CertificateOwed");
  if (record.lease !== undefined || rotation?.outcome !== "needsHuman" || isOwed) return [];
  const { rotationId, reason = "see its run" } = rotation;
  const steps = [`rekey history ${name}`, `rekey rotate ${name}`];
  return [
    {
      state: `needsPerson/${rotationId}`,
      severity: "notify",
      what: `the last rotation failed: ${reason}`,
      steps,
      order: { words: ["rotate"] },
      topic: "NoProgress",
    },
  ];
}

/** A run that failed before it held the secret left nothing else behind, and the next one would fail likewise. */
function couldNotBegin({ record: { lease, refused }, policy }: NoticeView): readonly Told[] {
  if (refused === undefined || lease !== undefined || !isRotated(policy)) return [];
  const { rotationId, reason, error } = refused;
  return [
    {
      ...{ state: `couldNotBegin/${rotationId}`, severity: "notify", topic: error ?? "NoProgress" },
      what: couldNotBeginText(reason),
      steps: [`rekey history ${policy.name}`, `rekey rotate ${policy.name}`],
      order: { words: ["rotate"] },
    },
  ];
}

export function couldNotBeginText(reason: string): string {
  return `the last rotation could not begin: ${reason}`;
}

const expiryStages = [
  { withinMs: 3 * dayMs, state: "soon", severity: "page" },
  { withinMs: 14 * dayMs, state: "near", severity: "notify" },
] as const;

/** The key expires soon, and no rotation is under way that would replace it before. */
function expires({ record, policy, nowMs }: NoticeView): readonly Told[] {
  const key = currentKey(record);
  if (key?.expiresAtMs === undefined || record.lease !== undefined) return [];
  const leftMs = key.expiresAtMs - nowMs;
  const stage = expiryStages.find(({ withinMs }) => leftMs <= withinMs);
  if (stage === undefined) return [];
  const at = utcText(key.expiresAtMs);
  const what = leftMs > 0 ? `the current key expires at ${at}` : `the current key expired at ${at}`;
  const { state, severity } = stage;
  return [
    {
      state: `expires/${key.keyId}/${state}`,
      severity,
      what,
      steps: [`rekey rotate ${policy.name}`],
      order: { words: ["rotate"] },
      topic: "KeyRejected",
    },
  ];
}

/** Nothing else would start its rotations, and the key would only be missed when it is too old. */
function scheduleOff({ scheduleFault, policy: { name } }: NoticeView): readonly Told[] {
  if (scheduleFault === undefined) return [];
  const steps = ["rekey apply", `rekey status ${name}`];
  const what = scheduleFaultText[scheduleFault];
  return [{ state: `schedule/${scheduleFault}`, severity: "notify", what, steps, topic: "AdoptionOverdue" }];
}

function tooOld({ record, policy, keySinceMs, nowMs }: NoticeView): readonly Told[] {
  const isKept = !isRotated(policy) || record.lease !== undefined || record.hold !== undefined;
  if (isKept || keySinceMs === undefined || nowMs - keySinceMs <= policy.maxAgeMs) return [];
  const steps = ["rekey doctor", `rekey rotate ${policy.name}`];
  const what =
    "the key is older than its policy allows: its schedule is paused, or its rotations do not begin";
  const order = { words: ["rotate"] };
  return [
    { state: `tooOld/${keySinceMs}`, severity: "notify", what, steps, order, topic: "AdoptionOverdue" },
  ];
}

const triageShownMs = 2 * dayMs;

/** Somebody says whether the reader belongs there; without an answer the next day's item is told again. */
function unexpectedReads({ triage = [], policy, nowMs }: NoticeView): readonly Told[] {
  return triage
    .filter(({ openedAtMs }) => nowMs - openedAtMs < triageShownMs)
    .map(({ day, reads }) => {
      const [first, ...others] = reads.map(sayRead);
      const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
      return {
        ...{
          state: `triage/${day}`,
          topic: "UnexpectedRead",
          what: `on ${day} ${first ?? "somebody read it"}${more}`,
        },
        order: { words: ["report", "access"] },
        severity: policy.classification === "restricted" ? "page" : "notify",
        steps: [
          `rekey report access ${policy.name}`,
          "If the reader belongs there, name its role in the policy file: a consumer's roles, or readers.",
          `rekey compromise ${policy.name} --reason 'read by somebody whom nobody knows'`,
        ],
      };
    });
}
