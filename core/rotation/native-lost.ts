import type { VersionId } from "../ports.ts";
import { nativeTokenOf, nativeWaitMaxMs } from "./native.ts";
import type { Refusal } from "./refusal.ts";
import { promotedRun, type SecretRecord } from "./secret-record.ts";

/**
 * The token of a native run that waits before its promotion, where only Secrets Manager's own steps bring it further;
 * undefined for every other run.
 */
export function awaitedToken({ run, wait }: Pick<SecretRecord, "run" | "wait">): VersionId | undefined {
  if (run === undefined || wait === undefined || promotedRun(run) !== undefined) return undefined;
  return nativeTokenOf(run.rotationId);
}

/** Why Secrets Manager brings this rotation no further; undefined while it may. */
export function whyNativeIsLost(
  token: VersionId,
  { pending, waitedMs }: { readonly pending: VersionId | undefined; readonly waitedMs: number },
): Refusal<"PendingHeld"> | undefined {
  const reason = "PendingHeld";
  if (pending !== token)
    return {
      reason,
      detail: `version ${token} is not pending any more: Secrets Manager's rotation was ended`,
    };
  if (waitedMs <= nativeWaitMaxMs) return undefined;
  return { reason, detail: "Secrets Manager has not come back for six hours" };
}
