import type { VersionId } from "../ports.ts";
import { nativeTokenOf, nativeWaitMaxMs } from "./native.ts";
import type { Refusal } from "./refusal.ts";
import { promotedRun, type SecretRecord } from "./secret-record.ts";

/**
 * Why a native run waits for nothing: before its promotion only Secrets Manager's own steps bring it further. Undefined
 * while they may come, and for every other run.
 */
export function whyNativeIsLost(
  { run, wait }: Pick<SecretRecord, "run" | "wait">,
  { pending, waitedMs }: { readonly pending: VersionId | undefined; readonly waitedMs: number },
): Refusal<"PendingHeld"> | undefined {
  const token = run && nativeTokenOf(run.rotationId);
  if (token === undefined || wait === undefined || promotedRun(run) !== undefined) return undefined;
  const reason = "PendingHeld";
  if (pending !== token)
    return {
      reason,
      detail: `version ${token} is not pending any more: Secrets Manager's rotation was ended`,
    };
  if (waitedMs <= nativeWaitMaxMs) return undefined;
  return { reason, detail: "Secrets Manager has not come back for six hours" };
}
