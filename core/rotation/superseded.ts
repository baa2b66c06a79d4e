import { NeedsHuman } from "../errors.ts";
import { isSpent, type LedgerKey } from "../keys.ts";
import type { KeyId, RotationId, SecretArn } from "../ports.ts";
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
 * A key that was replaced without its run revoking it: its run lost the secret to an incident, or somebody
 * made another key current. It is alive, or revoked and not yet seen dead. When the secret is free,
 * the next run retires it like its own retiring key, behind the same gate.
 */
export type SupersededKey = LedgerKey & PlacedKey & { readonly state: SupersededState };

export type SupersededState = Extract<
  LedgerKey["state"],
  "retiring" | "quarantined" | "revoking" | "revoked"
>;

/** A compromised key is left to its incident, and the retiring key of a run is left to that run. */
export function supersededKeys({ keys, run }: SecretRecord): readonly SupersededKey[] {
  return keys.filter(isPlaced).filter(isOnItsWayOut).filter(isNobodys);

  function isNobodys({ keyId, compromised, retained }: SupersededKey): boolean {
    return compromised !== true && retained !== true && run?.retiring.keyId !== keyId;
  }
}

/** Each keeps a place in the secret's item and in the provider's quota. */
export const retainedMax = 10;

export function retainedKeys({ keys }: SecretRecord): readonly LedgerKey[] {
  return keys.filter(({ retained }) => retained === true);
}

/** The policy keeps no retiring keys any more: those that were kept are revoked like every superseded key. */
export function releaseRetained(record: SecretRecord): SecretRecord {
  if (retainedKeys(record).length === 0) return record;
  return { ...record, keys: record.keys.map(({ retained: _over, ...key }) => key) };
}

const supersededReason =
  "superseded: its run lost the secret to an incident, or the current version was changed outside Rekey";

/** What the run still owes that lost the secret before its retiring key was seen dead. */
export function debtForSuperseded(
  { keyId, versionId, state }: Pick<PlacedKey, "keyId" | "versionId"> & { readonly state: Progress },
  run: { readonly secretArn: SecretArn; readonly rotationId: RotationId },
) {
  return { ...run, kind: debtKindIn(state), keyId, versionId, reason: supersededReason };
}

/**
 * Each superseded key needs a run of its own. With more than these, somebody changes the key faster than runs
 * can follow.
 */
export const supersededMax = 10;

/**
 * Like `adoptCurrent`, for a key that somebody made current outside Rekey. Throws rather than forget a
 * key that may be in use.
 */
export function adoptByHand(record: SecretRecord, key: LedgerKey & PlacedKey): SecretRecord {
  const displaced = currentKey(record);
  const next = adoptCurrent(record, key);
  const left = supersededKeys(next).length;
  if (displaced === undefined || left <= supersededMax || left <= supersededKeys(record).length) return next;
  throw new NeedsHuman(
    `${supersededMax} keys that were once current are still to be revoked, and ${displaced.keyId} would be one more: ` +
      `put its version ${displaced.versionId} back as the current one, or end one that nobody uses with rekey compromise`,
  );
}

/**
 * True if making this key current again by hand must freeze the secret. A superseded key may come back as
 * long as its revoke has not started.
 */
export function mayNotReturn(record: SecretRecord, key: LedgerKey): boolean {
  const isSuperseded =
    record.run === undefined && supersededKeys(record).some(({ keyId }) => keyId === key.keyId);
  return isSpent(key) && !(isSuperseded && key.state === "retiring");
}

function isPlaced(key: LedgerKey): key is LedgerKey & PlacedKey {
  return key.keyId !== undefined && key.versionId !== undefined && key.fingerprint !== undefined;
}

function isOnItsWayOut<Key extends LedgerKey>(key: Key): key is Key & { readonly state: SupersededState } {
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
 * The superseded key that a run may revoke now. Only if the current version holds a healthy key that Rekey
 * promoted: a key that somebody put there was never proven, so a rotation replaces that one first.
 */
export function supersededToResume(record: SecretRecord): SupersededKey | undefined {
  const current = currentKey(record);
  const isOurs = current?.rotationId !== undefined && current.compromised !== true;
  return record.run === undefined && isOurs ? supersededKeys(record)[0] : undefined;
}

/** The old key whose revoke the next run goes on with, in place of making a new one; undefined if it makes one. */
export function keyToFinish(record: SecretRecord): KeyId | undefined {
  return record.run?.owed === undefined ? supersededToResume(record)?.keyId : record.run.retiring.keyId;
}

export interface Resuming extends Opening {
  readonly left: SupersededKey;
  /** What the current version holds: the ledger's current key, possibly in a newer version. */
  readonly current: LedgerKey & PlacedKey;
  readonly atMs: number;
  readonly deadlineAtMs: number;
}

/** Builds a run for a superseded key. It continues in the phase that the previous run had reached. */
export function runForSuperseded({ rotationId, left, current, atMs, deadlineAtMs }: Resuming): PromotedRun {
  return {
    ...{ rotationId, attempt: 0, deadlineAtMs },
    retiring: placeOf(left),
    incoming: placeOf(current),
    // If the key has no promotion time, every wait counts from now, which can only make it longer.
    promotedAtMs: current.promotedAtMs ?? atMs,
    ...progressOf(left, atMs),
  };
}

function placeOf({ keyId, versionId, fingerprint }: PlacedKey): PlacedKey {
  return { keyId, versionId, fingerprint };
}

function progressOf({ state }: SupersededKey, atMs: number) {
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
