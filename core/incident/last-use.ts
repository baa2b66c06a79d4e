import type { IncidentRecord, KeyInScope, LastUse } from "./record.ts";

const lookBackMs = 90 * 24 * 3_600_000;
const lookBackBeforeMs = 28 * 24 * 3_600_000;
/** What was seen longer ago than this is asked again before the key is revoked. */
const freshMs = 60_000;

/**
 * An incident asks what was done with the key since then: since its exposure if that is known, else since
 * detection.
 */
export function usedSince({ exposedAtMs, detectedAtMs }: IncidentRecord): number {
  return exposedAtMs ?? detectedAtMs - lookBackMs;
}

/** The same before containment. There each page of a provider's figures costs time, and four weeks are one page. */
export function usedBeforeSince({ exposedAtMs, detectedAtMs }: IncidentRecord): number {
  return exposedAtMs ?? detectedAtMs - lookBackBeforeMs;
}

/** Not asked for a key whose revoke is recorded: the provider may have forgotten it. */
export function isUseWanted({ keyId, lastUse, revokeIntendedAtMs }: KeyInScope, nowMs: number): boolean {
  if (keyId === undefined || revokeIntendedAtMs !== undefined) return false;
  return lastUse === undefined || nowMs - lastUse.atMs > freshMs;
}

/** If a look saw nothing, what an earlier look saw is kept. */
export function laterUse(before: LastUse | undefined, seen: LastUse | undefined): LastUse | undefined {
  if (seen === undefined) return before;
  return before !== undefined && before.unknown === undefined && seen.unknown !== undefined ? before : seen;
}
