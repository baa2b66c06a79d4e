import { Stopped } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import type { Refusal } from "../../core/rotation/refusal.ts";
import { whyStopped } from "../../core/rotation/stop-order.ts";
import type { Deps } from "../deps.ts";

interface Work {
  readonly isIncident: boolean;
}

/** The `rekey stop` that applies to this secret now, read just before each effect. */
export async function stopFor(
  policy: Policy,
  deps: Pick<Deps, "ledger">,
  { isIncident }: Work = { isIncident: false },
): Promise<Refusal<"Stopped"> | undefined> {
  return whyStopped(await deps.ledger.stops(), { policy, isIncident });
}

export async function assertNotStopped(policy: Policy, deps: Pick<Deps, "ledger">, work?: Work) {
  const refusal = await stopFor(policy, deps, work);
  if (refusal) throw new Stopped(refusal.detail);
}
