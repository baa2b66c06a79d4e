import type { RotationId } from "../ports.ts";
import type { Refusal } from "./refusal.ts";
import { bump, isBeforePromotion, type Run, type SecretRecord } from "./secret-record.ts";
import { isIncidentWork } from "./stop-order.ts";

export interface AbortOrder {
  readonly rotationId: RotationId;
  /** The AWS principal that gave it. */
  readonly by: string;
  readonly reason: string;
}

export type AbortReason = "NotAtWork" | "IncidentWork" | "AlreadyAborted" | "TooLate";

/** Why this run cannot be aborted any more, or not by a person. */
export function whyNotAbort(record: SecretRecord, rotationId: RotationId): Refusal<AbortReason> | undefined {
  const { lease, run } = record;
  if (lease?.runId !== rotationId || run === undefined)
    return {
      reason: "NotAtWork",
      detail: `${rotationId} holds no secret: it is over, or another run took over`,
    };
  if (isIncidentWork(record))
    return { reason: "IncidentWork", detail: "an incident replaces a leaked key: only the incident ends it" };
  if (run.aborted !== undefined)
    return { reason: "AlreadyAborted", detail: `${run.aborted.by} aborted it: ${run.aborted.reason}` };
  switch (run.phase) {
    case "revoking":
    case "revoked":
    case "dead":
      return { reason: "TooLate", detail: "the revoke of the retiring key is recorded, and counts as done" };
    case "opened":
    case "staged":
    case "proven":
    case "promoting":
    case "promoted":
    case "quarantined":
      return undefined;
  }
}

/**
 * From then on no step of this run changes anything: each throws Aborted, and the machine settles the run. The wait
 * stays in the item until then: if the caller dies before it has ended the wait, the next order or the sweep finds it.
 */
export function markAborted(record: SecretRecord, { rotationId, by, reason }: AbortOrder): SecretRecord {
  if (record.run === undefined || whyNotAbort(record, rotationId) !== undefined) return record;
  return bump({ ...record, run: { ...record.run, aborted: { by, reason } } });
}

/** What the settling will do, for whoever gives the order. */
export function afterAbort(run: Run): "undone" | "bothKeysKept" {
  return isBeforePromotion(run) ? "undone" : "bothKeysKept";
}
