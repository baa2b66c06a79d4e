import { nativeRunOf, nativeTokenOf } from "../../core/rotation/native.ts";
import { whyNativeIsLost } from "../../core/rotation/native-lost.ts";
import { promotedRun, type SecretRecord } from "../../core/rotation/secret-record.ts";
import type { Deps } from "../deps.ts";

/**
 * Ends the wait of a native run that Secrets Manager brings no further, so that it does not hold its secret for a week.
 * The machine settles the run as after every failure. True if there was one.
 */
export async function endLostRun(
  record: SecretRecord,
  { nowMs, deps }: { readonly nowMs: number; readonly deps: Pick<Deps, "ledger" | "store" | "executions"> },
): Promise<boolean> {
  const { secretArn, run, wait } = record;
  const token = run && nativeTokenOf(run.rotationId);
  if (token === undefined || wait === undefined || promotedRun(run) !== undefined) return false;
  const { pending } = await deps.store.versionsInUse(secretArn);
  const rotation = await deps.ledger.rotation(secretArn, nativeRunOf(token));
  const waitedMs = nowMs - (rotation?.openedAtMs ?? nowMs);
  const lost = whyNativeIsLost(record, { pending: pending?.versionId, waitedMs });
  if (lost === undefined) return false;
  await deps.executions.fail(wait.token, { error: lost.reason, cause: lost.detail });
  return true;
}
