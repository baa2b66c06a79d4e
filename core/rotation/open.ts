import type { RotationId } from "../ports.ts";
import { utcText } from "../utc.ts";
import type { Refusal } from "./refusal.ts";
import type { AwaitedTurn, RefusedRun, SecretRecord } from "./secret-record.ts";

export type OpenReason = "Duplicate" | TakenReason;
export type TakenReason = "Busy" | "Held" | "Frozen";

/** Why this run may not take the secret now. */
export function whyNotOpen(record: SecretRecord, rotationId: RotationId): Refusal<OpenReason> | undefined {
  if (record.ended.includes(rotationId)) return { reason: "Duplicate", detail: "this run ended before" };
  return whyNoRunOpens(record);
}

/** Why no run whatever may take the secret now. */
export function whyNoRunOpens({ lease, hold, frozen }: SecretRecord): Refusal<TakenReason> | undefined {
  if (lease !== undefined) return { reason: "Busy", detail: `${lease.runId} holds the secret` };
  if (hold) return { reason: "Held", detail: `held by ${hold.by}: ${hold.reason}` };
  if (frozen) return { reason: "Frozen", detail: frozen.reason };
  return undefined;
}

/** Kept for `rekey status`: no other record knows of a run that never held the secret. */
export function noteRefused(record: SecretRecord, refused: RefusedRun): SecretRecord {
  const known = record.refused;
  return known !== undefined && known.atMs >= refused.atMs ? record : { ...record, refused };
}

/** So long after its time a run whose turn has come may still be about to begin. */
const lateMs = 5 * 60_000;

/** The run that waits for its turn at the provider's account, while none holds the secret. */
export function awaitedTurn({ lease, turn }: SecretRecord, nowMs: number): AwaitedTurn | undefined {
  return turn === undefined || lease !== undefined || turn.atMs + lateMs < nowMs ? undefined : turn;
}

export function turnText({ account, atMs }: AwaitedTurn): string {
  return `waits for its turn at account ${account}, at about ${utcText(atMs)}`;
}
