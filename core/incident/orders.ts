import { isExact, isOver, isRekeysOwn, isSettled } from "./plan.ts";
import type { IncidentRecord, KeyInScope, PersonsOrder } from "./record.ts";
import { addToTimeline, changeKey, keyInScope, refOf } from "./transitions.ts";

/**
 * What an authenticated person may say in an incident. Each is a pure transition, as in `incident.ts`; each
 * `whyNot` is asked before it, and its answer goes to the person.
 */
export type PersonRefusal = { readonly reason: string; readonly detail: string; readonly hint?: string };

const notesMax = 200;

export function takeNote(record: IncidentRecord, word: PersonsOrder): IncidentRecord {
  const { by, reason: text, atMs } = word;
  const notes = [...record.notes, { by, text, atMs }].slice(-notesMax);
  return addToTimeline({ ...record, notes }, { atMs, what: "note", detail: text, by });
}

/** An ended incident is history: what is said of it later goes into a note. */
function whyOver({ incidentId, status }: IncidentRecord): PersonRefusal | undefined {
  if (!isOver(status)) return undefined;
  return {
    reason: "IncidentOver",
    detail: `incident ${incidentId} is over (${status === "closed" ? "closed" : "a false alarm"})`,
    hint: `add to it with \`rekey incident note ${incidentId}\``,
  };
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

/** The state stays what was seen of the key: a waiver is a person's responsibility, not an observation. */
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

/** No provider call of ours can revoke it, so a person's word would change nothing. */
function whyOutOfReach(key: KeyInScope, incidentId: string): PersonRefusal | undefined {
  const { keyId, secretArn, byHand, blocked, provider, account } = key;
  if (isRekeysOwn(key)) return rekeysOwn(key, incidentId);
  if (keyId === undefined) return nobodyKnows;
  if (byHand === true) {
    const detail = blocked ?? "the provider has no call that revokes a key";
    return { reason: "ByHand", detail, hint: "delete it in the provider's console: Rekey sees it die" };
  }
  if (secretArn !== undefined) return undefined;
  const where = account ?? (provider === undefined ? "its provider" : `an account of ${provider} with it`);
  return {
    reason: "NoPolicy",
    detail: `no policy reaches ${where}, so Rekey cannot revoke key ${keyId}`,
    hint: "declare a secret of that account in rekey.yml (`mode: index` is enough), apply, and say it again",
  };
}

function rekeysOwn({ what }: KeyInScope, incidentId: string): PersonRefusal {
  const detail = `it is ${what ?? "a credential of Rekey's own"}: a person has to replace it`;
  return { reason: "RekeysOwn", detail, hint: `see each step with \`rekey incident show ${incidentId}\`` };
}

const nobodyKnows: PersonRefusal = {
  reason: "KeyUnknown",
  detail: "nobody knows which key at the provider this is, so there is nothing that could be revoked",
  hint: "if you have the key, see what it matches with `rekey compromise --key-stdin --dry-run`",
};

export function containNow(record: IncidentRecord, word: PersonsOrder): IncidentRecord {
  if (record.containNow !== undefined) return record;
  return addToTimeline(
    { ...record, containNow: word },
    { ...said("planChanged", word), detail: `contain now: ${word.reason}` },
  );
}

/** Why the key is contained: a person's word comes before the plan. */
export function whyContained({ containNow: word, planWhy }: IncidentRecord): string {
  return word === undefined ? planWhy : `contain now, asked for by ${word.by}: ${word.reason}`;
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

/** Consumers get until `containByMs`; then containment waits for nobody, as the plan says. */
export function switchFirst(
  record: IncidentRecord,
  { word, containByMs }: { readonly word: PersonsOrder; readonly containByMs: number },
): IncidentRecord {
  const { containNow: _taken, ...rest } = record;
  const planAsked = { ...word, plan: "switch-first" as const };
  const planWhy = `asked for by ${word.by}: ${word.reason}`;
  const next: IncidentRecord = { ...rest, plan: "switch-first", planWhy, planAsked, containByMs };
  return addToTimeline(next, {
    ...said("planChanged", word),
    detail: `from ${record.plan} to switch-first: ${word.reason}`,
  });
}

/** Where nobody can let consumers move first, whoever wants the key back takes their order to contain it back as well. */
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

/** The rows of the plan table that come before what a person asks for, as the opening found them. */
function whyNoPlan({ incidentId, keys, match, plan, ...record }: IncidentRecord): PersonRefusal | undefined {
  const own = keys.find(isRekeysOwn);
  if (own) return rekeysOwn(own, incidentId);
  const isPersons = plan === "person" && record.openedAtMs !== undefined;
  // Who said contain-now has taken the key upon them, and may still give its consumers time.
  if (!isPersons || !isExact(match.by) || record.containNow !== undefined) return undefined;
  const detail = "Rekey rotates no secret that holds this key, so no plan contains it";
  return { reason: "NotRotated", detail, hint: `say it with \`rekey incident contain-now ${incidentId}\`` };
}

/** Asked before the key is reported a second time with a plan of the person's own. */
export function whyNotPlan(record: IncidentRecord, plan: PlanOrder["plan"]): PersonRefusal | undefined {
  if (plan === "switch-first") return whyNotSwitchFirst(record);
  const refusal = whyOver(record) ?? whyNoPlan(record);
  if (refusal) return refusal;
  if (isExact(record.match.by)) return undefined;
  const hint = `say it with \`rekey incident contain-now ${record.incidentId}\``;
  return { reason: "NotExact", detail: "the key is not known exactly, so no plan contains it", hint };
}

export function orderPlan(record: IncidentRecord, { plan, word, containByMs }: PlanOrder): IncidentRecord {
  if (plan === "switch-first") return switchFirst(record, { word, containByMs });
  const planWhy = `asked for by ${word.by}: ${word.reason}`;
  return addToTimeline(
    { ...record, plan, planWhy, planAsked: { ...word, plan } },
    { ...said("planChanged", word), detail: `from ${record.plan} to ${plan}: ${word.reason}` },
  );
}

// ---- undo a quarantine -----------------------------------------------------------------------------------

/** Keys whose quarantine can still be undone, also one whose undoing was recorded and perhaps not done. */
export function undoableKeys(record: IncidentRecord): readonly KeyInScope[] {
  return record.keys.filter((key) => isQuarantined(key.state) || isUndone(key));
}

export function isUndone(key: KeyInScope): key is KeyInScope & { readonly undoneAtMs: number } {
  return key.state === "waiting" && key.undoneAtMs !== undefined && key.waiver === undefined;
}

/**
 * Whoever undid it may have died before the provider was asked, and a call that was on its way may come late: for so
 * long it is asked again. Later than that somebody else may have changed the key.
 */
export function isRestoreDue(
  key: KeyInScope,
  { nowMs, forMs }: { readonly nowMs: number; readonly forMs: number },
): boolean {
  return isUndone(key) && nowMs < key.undoneAtMs + forMs;
}

/** The call may be on its way still: whoever makes it sees that it was undone, and takes it back. */
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

/** Recorded before the provider is asked: from here on nothing of this incident revokes it as quarantined. */
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

/** Every branch of the machine ends at this; a revoke that has begun is owed to the next rotation. */
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
