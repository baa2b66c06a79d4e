import { cutToBytes } from "../bytes.ts";
import type { SecretArn } from "../ports.ts";
import { isRepeat, withAlert } from "./alerts.ts";
import { detailBytesMax, newestEntries } from "./limits.ts";
import { clockFrom, escalateBeforeMs, isExact, isStronger, type PlanChoice, whyNotClose } from "./plan.ts";
import type {
  AlertSeen,
  ContainmentState,
  IncidentRecord,
  IncidentWait,
  KeyInScope,
  KeyMatch,
  SecretInScope,
  TimelineEntry,
} from "./record.ts";
import { isOver } from "./status.ts";

/** The transitions of an incident's record. Each is a pure function, as in `secret-record.ts`. */

/** The name by which the steps refer to a key in scope. */
export function refOf(key: Pick<KeyInScope, "keyId" | "fingerprint">): string {
  return key.keyId ?? key.fingerprint ?? "unknown";
}

export function keyInScope(record: IncidentRecord, ref: string): KeyInScope | undefined {
  return record.keys.find((key) => refOf(key) === ref);
}

/**
 * The keys of an incident that one of its secrets holds. Every secret is in scope because it holds one of
 * them; so if there is only one key, each secret holds it, also if nobody knows under which id.
 */
export function keysHeldBy(
  { keyId, secretArn }: Pick<SecretInScope, "keyId" | "secretArn">,
  keys: readonly KeyInScope[],
): readonly KeyInScope[] {
  if (keys.length === 1) return keys;
  return keys.filter((key) =>
    key.keyId !== undefined && keyId !== undefined ? key.keyId === keyId : key.secretArn === secretArn,
  );
}

/** Adds to the timeline and raises `seq`, so that every waiting branch of this incident decides again. */
export function addToTimeline(record: IncidentRecord, entry: TimelineEntry): IncidentRecord {
  const timeline = [...record.timeline, { ...entry, detail: cutToBytes(entry.detail, detailBytesMax) }];
  return { ...record, seq: record.seq + 1, timeline: newestEntries(timeline) };
}

/** A repeat that says nothing new changes nothing; anything new can only make the clock stricter. */
export function appendAlert(record: IncidentRecord, alert: AlertSeen): IncidentRecord {
  if (isRepeat(record, alert)) return record;
  const clock = clockFrom(alert);
  const detectedAtMs = Math.min(record.detectedAtMs, clock.detectedAtMs);
  const receivedAtMs = Math.min(record.receivedAtMs, alert.receivedAtMs);
  const deadlineAtMs = Math.min(record.deadlineAtMs, clock.deadlineAtMs);
  // Not before the alert came: the claimed time may already be past the deadline.
  const lastCallMs = Math.max(alert.receivedAtMs, deadlineAtMs - escalateBeforeMs);
  const exposures = [record.exposedAtMs, alert.exposedAtMs].filter((atMs) => atMs !== undefined);
  const next: IncidentRecord = {
    ...record,
    detectedAtMs,
    receivedAtMs,
    deadlineAtMs,
    ...(record.openedAtMs !== undefined && { escalateAtMs: Math.min(record.escalateAtMs, lastCallMs) }),
    ...withAlert(record, alert),
    match: isExact(alert.match.by) && !isExact(record.match.by) ? alert.match : record.match,
    ...(exposures.length > 0 && { exposedAtMs: Math.min(...exposures) }),
  };
  return addToTimeline(next, {
    atMs: alert.receivedAtMs,
    what: "alertAppended",
    detail: alertText(alert),
  });
}

export function alertText({ source, sourceId, exposure, verified, reason }: AlertSeen): string {
  return `${source} ${sourceId}: ${exposure}, ${verified}${reason === undefined ? "" : `: ${reason}`}`;
}

/** Counts one more start, unless an execution works on the incident or is being started. */
export function takenUp(record: IncidentRecord): IncidentRecord {
  const isDue = record.status === "needsPerson" || (record.status === "reported" && record.starts === 0);
  if (!isDue) return record;
  return { ...record, status: "reported", starts: record.starts + 1 };
}

/** The name of the execution of the last start. Any other execution is outdated. */
export function executionNameOf({ incidentId, starts }: IncidentRecord): string {
  return starts <= 1 ? incidentId : `${incidentId}-${starts}`;
}

export function isExecutionOf(record: IncidentRecord, executionArn: string): boolean {
  return executionArn.endsWith(`:${executionNameOf(record)}`);
}

/**
 * False for a delayed opening that runs after the incident has ended: what the incident held is free again by
 * then.
 */
export function mayOpen(record: IncidentRecord, executionArn: string): boolean {
  const { status } = record;
  return isExecutionOf(record, executionArn) && !isOver(status) && status !== "needsPerson";
}

export interface Identity {
  readonly match: KeyMatch;
  readonly keys: readonly KeyInScope[];
  readonly atMs: number;
}

/** True if the key was unknown until now and nothing was done about it. */
export function mayIdentify({ match, status, keys }: IncidentRecord, known: Pick<KeyMatch, "by">): boolean {
  if (isOver(status) || match.by !== "none" || known.by === "none") return false;
  return keys.length > 0 && keys.every(({ state, byHand }) => state === "needsPerson" && byHand !== true);
}

/**
 * The key is now in the index, so the incident opens again: on its old clock, but with its plan, its secrets
 * and whom to page decided anew.
 */
export function identify(record: IncidentRecord, { match, keys, atMs }: Identity): IncidentRecord {
  if (!mayIdentify(record, match) || keys.length === 0) return record;
  const known: IncidentRecord = { ...record, match, keys, identifiedAtMs: atMs };
  const entry = { atMs, what: "identified" as const, detail: `by ${match.by} ${match.text}` };
  // The execution that was started reads the keys when it opens the incident.
  if (record.status === "reported") return addToTimeline(known, entry);
  const { executionArn, openedAtMs: _opened, containByMs: _by, ...again } = known;
  const isAtWork = record.status === "open" && executionArn !== undefined;
  return addToTimeline(
    {
      ...again,
      ...{ status: "reported", starts: record.starts + 1, waits: [] },
      ...(isAtWork && { staleExecutionArn: executionArn }),
    },
    entry,
  );
}

/** A later alert can only make Rekey act sooner. */
export function strengthen(record: IncidentRecord, choice: PlanChoice, atMs: number): IncidentRecord {
  if (!isStronger(choice.plan, record.plan)) return record;
  const detail = `from ${record.plan} to ${choice.plan}: ${choice.why}`;
  return addToTimeline(
    { ...record, plan: choice.plan, planWhy: choice.why },
    { atMs, what: "planChanged", detail },
  );
}

export function changeKey(
  record: IncidentRecord,
  ref: string,
  change: (key: KeyInScope) => KeyInScope,
): IncidentRecord {
  return { ...record, keys: record.keys.map((key) => (refOf(key) === ref ? change(key) : key)) };
}

export function changeSecretInScope(
  record: IncidentRecord,
  secretArn: SecretArn,
  change: (secret: SecretInScope) => SecretInScope,
): IncidentRecord {
  return {
    ...record,
    secrets: record.secrets.map((secret) => (secret.secretArn === secretArn ? change(secret) : secret)),
  };
}

/** States only go forward: a late repeat of an earlier step does not undo a later one. */
const containmentOrder: readonly ContainmentState[] = [
  "waiting",
  "needsPerson",
  "quarantining",
  "quarantined",
  "revoking",
  "accepted",
  "dead",
];

export function isPast(key: KeyInScope, state: ContainmentState): boolean {
  return containmentOrder.indexOf(key.state) > containmentOrder.indexOf(state);
}

/** Stores the wait only if nothing changed since the branch decided to wait. So no wake-up is lost. */
export function storeIncidentWait(
  record: IncidentRecord,
  wait: IncidentWait,
): IncidentRecord | "decideAgain" {
  if (record.seq !== wait.seenSeq) return "decideAgain";
  const others = record.waits.filter(({ waiter }) => waiter !== wait.waiter);
  return { ...record, waits: [...others, wait] };
}

/** The waits of branches that have not seen the record in its present state. */
export function staleWaits(record: IncidentRecord): readonly IncidentWait[] {
  return record.waits.filter(({ seenSeq }) => seenSeq < record.seq);
}

export function endWaits(record: IncidentRecord, tokens: ReadonlySet<string>): IncidentRecord {
  const left = record.waits.filter(({ token }) => !tokens.has(token));
  return left.length === record.waits.length ? record : { ...record, waits: left };
}

export interface Settlement {
  /** The execution that ended. If another one works on the incident by now, nothing changes. */
  readonly executionArn: string;
  readonly reason: string;
  readonly atMs: number;
}

/**
 * No execution works on the incident any more: it is closed if its keys are dead or waived, else it waits for
 * a person.
 */
export function settled(record: IncidentRecord, { executionArn, reason, atMs }: Settlement): IncidentRecord {
  if (!isExecutionOf(record, executionArn)) return record;
  if (record.status === "needsPerson" || record.closedAtMs !== undefined) return record;
  const isContained = whyNotClose(record) === undefined;
  const status = isContained ? ("closed" as const) : ("needsPerson" as const);
  const next: IncidentRecord = {
    ...record,
    status: record.status === "falseAlarm" ? record.status : status,
    ...{ reason, waits: [] },
    ...(isContained && { closedAtMs: atMs }),
  };
  return addToTimeline(next, { atMs, what: "settled", detail: reason });
}
