import { incidentLimits } from "./limits.ts";
import { isExact, isLetLive, isRekeysOwn, isSettled } from "./plan.ts";
import type { DecidedBefore, IncidentRecord, KeyInScope, PersonsOrder } from "./record.ts";
import { isOver } from "./status.ts";
import { addToTimeline, changeKey, keyInScope, refOf } from "./transitions.ts";

/**
 * The orders that an authenticated person may give in an incident. Each is a pure transition; its `whyNot` is
 * asked first, and the answer goes to the person.
 */
export type PersonRefusal = { readonly reason: string; readonly detail: string; readonly hint?: string };

export function takeNote(record: IncidentRecord, word: PersonsOrder): IncidentRecord {
  const { by, reason: text, atMs } = word;
  const notes = [...record.notes, { by, text, atMs }].slice(-incidentLimits.notes);
  return addToTimeline({ ...record, notes }, { atMs, what: "note", detail: text, by });
}

/** A finished incident does not change any more. Later remarks go into a note. */
function whyOver({ incidentId, status }: IncidentRecord): PersonRefusal | undefined {
  if (!isOver(status)) return undefined;
  return {
    reason: "IncidentOver",
    detail: `incident ${incidentId} is over (${status === "closed" ? "closed" : "a false alarm"})`,
    hint: `add to it with \`rekey incident note ${incidentId}\``,
  };
}

// ---- acknowledge ------------------------------------------------------------------------------------------

const acknowledgedMax = 20;

export function whyNotAcknowledge(record: IncidentRecord): PersonRefusal | undefined {
  const over = whyOver(record);
  if (over) return over;
  if (record.pages.some(({ delivered }) => delivered.length > 0)) return undefined;
  return { reason: "NothingToAcknowledge", detail: "nobody was paged for this incident" };
}

/** Decides nothing about the key: it says that somebody heard, and keeps back the repeats for a while. */
export function acknowledge(record: IncidentRecord, word: PersonsOrder): IncidentRecord {
  const acknowledged = [...(record.acknowledged ?? []), word].slice(-acknowledgedMax);
  const { by, reason: detail, atMs } = word;
  return addToTimeline({ ...record, acknowledged }, { atMs, what: "acknowledged", detail, by });
}

// ---- waive -----------------------------------------------------------------------------------------------

export function whyNotWaive(record: IncidentRecord, ref: string): PersonRefusal | undefined {
  const key = keyInScope(record, ref);
  if (key === undefined) {
    const known = record.keys.map(refOf).join(", ") || "none";
    return { reason: "UnknownKey", detail: `no key ${ref} is in scope of this incident (${known})` };
  }
  if (key.state === "dead")
    return { reason: "AlreadyDead", detail: `key ${ref} is dead: there is nothing to waive` };
  return whyOver(record);
}

/** The state stays as it was observed: a waiver records a person's responsibility, not an observation. */
export function waive(
  record: IncidentRecord,
  { ref, word }: { readonly ref: string; readonly word: PersonsOrder },
): IncidentRecord {
  const next = changeKey(record, ref, (key) => ({ ...key, waiver: word }));
  const keyId = keyInScope(record, ref)?.keyId;
  return addToTimeline(next, said("waived", word, keyId));
}

// ---- contain now -----------------------------------------------------------------------------------------

export function whyNotContainNow(record: IncidentRecord): PersonRefusal | undefined {
  const over = whyOver(record);
  if (over) return over;
  const open = record.keys.filter((key) => !isSettled(key));
  if (record.keys.length > 0 && open.length === 0) {
    return { reason: "NothingToContain", detail: "every key of this incident is dead or waived" };
  }
  const refusals = open.map((key) => whyOutOfReach(key, record.incidentId));
  return refusals.includes(undefined) ? undefined : (refusals[0] ?? nobodyKnows);
}

/** No provider call of ours can revoke this key, so ordering it would change nothing. */
function whyOutOfReach(key: KeyInScope, incidentId: string): PersonRefusal | undefined {
  const { keyId, secretArn, byHand, blocked, provider, account } = key;
  if (isRekeysOwn(key)) return rekeysOwn(key, incidentId);
  if (keyId === undefined) return nobodyKnows;
  if (byHand === true) {
    const detail = blocked?.why ?? "the provider has no call that revokes a key";
    return {
      reason: "ByHand",
      detail,
      hint: "delete it in the provider's console: Rekey notices that it is dead",
    };
  }
  if (secretArn !== undefined) return undefined;
  const where = account ?? (provider === undefined ? "its provider" : `an account of ${provider} with it`);
  return {
    reason: "NoPolicy",
    detail: `no policy covers ${where}, so Rekey cannot revoke key ${keyId}`,
    hint: "declare a secret of that account in rekey.yml (`mode: index` is enough), apply, and give the order again",
  };
}

function rekeysOwn({ what }: KeyInScope, incidentId: string): PersonRefusal {
  const detail = `it is ${what ?? "a credential of Rekey's own"}: a person has to replace it`;
  return { reason: "RekeysOwn", detail, hint: `see each step with \`rekey incident show ${incidentId}\`` };
}

const nobodyKnows: PersonRefusal = {
  reason: "KeyUnknown",
  detail: "nobody knows which key at the provider this is, so Rekey cannot revoke it",
  hint: "if you have the key, see what it matches with `rekey compromise --key-stdin --dry-run`",
};

export function containNow(record: IncidentRecord, word: PersonsOrder): IncidentRecord {
  if (record.containNow !== undefined) return record;
  return addToTimeline(
    { ...record, containNow: word },
    { ...said("planChanged", word), detail: `contain now: ${word.reason}` },
  );
}

/** Why the key is contained: a person's order counts before the plan. */
export function whyContained({ containNow: word, planWhy }: IncidentRecord): string {
  return word === undefined ? planWhy : `contain now, ordered by ${word.by}: ${word.reason}`;
}

// ---- switch first ----------------------------------------------------------------------------------------

export function whyNotSwitchFirst(record: IncidentRecord): PersonRefusal | undefined {
  const refusal = whyOver(record) ?? whyNoPlan(record);
  if (refusal) return refusal;
  if (!isExact(record.match.by)) {
    const known =
      record.match.by === "none"
        ? "matches nothing that Rekey knows"
        : `is known by a ${record.match.by} only`;
    const detail = `the key ${known}: containment waits for you in any case`;
    return { reason: "NotExact", detail };
  }
  const undecided = record.keys.filter((key) => !isSettled(key) && isReversible(key));
  if (undecided.length > 0) return undefined;
  return { reason: "TooLate", detail: "the revoke is under way or done, and it cannot be undone" };
}

function isReversible({ state }: KeyInScope): boolean {
  return (
    state === "waiting" || state === "needsPerson" || state === "quarantining" || state === "quarantined"
  );
}

/** Consumers get until `containByMs`; after that containment no longer waits for them. */
export function switchFirst(
  record: IncidentRecord,
  { word, containByMs }: { readonly word: PersonsOrder; readonly containByMs: number },
): IncidentRecord {
  const { containNow: _taken, ...rest } = record;
  const planAsked = { ...word, plan: "switch-first" as const };
  const planWhy = `ordered by ${word.by}: ${word.reason}`;
  const next: IncidentRecord = { ...rest, plan: "switch-first", planWhy, planAsked, containByMs };
  return addToTimeline(next, {
    ...said("planChanged", word),
    detail: `from ${record.plan} to switch-first: ${word.reason}`,
  });
}

/** If switch-first is not possible, undoing the quarantine also cancels an earlier contain-now order. */
export function withdrawContainNow(record: IncidentRecord): IncidentRecord {
  const { containNow: _taken, ...rest } = record;
  return rest;
}

// ---- a plan that is asked for with a report ---------------------------------------------------------------

export interface PlanOrder {
  readonly plan: "contain-first" | "switch-first";
  readonly word: PersonsOrder;
  /** Under switch-first, when containment stops waiting for consumers. */
  readonly containByMs: number;
}

/** The rows of the plan table that outrank a person's order, as they were when the incident opened. */
function whyNoPlan({ incidentId, keys, match, plan, ...record }: IncidentRecord): PersonRefusal | undefined {
  const own = keys.find(isRekeysOwn);
  if (own) return rekeysOwn(own, incidentId);
  const isPersons = plan === "person" && record.openedAtMs !== undefined;
  // Whoever ordered contain-now has said which key it is, and may still give its consumers time.
  if (!isPersons || !isExact(match.by) || record.containNow !== undefined) return undefined;
  const detail = "Rekey rotates no secret that holds this key, so no plan contains it";
  return { reason: "NotRotated", detail, hint: `order it with \`rekey incident contain-now ${incidentId}\`` };
}

/** Asked before the key is reported again with a plan that the person chose. */
export function whyNotPlan(record: IncidentRecord, plan: PlanOrder["plan"]): PersonRefusal | undefined {
  if (plan === "switch-first") return whyNotSwitchFirst(record) ?? whyNotByReport(record);
  const refusal = whyOver(record) ?? whyNoPlan(record);
  if (refusal) return refusal;
  if (isExact(record.match.by)) return undefined;
  const hint = `order it with \`rekey incident contain-now ${record.incidentId}\``;
  return { reason: "NotExact", detail: "the key is not known exactly, so no plan contains it", hint };
}

/** A leaked key that others have is spared only by an order about its incident, which may need a second person (O7). */
function whyNotByReport(record: IncidentRecord): PersonRefusal | undefined {
  if (!isGrave(record)) return undefined;
  const hint = `order it with \`rekey incident switch-first ${record.incidentId}\``;
  return { reason: "PublicOrSeenWorking", detail: "the key is public, or was seen to work", hint };
}

/** Whether somebody reported the key as public, or saw it work. */
export function isGrave({ alerts }: Pick<IncidentRecord, "alerts">): boolean {
  return alerts.some(({ exposure, verified }) => exposure === "public" || verified === "live");
}

export function orderPlan(record: IncidentRecord, { plan, word, containByMs }: PlanOrder): IncidentRecord {
  if (plan === "switch-first") return switchFirst(record, { word, containByMs });
  const planWhy = `ordered by ${word.by}: ${word.reason}`;
  return addToTimeline(
    { ...record, plan, planWhy, planAsked: { ...word, plan } },
    { ...said("planChanged", word), detail: `from ${record.plan} to ${plan}: ${word.reason}` },
  );
}

// ---- undo a quarantine -----------------------------------------------------------------------------------

/** Keys whose quarantine can still be undone, also if the undo was recorded and may not have reached the provider. */
export function undoableKeys(record: IncidentRecord): readonly KeyInScope[] {
  return record.keys.filter((key) => isQuarantined(key.state) || isUndone(key));
}

export function isUndone(key: KeyInScope): key is KeyInScope & { readonly undoneAtMs: number } {
  return key.state === "waiting" && key.undoneAtMs !== undefined && key.waiver === undefined;
}

/**
 * The function that undid it may have died before it called the provider, and a late quarantine call may
 * still arrive. So the undo is repeated for this long. After that somebody else may have changed the key.
 */
export function isRestoreDue(
  key: KeyInScope,
  { nowMs, forMs }: { readonly nowMs: number; readonly forMs: number },
): boolean {
  return isUndone(key) && nowMs < key.undoneAtMs + forMs;
}

/** The quarantine call may still be under way: the function that makes it sees the undo and takes it back. */
function isQuarantined(state: KeyInScope["state"]): boolean {
  return state === "quarantined" || state === "quarantining";
}

export function whyNotUndoQuarantine(record: IncidentRecord): PersonRefusal | undefined {
  const over = whyOver(record);
  if (over) return over;
  if (undoableKeys(record).length > 0) return undefined;
  const isGone = record.keys.some(({ state }) => ["revoking", "accepted", "dead"].includes(state));
  return isGone
    ? { reason: "TooLate", detail: "the revoke is under way or done, and it cannot be undone" }
    : { reason: "NothingQuarantined", detail: "no key of this incident is quarantined" };
}

/**
 * Recorded before the provider is called: from then on this incident does not revoke the key for being
 * quarantined.
 */
export function undoQuarantine(
  record: IncidentRecord,
  { ref, word }: { readonly ref: string; readonly word: PersonsOrder },
): IncidentRecord {
  const before = keyInScope(record, ref);
  if (before === undefined || !isQuarantined(before.state)) return record;
  const { quarantinedAtMs = word.atMs } = before;
  const next = changeKey(record, ref, ({ revokeAtMs: _no, ...key }) => ({
    ...key,
    ...{ state: "waiting", quarantinedAtMs, undoneAtMs: word.atMs },
  }));
  return addToTimeline(next, said("quarantineUndone", word, before.keyId));
}

// ---- a false alarm ---------------------------------------------------------------------------------------

export function whyNotFalseAlarm(record: IncidentRecord): PersonRefusal | undefined {
  return record.status === "falseAlarm" ? undefined : whyOver(record);
}

/** Every branch of the machine ends after this. A revoke that has begun is owed to the next rotation. */
export function falseAlarm(record: IncidentRecord, word: PersonsOrder): IncidentRecord {
  if (record.status === "falseAlarm") return record;
  const isAtWork = record.status === "open" || record.status === "contained";
  const ended = isAtWork ? {} : { closedAtMs: word.atMs };
  const called = { status: "falseAlarm" as const, reason: word.reason, calledOffAtMs: word.atMs };
  const next: IncidentRecord = { ...record, ...called, ...ended };
  return addToTimeline(next, said("falseAlarm", word));
}

function said(
  what: "waived" | "planChanged" | "quarantineUndone" | "falseAlarm",
  { by, reason, atMs }: PersonsOrder,
  keyId?: string,
) {
  return { what, by, atMs, detail: reason, ...(keyId !== undefined && { keyId }) };
}

// ---- what an order covers --------------------------------------------------------------------------------

/** Said in the answer to the order, and shown where the key is reported again. */
export const orderCovers =
  "it covers what was reported until now: a report that says more, or comes from somebody else, opens an incident again";

/** What a person decided about the key of an incident that a new report does not belong to. */
export function decisionOf({
  incidentId,
  status,
  keys,
  timeline,
}: IncidentRecord): DecidedBefore | undefined {
  const waiver = keys.find(isLetLive)?.waiver;
  if (waiver !== undefined) return { incidentId, what: "waived", ...waiver };
  const called = timeline.findLast(({ what }) => what === "falseAlarm");
  if (status !== "falseAlarm" || called === undefined) return undefined;
  const { by = "a person", detail: reason, atMs } = called;
  return { incidentId, what: "falseAlarm", by, reason, atMs };
}
