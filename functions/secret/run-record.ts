import { PolicyInvalid } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import type { Ticket } from "../../core/rotation/secret-record.ts";
import type { RotationRecord } from "../../ledger/entries.ts";
import type { Deps } from "../deps.ts";

/** The policy as it was when the run opened: an edit of rekey.yml changes the next run, not this one. */
export async function policyOf(ticket: Ticket, deps: Pick<Deps, "ledger">): Promise<Policy> {
  const run = await deps.ledger.rotation(ticket.secretArn, ticket.rotationId);
  if (run === undefined) throw new PolicyInvalid(`${ticket.rotationId} has no record of its opening`);
  return run.policy;
}

/** That snapshot with every consumer added since, so that the gate waits for consumers declared meanwhile too. */
export async function policyAtGate(ticket: Ticket, deps: Pick<Deps, "ledger">): Promise<Policy> {
  const snapshot = await policyOf(ticket, deps);
  const live = await deps.ledger.policy(ticket.secretArn);
  if (live === undefined || live.consumers === "none") return snapshot;
  const known = snapshot.consumers === "none" ? [] : snapshot.consumers;
  const added = live.consumers.filter(
    ({ name, environment }) => !known.some((one) => one.name === name && one.environment === environment),
  );
  if (added.length === 0) return { ...snapshot, retain: snapshot.retain || live.retain };
  return { ...snapshot, retain: snapshot.retain || live.retain, consumers: [...known, ...added] };
}

/** Updates what people see of a run. Decisions use the secret's item, not this record. */
export async function noteRun(
  {
    ticket,
    note,
  }: { readonly ticket: Pick<Ticket, "secretArn" | "rotationId">; readonly note: Partial<RotationRecord> },
  deps: Pick<Deps, "ledger">,
): Promise<void> {
  await deps.ledger.changeRotation(ticket, (run) => {
    if (run === undefined) throw new PolicyInvalid(`${ticket.rotationId} has no record of its opening`);
    return { ...run, ...note };
  });
}
