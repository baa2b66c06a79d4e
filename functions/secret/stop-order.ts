import { Stopped } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import type { Refusal } from "../../core/rotation/gate.ts";
import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import type { StopOrder } from "../../ledger/entries.ts";
import type { Deps } from "../deps.ts";

/** Whether a stop applies to this secret. */
function covers({ scope }: StopOrder, policy: Policy): boolean {
  return (
    scope === "all" ||
    scope === policy.secretArn ||
    scope === `provider/${policy.provider.account}` ||
    scope === `environment/${policy.environment}`
  );
}

/** The `rekey stop` that applies to this secret now. Read just before each effect. */
export async function stopFor(
  policy: Policy,
  deps: Pick<Deps, "ledger">,
  work: { readonly incident: boolean } = { incident: false },
): Promise<Refusal | undefined> {
  const stop = (await deps.ledger.stops()).find(
    (candidate) => covers(candidate, policy) && (!work.incident || candidate.includingIncidents),
  );
  return stop && { reason: "Stopped", detail: `stopped for ${stop.scope} by ${stop.by}: ${stop.reason}` };
}

/** Containment is exempt, and so is the replacement that it waits for, unless the stop includes incidents. */
export function workOf({ lease }: Pick<SecretRecord, "lease">): { readonly incident: boolean } {
  return { incident: lease?.kind === "incident" };
}

export async function assertNotStopped(policy: Policy, deps: Deps, work?: { readonly incident: boolean }) {
  const refusal = await stopFor(policy, deps, work);
  if (refusal) throw new Stopped(refusal.detail);
}
