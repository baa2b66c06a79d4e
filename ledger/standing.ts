import { type Evidence, isOfNobody } from "../core/adoption/evidence.ts";
import { type Observation, observationText } from "../core/adoption/observation.ts";
import type { TriageItem } from "../core/adoption/unexpected-read.ts";
import { nextFirings } from "../core/firings.ts";
import { isRotated, type Policy } from "../core/policy.ts";
import type { Digest } from "../core/ports.ts";
import { shortName } from "../core/principal.ts";
import { queuedMaxMs, queuedRotation } from "../core/rotation/native.ts";
import { couldNotBeginText, type NoticeOrder, type NoticeView, noticesOf } from "../core/rotation/notices.ts";
import { awaitedTurn, turnText } from "../core/rotation/open.ts";
import { phaseText, waitsFor } from "../core/rotation/progress-text.ts";
import { currentKey, type SecretRecord } from "../core/rotation/secret-record.ts";
import { hashLimit, type ScheduleFault, scheduleFaultText, scheduleFor } from "../core/schedule.ts";
import type { Tone } from "../core/tone.ts";
import { utcText } from "../core/utc.ts";
import { instantIn } from "../events/zone-time.ts";
import type { Debt, KeyHistory, RotationRecord } from "./entries.ts";
import type { Ledger } from "./ledger.ts";

export interface SecretFacts {
  readonly policy: Policy;
  readonly record: SecretRecord;
  readonly rotations: readonly RotationRecord[];
  readonly keys: readonly KeyHistory[];
  /** Of this secret. */
  readonly debts: readonly Debt[];
  /** What the last sweep saw to be wrong with its schedule. */
  readonly scheduleFault?: ScheduleFault;
  /** Of a secret under `mode: observe`. */
  readonly observation?: Observation;
  /** Reads that somebody should look at, by day. */
  readonly triage: readonly TriageItem[];
  readonly digest: Digest;
  readonly nowMs: number;
}

/** How one secret stands: what `rekey status`, `rekey inventory` and the console page show of it. */
export interface Standing {
  readonly keyId?: string;
  /** Since when the current key is current. */
  readonly sinceMs?: number;
  /** Undefined without a schedule, where it never fires again, and where somebody paused or removed it. */
  readonly nextAtMs?: number;
  /** When the current key is older than its policy allows. */
  readonly overdueAtMs?: number;
  /** The run that holds the secret, or the last one that ended here. */
  readonly rotationId?: string;
  readonly state: { readonly tone: Tone; readonly text: string };
  /** The most urgent of what people are told about this secret. */
  readonly wants?: Want;
}

export interface Want {
  readonly tone: "warn" | "bad";
  readonly what: string;
  readonly order?: NoticeOrder;
}

export function standingOf(facts: SecretFacts): Standing {
  const { record, rotations, policy } = facts;
  const keyId = currentKey(record)?.keyId ?? facts.observation?.keyId;
  const sinceMs = sinceWhen(facts);
  const nextAtMs = nextRotation(facts);
  const rotationId = record.lease?.runId ?? latest(rotations)?.rotationId;
  const wants = wantedOf(facts, sinceMs);
  return {
    state: stateOf(facts, sinceMs),
    ...(keyId !== undefined && { keyId }),
    ...(sinceMs !== undefined && { sinceMs }),
    ...(nextAtMs !== undefined && { nextAtMs }),
    ...(sinceMs !== undefined && isRotated(policy) && { overdueAtMs: sinceMs + policy.maxAgeMs }),
    ...(rotationId !== undefined && { rotationId }),
    ...(wants !== undefined && { wants }),
  };
}

/** Reads what `standingOf` needs; the debts of all secrets come from one query, so the caller makes it. */
export async function readFacts(
  { policy, debts }: { readonly policy: Policy; readonly debts: readonly Debt[] },
  ledger: Pick<Ledger, "secret" | "rotations" | "keys" | "scheduleSeen" | "observation" | "triage">,
): Promise<Omit<SecretFacts, "digest" | "nowMs">> {
  const { secretArn } = policy;
  const [record, rotations, keys, seen, observation, triage] = await Promise.all([
    ledger.secret(secretArn),
    ledger.rotations(secretArn),
    ledger.keys(secretArn),
    ledger.scheduleSeen(secretArn),
    observationOf(policy, ledger),
    ledger.triage(secretArn),
  ]);
  return {
    ...{ policy, record, rotations, keys, triage },
    ...(observation !== undefined && { observation }),
    ...(seen?.fault !== undefined && { scheduleFault: seen.fault }),
    debts: debts.filter((debt) => debt.secretArn === secretArn),
  };
}

/** Only a secret under `mode: observe` has one: what it showed before it was rotated says nothing of it now. */
export async function observationOf(
  { mode, secretArn }: Policy,
  ledger: Pick<Ledger, "observation">,
): Promise<Observation | undefined> {
  return mode === "observe" ? ledger.observation(secretArn) : undefined;
}

export function latest(rotations: readonly RotationRecord[]): RotationRecord | undefined {
  return rotations.reduce<RotationRecord | undefined>(
    (newest, each) => (newest === undefined || each.openedAtMs > newest.openedAtMs ? each : newest),
    undefined,
  );
}

/** The newest observation of any consumer. */
export function lastEvidenceMs(evidence: readonly Evidence[]): number | undefined {
  const times = evidence.flatMap((item) => (isOfNobody(item) ? [] : [item.observedAtMs]));
  return times.length === 0 ? undefined : Math.max(...times);
}

/** When the current key was promoted, or else adopted. */
function sinceWhen({ record, rotations, keys }: SecretFacts): number | undefined {
  const current = currentKey(record);
  if (current?.keyId === undefined) return undefined;
  if (current.promotedAtMs !== undefined) return current.promotedAtMs;
  const promotedBy = rotations.find(({ incomingKeyId }) => incomingKeyId === current.keyId);
  return promotedBy?.openedAtMs ?? keys.find(({ keyId }) => keyId === current.keyId)?.atMs;
}

/** For a rate, the same computation that made the schedule: each secret has its own point of the interval. */
function nextRotation({ policy, digest, nowMs, scheduleFault }: SecretFacts): number | undefined {
  const { schedule: expression, scheduleTimezone: timezone } = policy;
  if (expression === undefined || scheduleFault !== undefined || !isRotated(policy)) return undefined;
  const hash = Number.parseInt(digest.sha256Hex(policy.secretArn).slice(0, 12), 16) % hashLimit;
  const target = { group: "", machineArn: "", roleArn: "" };
  const startAtMs = expression.startsWith("rate(")
    ? scheduleFor(policy, { nowMs, hash, target })?.startAtMs
    : undefined;
  const [next] = nextFirings({ expression, timezone }, { afterMs: nowMs, count: 1, startAtMs, instantIn });
  return next;
}

export function stateOf(facts: SecretFacts, sinceMs?: number): Standing["state"] {
  const { tone, text } = ownState(facts, sinceMs);
  return { tone, text: both(both(text, queuedText(facts)), turnOf(facts)) };
}

/** A run that has begun, or was skipped, has a record of its own. */
function turnOf({ record, rotations, nowMs }: SecretFacts): string | undefined {
  const turn = awaitedTurn(record, nowMs);
  const isOver = rotations.some(({ rotationId }) => rotationId === turn?.rotationId);
  return turn === undefined || isOver ? undefined : turnText(turn);
}

/** What the native button asked for while something was in its way. */
function queuedText({ policy, record, nowMs }: SecretFacts): string | undefined {
  const queued = isRotated(policy) ? queuedRotation(record, nowMs) : undefined;
  if (queued === undefined) return undefined;
  const until = utcText(queued.atMs + queuedMaxMs);
  return `Secrets Manager asked for a rotation: it begins once nothing is in its way, until ${until}`;
}

function ownState(facts: SecretFacts, sinceMs?: number): Standing["state"] {
  const { policy, record, rotations, debts, nowMs } = facts;
  const { frozen, hold, lease, refused } = record;
  if (frozen) return { tone: "bad", text: `frozen: ${frozen.reason}` };
  const heldText = hold && `on hold by ${shortName(hold.by)}: ${hold.reason}`;
  if (lease?.kind === "incident")
    return { tone: "bad", text: `held by incident ${lease.incidentId ?? lease.runId}` };
  if (lease) return { tone: toneOfRun(facts), text: both(waitText(facts) ?? phaseText(record), heldText) };
  const last = latest(rotations);
  if (debts.length > 0) return { tone: "warn", text: both(debts.map(debtText).join("; "), heldText) };
  if (heldText) return { tone: "warn", text: heldText };
  if (last?.outcome === "needsHuman")
    return { tone: "bad", text: `needs a person: ${last.reason ?? "see its run"}` };
  if (policy.mode === "index") return { tone: "quiet", text: "watched for leaks" };
  if (policy.mode === "observe") return observedState(facts.observation);
  if (refused !== undefined) return { tone: "bad", text: couldNotBeginText(refused.reason) };
  if (facts.scheduleFault !== undefined)
    return { tone: "warn", text: scheduleFaultText[facts.scheduleFault] };
  if (sinceMs !== undefined && nowMs - sinceMs > policy.maxAgeMs)
    return { tone: "warn", text: "key is older than its policy allows" };
  const skipped = skippedText(last);
  if (skipped !== undefined) return { tone: "warn", text: skipped };
  return { tone: "good", text: policy.retain ? "current; retiring keys are kept" : "current" };
}

/** A run that found another one at work is nothing to know of; one that met a stop, hold or freeze is missed. */
function skippedText(last: RotationRecord | undefined): string | undefined {
  const { outcome, reason = "" } = last ?? {};
  if (outcome !== "skipped" || /^(Busy|Duplicate):/.test(reason)) return undefined;
  return `the last rotation did not begin: ${reason}`;
}

function observedState(observation: Observation | undefined): Standing["state"] {
  const tone = observation?.verdict === "wouldNotOpen" ? "warn" : "quiet";
  return { tone, text: observationText(observation) };
}

function waitText({ policy, record, rotations, nowMs }: SecretFacts): string | undefined {
  const rotation = rotations.find(({ rotationId }) => rotationId === record.lease?.runId);
  return waitsFor({ name: policy.name, record, gate: rotation?.gate, nowMs });
}

function both(text: string, more: string | undefined): string {
  return more === undefined ? text : `${text}; ${more}`;
}

/** A run that waits for its consumers is at work; one that waits for a person is not. */
function toneOfRun({ record, rotations }: SecretFacts): Tone {
  const { wait, order, lease } = record;
  const gate = rotations.find(({ rotationId }) => rotationId === lease?.runId)?.gate;
  if (gate?.verdict === "overdue") return "bad";
  const isForApproval = order !== undefined && order.approval === undefined;
  return wait?.decision === "supply" || isForApproval ? "warn" : "busy";
}

function debtText({ kind, reason }: Debt): string {
  return `${kind}: ${reason}`;
}

/** What people are told of this secret: the first page, else the first message. */
function wantedOf(facts: SecretFacts, sinceMs: number | undefined): Want | undefined {
  const notices = noticesOf(noticeView(facts, sinceMs));
  const worst = notices.find(({ severity }) => severity === "page") ?? notices[0];
  if (worst === undefined) return undefined;
  const { severity, what, order } = worst;
  return { tone: severity === "page" ? "bad" : "warn", what, ...(order && { order }) };
}

/** `sinceMs`: since when the current key is current. */
export function noticeView(facts: SecretFacts, sinceMs: number | undefined): NoticeView {
  const { policy, record, rotations, debts, triage, scheduleFault, nowMs } = facts;
  const holder = rotations.find(({ rotationId }) => rotationId === record.lease?.runId);
  const rotation = holder ?? latest(rotations);
  return {
    ...{ policy, record, debts, triage, nowMs },
    ...(rotation !== undefined && { rotation }),
    ...(sinceMs !== undefined && { keySinceMs: sinceMs }),
    ...(scheduleFault !== undefined && { scheduleFault }),
  };
}
