import type { IncidentRecord, KeyInScope } from "../../../core/incident/record.ts";
import { isOver } from "../../../core/incident/status.ts";
import type { Swept } from "../../../functions/upkeep/swept.ts";
import type { BoundaryCall, Invocation } from "../world/surroundings.ts";
import type { Witness } from "./witness.ts";

const clockSteps = new Set(["check-clock", "escalate", "await-incident", "open-incident", "settle-incident"]);

export const isClockStep = ({ invocation }: BoundaryCall) => clockSteps.has(invocation.functionName);

interface WholeSweep {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

const wholeSweeps = new WeakMap<Witness, WholeSweep[]>();

/** Told of every sweep that answers: only one that got through everything has looked at every incident. */
export function noteSweep(watch: Witness, { input }: Invocation, output: string): void {
  const { outcome, failed } = JSON.parse(output) as Swept;
  if (outcome !== "swept" || failed > 0) return;
  const { time } = input as { readonly time: string };
  const sweep = { startedAtMs: Date.parse(time), endedAtMs: watch.world.time.nowMs() };
  wholeSweeps.set(watch, [...(wholeSweeps.get(watch) ?? []), sweep]);
}

/** When the first sweep was done that can have seen what happened at this time. */
export function sweptAtMs(watch: Witness, atMs: number): number | undefined {
  return wholeSweeps.get(watch)?.find(({ startedAtMs }) => startedAtMs >= atMs)?.endedAtMs;
}

/** Asked of every write to an incident, at the instant of the write. */
export function afterIncident(
  watch: Witness,
  { before, next }: { readonly before: IncidentRecord | undefined; readonly next: IncidentRecord },
): void {
  const { incidentId } = next;
  const nowMs = watch.world.time.nowMs();
  const facts = watch.incidentFacts(incidentId);
  // A late alert about an earlier leak moves the deadline, perhaps to a time that is over: nobody can be told before it.
  const isNews = facts.openedAtMs === undefined || next.deadlineAtMs !== before?.deadlineAtMs;
  if (next.openedAtMs !== undefined) facts.openedAtMs ??= nowMs;
  if (next.openedAtMs !== undefined && isNews)
    facts.clockMs = Math.min(facts.clockMs, Math.max(next.deadlineAtMs, nowMs + taskMs));
  const isSettled =
    next.keys.length > 0 && next.keys.every(({ state, waiver }) => state === "dead" || waiver !== undefined);
  if (isSettled || next.status === "falseAlarm") facts.settledAtMs ??= nowMs;
  if (before !== undefined && next.deadlineAtMs > before.deadlineAtMs)
    watch.violate(
      "T3",
      `the deadline of ${incidentId} moved from ${before.deadlineAtMs} to ${next.deadlineAtMs}`,
    );
  const earliestMs = Math.min(...next.alerts.map(({ receivedAtMs }) => receivedAtMs));
  if (next.deadlineAtMs > earliestMs + deadlineAfterMs)
    watch.violate("T3", `the deadline of ${incidentId} is later than its first alert allows`);
  if (next.status === "closed" && !isSettled)
    watch.violate("L6", `${incidentId} is closed, and its key is ${next.keys[0]?.state}`);
  for (const key of next.keys) {
    const was = before?.keys.find(({ keyId }) => keyId === key.keyId);
    if (key.state === "dead" && was?.state !== "dead") keyIsDead(watch, key);
    const isIntendedNow = intended.has(key.state) && !intended.has(was?.state ?? "waiting");
    if (isIntendedNow && before !== undefined) isNotCalledOff(watch, before, key);
    if (key.revokeIntendedAtMs !== undefined && was?.revokeIntendedAtMs === undefined)
      mayBeContainedNow(watch, next);
  }
}

const deadlineAfterMs = 15 * 60_000;
/** No function takes longer: it is timed out then. */
export const taskMs = 60_000;

/** S2: whoever said that there is no leak, or took the key upon them, is not overruled by a decision of before. */
function isNotCalledOff(
  watch: Witness,
  { incidentId, status }: IncidentRecord,
  { keyId, waiver }: KeyInScope,
) {
  const why = status === "falseAlarm" ? "a false alarm" : waiver && "waived";
  if (why) watch.violate("S2", `${incidentId} begins to contain ${keyId}, and it was ${why} by then`);
}

/** On suspicion nobody is cut off before everybody has moved, or the time that was set for it has come. */
function mayBeContainedNow(
  watch: Witness,
  { incidentId, plan, containNow, containByMs = 0, secrets }: IncidentRecord,
) {
  if (plan !== "switch-first" || containNow !== undefined || watch.world.time.nowMs() >= containByMs) return;
  const waiting = secrets.filter(
    ({ replacement }) => replacement !== "adopted" && replacement !== "notNeeded",
  );
  for (const { name, replacement } of waiting)
    watch.violate(
      "S2",
      `${incidentId} contains on suspicion, and the replacement of ${name} is ${replacement}`,
    );
}

function keyIsDead(watch: Witness, { keyId, how }: KeyInScope): void {
  watch.look();
  if (isAlive(watch, { keyId, how })) watch.violate("L6", `${keyId} is called dead and is accepted`);
}

/** Of a key whose text nobody holds no more can be seen than that it is gone from the listing. */
export function isAlive(
  watch: Witness,
  { keyId, how }: { readonly keyId: string | undefined; readonly how: KeyInScope["how"] | undefined },
): boolean {
  const key = watch.keyState(keyId);
  return key !== undefined && (how === "listing" ? key.isListed : key.isAccepted);
}

/** The incidents whose exact binding, or a person's word, lets this key go, whatever state they are in. */
function incidentsOf(watch: Witness, keyId: string): readonly IncidentRecord[] {
  return [...watch.incidents.values()].filter(
    ({ keys, match, containNow }) =>
      keys.some((key) => key.keyId === keyId) && (isExact(match.by) || containNow !== undefined),
  );
}

export const isExact = (by: string) => by === "fingerprint" || by === "keyId";

const intended = new Set<KeyInScope["state"]>([
  "quarantining",
  "quarantined",
  "revoking",
  "accepted",
  "dead",
]);

interface Ending {
  readonly keyId: string;
  readonly end: "deleted" | "disabled";
}

/** S2 and S4: the key that the incident is bound to, and its intent written before the provider is asked. */
export function isContained(watch: Witness, ending: Ending): boolean {
  return incidentsOf(watch, ending.keyId).some((record) => isIntended(record, ending));
}

/** A person had the quarantine undone, and no incident has contained the key since. */
export function wasUndone(watch: Witness, keyId: string): boolean {
  const incidents = incidentsOf(watch, keyId);
  const undoneAtMs = Math.max(
    ...incidents.map((record) => undoneAt(record, keyId) ?? Number.NEGATIVE_INFINITY),
  );
  if (undoneAtMs === Number.NEGATIVE_INFINITY) return false;
  return !incidents.some((record) => holdsContained(record, { keyId, undoneAtMs }));
}

/** A waiver ends the work on the key and undoes nothing: what this incident disabled after the undo stays disabled. */
function holdsContained(
  record: IncidentRecord,
  { keyId, undoneAtMs }: { readonly keyId: string; readonly undoneAtMs: number },
): boolean {
  if (!isIntended(record, { keyId, end: "disabled" })) return false;
  if (!isOver(record.status)) return true;
  const { waiver, quarantinedAtMs = 0 } = record.keys.find((key) => key.keyId === keyId) ?? {};
  return record.status === "closed" && waiver !== undefined && quarantinedAtMs > undoneAtMs;
}

function isIntended({ keys }: IncidentRecord, { keyId, end }: Ending): boolean {
  const key = keys.find((each) => each.keyId === keyId);
  if (key === undefined) return false;
  return end === "deleted" ? key.revokeIntendedAtMs !== undefined : intended.has(key.state);
}

/** S2: whatever an incident says, a key that is about to become current or has just become it is not its. */
export function containedIsNotIncoming(watch: Witness, keyId: string): void {
  for (const { record, policy } of watch.secrets.values()) {
    const run = record?.run;
    if (run !== undefined && run.phase !== "opened" && run.incoming.keyId === keyId)
      watch.violate("S2", `an incident contains ${keyId}, the incoming key of ${policy.name} (${run.phase})`);
  }
}

/** A person took the responsibility for a key that nobody saw dead. */
export function isWaived(watch: Witness, keyId: string): boolean {
  return [...watch.incidents.values()].some(({ keys }) =>
    keys.some((key) => key.keyId === keyId && key.waiver !== undefined),
  );
}

/** Some incident, not called a false alarm, is about this key. */
export function isLeaked(watch: Witness, keyId: string | undefined): boolean {
  return [...watch.incidents.values()].some(
    ({ status, keys }) => status !== "falseAlarm" && keys.some((key) => key.keyId === keyId),
  );
}

/** A person who was paged for it had a key ended that no secret under Rekey was known to hold. */
export function isOrdered(watch: Witness, keyId: string | undefined): boolean {
  return [...watch.incidents.values()].some(
    ({ keys, containNow }) =>
      containNow !== undefined && keys.some((key) => key.keyId === keyId && key.standing === "unknown"),
  );
}

/** How long a call can be on its way, and who comes by next to put right what it did: the sweep at the latest. */
const undoingMs = 30 * 60_000;

/** A quarantine that a person undoes: first it is written down, and then the provider is asked. */
function isBeingUndone(watch: Witness, record: IncidentRecord, keyId: string): boolean {
  const atMs = undoneAt(record, keyId);
  return atMs !== undefined && watch.world.time.nowMs() < atMs + undoingMs;
}

const undoneAt = ({ keys }: IncidentRecord, keyId: string) =>
  keys.find((key) => key.keyId === keyId && key.state === "waiting")?.undoneAtMs;

/** The call may be on its way while a person undoes it: whoever makes it sees that, and takes it back. */
export function isUndone(watch: Witness, keyId: string): boolean {
  return incidentsOf(watch, keyId).some((record) => isBeingUndone(watch, record, keyId));
}

/** S1 allows a gap once a proven leak is contained, on suspicion only after the time that was set for it. */
export function mayBeInGap(watch: Witness, keyId: string | undefined): boolean {
  if (keyId === undefined) return false;
  const end = watch.keyState(keyId)?.isListed ? "disabled" : "deleted";
  return incidentsOf(watch, keyId).some((record) => {
    if (end === "disabled" && isBeingUndone(watch, record, keyId)) return true;
    const isLate = (record.containByMs ?? Number.POSITIVE_INFINITY) <= watch.world.time.nowMs();
    const isDue = record.plan === "contain-first" || record.containNow !== undefined || isLate;
    return isDue && isIntended(record, { keyId, end });
  });
}

/** Its incoming key leaked after a hand had taken it out of AWSCURRENT: what that run owes goes on the list of debts. */
export function incidentEndsIt(watch: Witness, incomingKeyId: string): boolean {
  if (watch.call?.invocation.functionName !== "open-incident") return false;
  return [...watch.incidents.values()].some(({ keys }) => keys.some(({ keyId }) => keyId === incomingKeyId));
}
