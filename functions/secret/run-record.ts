import { PolicyInvalid } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import type { Ticket } from "../../core/rotation/secret-record.ts";
import type { RotationRecord } from "../../ledger/entries.ts";
import type { Deps } from "../deps.ts";

/** The snapshot taken when the run opened: an edit of rekey.yml changes the next run, not this one. */
export async function policyOf(ticket: Ticket, deps: Pick<Deps, "ledger">): Promise<Policy> {
  const run = await deps.ledger.rotation(ticket.secretArn, ticket.rotationId);
  if (run === undefined) throw new PolicyInvalid(`${ticket.rotationId} has no record of its opening`);
  return run.policy;
}

/** The snapshot, and every consumer added since: a gate never overlooks one that was declared meanwhile. */
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

/** Adds to what people see of a run; the run's own item, not this one, is what decides. */
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
