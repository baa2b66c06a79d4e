import type { SecretArn } from "../ports.ts";
import { hadAlert, withAlert } from "./alerts.ts";
import {
  clockFrom,
  escalateBeforeMs,
  isExact,
  isOver,
  isStronger,
  type PlanChoice,
  whyNotClose,
} from "./plan.ts";
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

/** What happens to an incident's record. Each is a pure transition, as in `secret-record.ts`. */

const timelineMax = 300;

/** How a key in scope is named between the steps. */
export function refOf(key: Pick<KeyInScope, "keyId" | "fingerprint">): string {
  return key.keyId ?? key.fingerprint ?? "unknown";
}

export function keyInScope(record: IncidentRecord, ref: string): KeyInScope | undefined {
  return record.keys.find((key) => refOf(key) === ref);
}

/**
 * The keys of an incident that a secret in its scope holds. Every secret is in scope because it holds one, so a
 * single key is held by all of them, also by those of which nobody can say under which id.
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

/** Adds to the timeline and raises `seq`: whoever waits on this incident decides again. */
export function addToTimeline(record: IncidentRecord, entry: TimelineEntry): IncidentRecord {
  return { ...record, seq: record.seq + 1, timeline: [...record.timeline, entry].slice(-timelineMax) };
}

/** A repeat of an alert changes nothing; a new one can only make the clock stricter. */
export function appendAlert(record: IncidentRecord, alert: AlertSeen): IncidentRecord {
  if (hadAlert(record, alert)) return record;
  const clock = clockFrom(alert);
  const detectedAtMs = Math.min(record.detectedAtMs, clock.detectedAtMs);
  const receivedAtMs = Math.min(record.receivedAtMs, alert.receivedAtMs);
  const deadlineAtMs = Math.min(record.deadlineAtMs, clock.deadlineAtMs);
  // Never before it came: a claim may leave no time at all.
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

/** One more start is counted, unless an execution is at work on it or is being started. */
export function takenUp(record: IncidentRecord): IncidentRecord {
  const isDue = record.status === "needsPerson" || (record.status === "reported" && record.starts === 0);
  if (!isDue) return record;
  return { ...record, status: "reported", starts: record.starts + 1 };
}

/** The execution of the last start; any other one that still acts was overtaken by it. */
export function executionNameOf({ incidentId, starts }: IncidentRecord): string {
  return starts <= 1 ? incidentId : `${incidentId}-${starts}`;
}

export function isExecutionOf(record: IncidentRecord, executionArn: string): boolean {
  return executionArn.endsWith(`:${executionNameOf(record)}`);
}

/** An opening that slept may come after the end: what the incident took has been given back by then. */
export function mayOpen(record: IncidentRecord, executionArn: string): boolean {
  const { status } = record;
  return isExecutionOf(record, executionArn) && !isOver(status) && status !== "needsPerson";
}

export interface Identity {
  readonly match: KeyMatch;
  readonly keys: readonly KeyInScope[];
  readonly atMs: number;
}

/** Nobody knew this key, nobody has done anything to it, and now it is known. */
export function mayIdentify({ match, status, keys }: IncidentRecord, known: Pick<KeyMatch, "by">): boolean {
  if (isOver(status) || match.by !== "none" || known.by === "none") return false;
  return keys.length > 0 && keys.every(({ state, byHand }) => state === "needsPerson" && byHand !== true);
}

/**
 * The index knows today what it did not know when the incident opened, so the incident opens again: on its old
 * clock, with its plan, its secrets and whom to tell decided anew.
 */
export function identify(record: IncidentRecord, { match, keys, atMs }: Identity): IncidentRecord {
  if (!mayIdentify(record, match) || keys.length === 0) return record;
  const known: IncidentRecord = { ...record, match, keys, identifiedAtMs: atMs };
  const entry = { atMs, what: "identified" as const, detail: `by ${match.by} ${match.text}` };
  // The machine that was started reads the keys when it opens the incident.
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

/** What was learned later only ever makes Rekey act sooner. */
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

/** States only go forward: a late repeat of an earlier step does not undo what came after it. */
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

/** Stores the wait only if nothing changed since the branch decided to wait: no lost wake-up. */
export function storeIncidentWait(
  record: IncidentRecord,
  wait: IncidentWait,
): IncidentRecord | "decideAgain" {
  if (record.seq !== wait.seenSeq) return "decideAgain";
  const others = record.waits.filter(({ waiter }) => waiter !== wait.waiter);
  return { ...record, waits: [...others, wait] };
}

/** Waits whose branch has not seen the record as it is now. */
export function staleWaits(record: IncidentRecord): readonly IncidentWait[] {
  return record.waits.filter(({ seenSeq }) => seenSeq < record.seq);
}

export function endWaits(record: IncidentRecord, tokens: ReadonlySet<string>): IncidentRecord {
  const left = record.waits.filter(({ token }) => !tokens.has(token));
  return left.length === record.waits.length ? record : { ...record, waits: left };
}

export interface Settlement {
  /** The execution that ended; when another one has taken the incident up since, nothing changes. */
  readonly executionArn: string;
  readonly reason: string;
  readonly atMs: number;
}

/** Nothing works on the incident any more: it is closed where its keys are dead or waived, else a person's. */
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
