import type { IncidentRecord, KeyInScope } from "../../core/incident-record.ts";
import type { BoundaryCall } from "./surroundings.ts";
import type { Watch } from "./watch.ts";

/** What the simulation knows of one incident's clock, on true time. */
export interface IncidentFacts {
  openedAtMs: number | undefined;
  /** Every key dead or waived, or a person called it a false alarm. */
  settledAtMs: number | undefined;
  clockFaults: number;
}

const clockSteps = new Set(["check-clock", "escalate", "await-incident", "open-incident", "settle-incident"]);

export const isClockStep = ({ invocation }: BoundaryCall) => clockSteps.has(invocation.functionName);

/** Asked of every write to an incident, at the instant of the write. */
export function afterIncident(
  watch: Watch,
  { before, next }: { readonly before: IncidentRecord | undefined; readonly next: IncidentRecord },
): void {
  const { incidentId } = next;
  const nowMs = watch.world.time.nowMs();
  const facts = watch.incidentFacts(incidentId);
  if (next.openedAtMs !== undefined) facts.openedAtMs ??= nowMs;
  const isSettled = next.keys.length > 0 && next.keys.every((key) => key.state === "dead");
  if (isSettled || next.status === "falseAlarm") facts.settledAtMs ??= nowMs;
  if (before !== undefined && next.deadlineAtMs > before.deadlineAtMs)
    watch.violate(
      "T3",
      `the deadline of ${incidentId} moved from ${before.deadlineAtMs} to ${next.deadlineAtMs}`,
    );
  const earliestMs = Math.min(...next.alerts.map(({ receivedAtMs }) => receivedAtMs));
  if (next.deadlineAtMs > earliestMs + deadlineAfterMs)
    watch.violate("T3", `the deadline of ${incidentId} is later than its first alert allows`);
  if (next.status === "closed" && !isSettled && next.keys.every(({ waiver }) => waiver === undefined))
    watch.violate("L6", `${incidentId} is closed, and its key is ${next.keys[0]?.state}`);
  for (const key of next.keys) {
    const was = before?.keys.find(({ keyId }) => keyId === key.keyId);
    if (key.state === "dead" && was?.state !== "dead") keyIsDead(watch, key);
  }
}

const deadlineAfterMs = 15 * 60_000;

function keyIsDead(watch: Watch, { keyId }: KeyInScope): void {
  watch.look();
  if (watch.keyState(keyId)?.isAccepted) watch.violate("L6", `${keyId} is called dead and is accepted`);
}

/** The incident whose exact binding, or a person's word, lets this key go, whatever state it is in. */
export function incidentBinding(watch: Watch, keyId: string): IncidentRecord | undefined {
  return [...watch.incidents.values()].find(
    ({ keys, match, containNow }) =>
      keys.some((key) => key.keyId === keyId) && (isExact(match.by) || containNow !== undefined),
  );
}

const isExact = (by: string) => by === "fingerprint" || by === "keyId";

const intended = new Set<KeyInScope["state"]>([
  "quarantining",
  "quarantined",
  "revoking",
  "accepted",
  "dead",
]);

/** S2 and S4: the key that the incident is bound to, and its intent written before the provider is asked. */
export function isContained(
  watch: Watch,
  { keyId, end }: { readonly keyId: string; readonly end: "deleted" | "disabled" },
): boolean {
  const key = incidentBinding(watch, keyId)?.keys.find((each) => each.keyId === keyId);
  if (key === undefined) return false;
  return end === "deleted" ? key.revokeIntendedAtMs !== undefined : intended.has(key.state);
}

/** S2: whatever an incident says, a key that is about to become current or has just become it is not its. */
export function containedIsNotIncoming(watch: Watch, keyId: string): void {
  for (const { record, policy } of watch.secrets.values()) {
    const run = record?.run;
    if (run !== undefined && run.phase !== "opened" && run.incoming.keyId === keyId)
      watch.violate("S2", `an incident contains ${keyId}, the incoming key of ${policy.name} (${run.phase})`);
  }
}

/** S1 allows a gap once a proven leak is contained, on suspicion only after the time that was set for it. */
export function mayBeInGap(watch: Watch, keyId: string | undefined): boolean {
  if (
    keyId === undefined ||
    !isContained(watch, { keyId, end: watch.keyState(keyId)?.isListed ? "disabled" : "deleted" })
  )
    return false;
  const record = incidentBinding(watch, keyId);
  if (record === undefined) return false;
  const isLate = (record.containByMs ?? Number.POSITIVE_INFINITY) <= watch.world.time.nowMs();
  return record.plan === "contain-first" || record.containNow !== undefined || isLate;
}

/** Its incoming key leaked after a hand had taken it out of AWSCURRENT: what that run owes goes on the list of debts. */
export function incidentEndsIt(watch: Watch, incomingKeyId: string): boolean {
  if (watch.call?.invocation.functionName !== "open-incident") return false;
  return [...watch.incidents.values()].some(({ keys }) => keys.some(({ keyId }) => keyId === incomingKeyId));
}
