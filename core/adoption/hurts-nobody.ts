import type { InstanceEvidence, ReportedUse } from "./evidence.ts";
import type { AdoptionView } from "./view.ts";

/**
 * True if the instance proves that it runs with the incoming key alone, or that it has ended without the retiring one:
 * a revoke that is recorded a moment before this report is heard takes nothing from it. The gate may close all the
 * same, such as when the last instance ends.
 */
export function hurtsNobody(
  { unproven, forgotten, ended, holds, uses }: InstanceEvidence,
  { incoming }: Pick<AdoptionView, "incoming">,
): boolean {
  if (unproven !== undefined || forgotten !== undefined) return false;
  if (!ended && holds.fingerprint !== incoming.fingerprint) return false;
  return uses.every((use) => use.fingerprint === incoming.fingerprint && works(use));
}

function works({ lastSuccessAgoMs, lastRefusalAgoMs }: ReportedUse): boolean {
  if (lastRefusalAgoMs === null) return true;
  return lastSuccessAgoMs !== null && lastSuccessAgoMs < lastRefusalAgoMs;
}
