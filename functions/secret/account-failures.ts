import { deploymentChain } from "../../audit/chain.ts";
import type { Policy } from "../../core/policy.ts";
import type { RotationId } from "../../core/ports.ts";
import { isAccountError, stoppedByRekey, withFailure } from "../../core/provider-account.ts";
import type { Deps } from "../deps.ts";

interface Failed {
  readonly policy: Policy | undefined;
  readonly rotationId: RotationId;
  readonly error: string | undefined;
  readonly nowMs: number;
}

/**
 * Stops an account whose last rotations all failed at the provider: the next hundred would fail in the same way, and
 * some leave work behind. It is a stop like one that a person orders: `rekey resume --provider` lifts it, it pages,
 * and it does not cover incidents, because a leaked key has to die whatever happened to the rotations before.
 */
export async function noteFailure({ policy, rotationId, error, nowMs }: Failed, deps: Deps): Promise<void> {
  const { account, budget } = policy?.provider ?? {};
  const allowed = budget?.failuresInARow;
  if (account === undefined || allowed === undefined || !isAccountError(error)) return;
  const { runs } = await deps.ledger.changeAccountFailures(account, (failures) =>
    withFailure(failures, { runId: rotationId, error }),
  );
  if (runs.length < allowed) return;
  const scope = `provider/${account}`;
  if ((await deps.ledger.stops()).some((stop) => stop.scope === scope)) return;
  const reason = `${runs.length} rotations in a row failed at the provider: ${runs.map((run) => run.error).join(", ")}`;
  await deps.ledger.putStop({ scope, by: stoppedByRekey, reason, includingIncidents: false });
  await deps.audit.append(deploymentChain, {
    id: `${rotationId}/stop-account`,
    atMs: nowMs,
    actor: rotationId,
    action: "AccountStopped",
    detail: { scope, reason },
  });
  // Counted anew after somebody has lifted the stop.
  await deps.ledger.changeAccountFailures(account, () => ({ runs: [] }));
}

/** A rotation that got through ends the row. */
export async function noteSuccess(
  { provider: { account, budget } }: Policy,
  { ledger }: Deps,
): Promise<void> {
  if (budget?.failuresInARow === undefined) return;
  const failures = await ledger.accountFailures(account);
  if (failures === undefined || failures.runs.length === 0) return;
  await ledger.changeAccountFailures(account, () => ({ runs: [] }));
}
