import type { Fingerprint, KeyId, RotationId, VersionId } from "./ports.ts";

/**
 * The states of a key's life. `intended` is written before the provider is asked, so that every key that
 * exists was recorded first. A key leaves the secret's item only as `dead` or `discarded`.
 */
export type KeyState =
  | "intended"
  | "minted"
  | "staged"
  | "current"
  | "retiring"
  | "quarantined"
  | "revoking"
  | "revoked"
  | "dead"
  | "discarded"
  | "stray";

/** One key of one secret, as the ledger knows it. Ids and times, never key material. */
export interface LedgerKey {
  /** Its name at the provider; for keys that Rekey made, `rekey/<rotationId>/<attempt>`. */
  readonly name: string;
  readonly state: KeyState;
  /** Absent while `intended`: the provider has not answered yet. */
  readonly keyId?: KeyId;
  readonly versionId?: VersionId;
  readonly fingerprint?: Fingerprint;
  readonly rotationId?: RotationId;
  readonly attempt?: number;
  /** The scopes that Rekey set, so that a quarantine can be undone exactly; absent if it set none. */
  readonly scopes?: readonly string[];
  readonly expiresAtMs?: number;
  /** Since when it is current; set by its promotion. */
  readonly promotedAtMs?: number;
  /** Its policy keeps it (`retain`): consumers have left it, and no run revokes it. */
  readonly retained?: true;
  /** A compromised key must never become current again. */
  readonly compromised?: boolean;
}

const keyNamePrefix = "rekey/";

/** The name of a key at the provider. After a lost reply the key is found by it. */
export function keyName({ rotationId, attempt }: { rotationId: RotationId; attempt: number }): string {
  return `${keyNamePrefix}${rotationId}/${attempt}`;
}

export function keyNamesOf(rotationId: RotationId): string {
  return `${keyNamePrefix}${rotationId}/`;
}

/** The run and attempt in a key's name; undefined for a key that Rekey did not name. */
export function parseKeyName(name: string): { rotationId: RotationId; attempt: number } | undefined {
  const match = /^rekey\/([A-Za-z0-9_-]{1,80})\/([1-9][0-9]{0,5})$/.exec(name);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { rotationId: match[1], attempt: Number(match[2]) };
}

/**
 * The id of an incident's run that replaces the key in one secret. Several secrets may hold the leaked key,
 * and an incident may take one of them twice. Each gets a run of its own, because otherwise two keys would
 * have one name (S3).
 */
export function replacementRunId(place: {
  readonly incidentId: string;
  /** Short, and always the same for this secret. */
  readonly secretTag: string;
  /** The fence with which the run holds the secret. */
  readonly fence: number;
}): RotationId {
  return `${place.incidentId}-${place.secretTag}-${place.fence}`;
}

/** Whether a run of that id replaced a key of this secret for this incident, at any fence. */
export function isReplacementRun(
  runId: RotationId,
  { incidentId, secretTag }: { readonly incidentId: string; readonly secretTag: string },
): boolean {
  return runId.startsWith(`${incidentId}-${secretTag}-`);
}

/** True for a key that was never current: only its own run can have it. */
export function isUnused({ state }: LedgerKey): boolean {
  return state === "intended" || state === "minted" || state === "staged" || state === "stray";
}

/** Keys that Rekey never makes current again. For keys that people may put back see `mayNotReturn`. */
export function isSpent(key: LedgerKey): boolean {
  return (
    key.compromised === true || ["retiring", "quarantined", "revoking", "revoked", "dead"].includes(key.state)
  );
}

/** The compromised key's place when the incident opened. */
export type KeyStanding = "current" | "incoming" | "retiring" | "retired" | "unplaced" | "unknown";
