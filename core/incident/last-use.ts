import type { IncidentRecord, KeyInScope, UseBefore } from "./record.ts";

const lookBackMs = 90 * 24 * 3_600_000;
const lookBackBeforeMs = 28 * 24 * 3_600_000;
/** What was seen so long ago is asked once more before the key goes. */
const freshMs = 60_000;

/** From when on an incident asks what was done with the key: its exposure where that is known. */
export function usedSince({ exposedAtMs, detectedAtMs }: IncidentRecord): number {
  return exposedAtMs ?? detectedAtMs - lookBackMs;
}

/** The same before containment, where every page of a provider's figures is time: four weeks are one page. */
export function usedBeforeSince({ exposedAtMs, detectedAtMs }: IncidentRecord): number {
  return exposedAtMs ?? detectedAtMs - lookBackBeforeMs;
}

/** Of a key whose revoke is recorded there may be nothing left to see. */
export function isUseWanted({ keyId, useBefore, revokeIntendedAtMs }: KeyInScope, nowMs: number): boolean {
  if (keyId === undefined || revokeIntendedAtMs !== undefined) return false;
  return useBefore === undefined || nowMs - useBefore.atMs > freshMs;
}

/** A look that saw nothing takes nothing away from an earlier one. */
export function laterUse(before: UseBefore | undefined, seen: UseBefore | undefined): UseBefore | undefined {
  if (seen === undefined) return before;
  return before !== undefined && before.unknown === undefined && seen.unknown !== undefined ? before : seen;
}
