import type { NativeRotation, RotationId, VersionId } from "../ports.ts";
import type { Refusal } from "./refusal.ts";
import type { QueuedRotation, SecretRecord } from "./secret-record.ts";

/**
 * A rotation that Secrets Manager started: its console's button, `rotate-secret` or its own schedule. It is named after
 * the token of that rotation, which is also the id of the version that its key goes into.
 */
const prefix = "native-";

export function nativeRunOf(token: VersionId): RotationId {
  return `${prefix}${token}`;
}

/** The token of a native run; undefined for every other run. */
export function nativeTokenOf(rotationId: RotationId): VersionId | undefined {
  return rotationId.startsWith(prefix) ? rotationId.slice(prefix.length) : undefined;
}

/** Secrets Manager repeats a failed rotation for hours at most; a key that nobody asks for by then is put aside. */
export const nativeWaitMaxMs = 6 * 3_600_000;

/** What was asked for so long ago is not what anybody expects to begin now. */
export const queuedMaxMs = 24 * 3_600_000;

/** The rotation that begins once nothing is in its way; undefined if none was asked for, or too long ago. */
export function queuedRotation(
  { queued }: Pick<SecretRecord, "queued">,
  nowMs: number,
): QueuedRotation | undefined {
  return queued !== undefined && queued.atMs + queuedMaxMs > nowMs ? queued : undefined;
}

/** It was started, or asked for too long ago. One that was asked for meanwhile stays. */
export function unqueue(record: SecretRecord, token: VersionId): SecretRecord {
  if (record.queued?.token !== token) return record;
  const { queued: _gone, ...rest } = record;
  return rest;
}

/** The promotion of a native run waits until Secrets Manager calls finishSecret. */
export function finishWasCalled({
  record: { run, finished },
}: {
  readonly record: Pick<SecretRecord, "run" | "finished">;
}): Refusal<"NotFinished"> | undefined {
  if (run === undefined || nativeTokenOf(run.rotationId) === undefined) return undefined;
  if (finished === run.rotationId) return undefined;
  return { reason: "NotFinished", detail: "Secrets Manager has not called finishSecret" };
}

/** Whether somebody gave the secret another rotation function than the one that worked through Rekey. */
export function whyFunctionChanged(
  { nativeFunction }: Pick<SecretRecord, "nativeFunction">,
  now: NativeRotation | undefined,
): string | undefined {
  const { isEnabled = false, functionArn } = now ?? {};
  if (nativeFunction === undefined || !isEnabled || functionArn === nativeFunction) return undefined;
  return `the rotation function was changed from ${nativeFunction} to ${functionArn ?? "none"}: it may rotate the key past Rekey`;
}
