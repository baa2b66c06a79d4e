import { nativeRunOf } from "../../core/rotation/native.ts";
import { awaitedToken, whyNativeIsLost } from "../../core/rotation/native-lost.ts";
import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import type { Deps } from "../deps.ts";

/**
 * Ends the wait of a native run that Secrets Manager brings no further, so that it does not hold its secret for a week.
 * The machine settles the run as after every failure.
 */
export async function endLostRun(
  record: SecretRecord,
  { nowMs, deps }: { readonly nowMs: number; readonly deps: Pick<Deps, "ledger" | "store" | "executions"> },
): Promise<void> {
  const { secretArn, wait } = record;
  const token = awaitedToken(record);
  if (token === undefined || wait === undefined) return;
  const { pending } = await deps.store.versionsInUse(secretArn);
  const rotation = await deps.ledger.rotation(secretArn, nativeRunOf(token));
  const waitedMs = nowMs - (rotation?.openedAtMs ?? nowMs);
  const lost = whyNativeIsLost(token, { pending: pending?.versionId, waitedMs });
  if (lost !== undefined) await deps.executions.fail(wait.token, { error: lost.reason, cause: lost.detail });
}
