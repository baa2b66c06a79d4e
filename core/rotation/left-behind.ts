import { NeedsHuman } from "../errors.ts";
import { isSpent, type LedgerKey } from "../keys.ts";
import type { RotationId, SecretArn } from "../ports.ts";
import { debtKindIn, type Progress } from "./retiring.ts";
import {
  adoptCurrent,
  currentKey,
  type Opening,
  type PlacedKey,
  type PromotedRun,
  type SecretRecord,
} from "./secret-record.ts";

/**
 * An incident that takes a secret over in mid-rotation leaves that rotation's retiring key behind: alive, or revoked
 * and not seen dead. A hand that puts another key into AWSCURRENT leaves behind the one that was there. Once the
 * secret is free, the next run takes it up as if it had retired the key itself, behind the same gate.
 */
export type LeftKey = LedgerKey & PlacedKey & { readonly state: LeftState };

export type LeftState = Extract<LedgerKey["state"], "retiring" | "quarantined" | "revoking" | "revoked">;

/** A compromised key is its incident's business, and the retiring key of a run is that run's. */
export function keysLeftBehind({ keys, run }: SecretRecord): readonly LeftKey[] {
  return keys.filter(isPlaced).filter(isOnItsWayOut).filter(isNobodys);

  function isNobodys({ keyId, compromised }: LeftKey): boolean {
    return compromised !== true && run?.retiring.keyId !== keyId;
  }
}

const leftReason = "left behind by a run that an incident took over, or by a hand on AWSCURRENT";

/** What the run owed that lost the secret before it had seen its retiring key dead. */
export function debtForLeft(
  { keyId, versionId, state }: Pick<PlacedKey, "keyId" | "versionId"> & { readonly state: Progress },
  run: { readonly secretArn: SecretArn; readonly rotationId: RotationId },
) {
  return { ...run, kind: debtKindIn(state), keyId, versionId, reason: leftReason };
}

/** Every one is worked off by a run of its own: more than these say that somebody's hand is faster than the runs. */
export const leftMax = 10;

/** As `adoptCurrent`, for what somebody else put into AWSCURRENT. Refused rather than that a key in use is forgotten. */
export function adoptByHand(record: SecretRecord, key: LedgerKey & PlacedKey): SecretRecord {
  const displaced = currentKey(record);
  const next = adoptCurrent(record, key);
  const left = keysLeftBehind(next).length;
  if (displaced === undefined || left <= leftMax || left <= keysLeftBehind(record).length) return next;
  throw new NeedsHuman(
    `${leftMax} keys that AWSCURRENT once held are still to be revoked, and ${displaced.keyId} would be one more: ` +
      `put its version ${displaced.versionId} back into AWSCURRENT, or end one that nobody uses with rekey compromise`,
  );
}

/** Whether a hand may not put this key back into AWSCURRENT. A left one of which no revoke has begun is as good as it was. */
export function mayNotReturn(record: SecretRecord, key: LedgerKey): boolean {
  const isLeft = record.run === undefined && keysLeftBehind(record).some(({ keyId }) => keyId === key.keyId);
  return isSpent(key) && !(isLeft && key.state === "retiring");
}

function isPlaced(key: LedgerKey): key is LedgerKey & PlacedKey {
  return key.keyId !== undefined && key.versionId !== undefined && key.fingerprint !== undefined;
}

function isOnItsWayOut<Key extends LedgerKey>(key: Key): key is Key & { readonly state: LeftState } {
  switch (key.state) {
    case "retiring":
    case "quarantined":
    case "revoking":
    case "revoked":
      return true;
    default:
      return false;
  }
}

/**
 * The left key that a run may take up now. Only where AWSCURRENT is a sound key that Rekey made current: of a key that
 * a hand put there nobody has proven anything, so a rotation replaces that one first.
 */
export function leftToResume(record: SecretRecord): LeftKey | undefined {
  const current = currentKey(record);
  const isOurs = current?.rotationId !== undefined && current.compromised !== true;
  return record.run === undefined && isOurs ? keysLeftBehind(record)[0] : undefined;
}

export interface Resuming extends Opening {
  readonly left: LeftKey;
  /** What AWSCURRENT holds: the ledger's current key, perhaps in a newer version. */
  readonly current: LedgerKey & PlacedKey;
  readonly atMs: number;
  readonly deadlineAtMs: number;
}

/** The run that a left key gets, as far as the run that left it had come. */
export function runForLeft({ rotationId, left, current, atMs, deadlineAtMs }: Resuming): PromotedRun {
  return {
    ...{ rotationId, attempt: 0, deadlineAtMs },
    retiring: placeOf(left),
    incoming: placeOf(current),
    // Without its own stamp every wait counts from now: later is longer.
    promotedAtMs: current.promotedAtMs ?? atMs,
    ...progressOf(left, atMs),
  };
}

function placeOf({ keyId, versionId, fingerprint }: PlacedKey): PlacedKey {
  return { keyId, versionId, fingerprint };
}

function progressOf({ state }: LeftKey, atMs: number) {
  switch (state) {
    case "retiring":
      return { phase: "promoted" as const };
    case "quarantined":
      return { phase: state, quarantinedAtMs: atMs };
    case "revoking":
      return { phase: state };
    case "revoked":
      return { phase: state, revokedAtMs: atMs };
  }
}
