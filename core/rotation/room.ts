import { type Evidence, isInstance } from "../adoption/evidence.ts";
import { isUnused } from "../keys.ts";
import type { KeyId, ListedKey, SecretArn, Shape } from "../ports.ts";
import type { Refusal } from "./refusal.ts";
import type { PlacedKey, SecretRecord } from "./secret-record.ts";

/**
 * What a new key needs before it can be made. `displaces`: this key has to end; the call that makes the new one ends
 * it (`mint`), or it is deleted first (`revoke`).
 */
export type Room =
  | { readonly kind: "enough" }
  | { readonly kind: "displaces"; readonly key: ListedKey; readonly endedBy: "mint" | "revoke" }
  | { readonly kind: "none"; readonly why: string };

/** Whether the issuer has a limit that a new key may meet; only then is its listing needed. */
export function isLimited(shape: Shape): shape is Extract<Shape, { readonly kind: "slots" | "atMost" }> {
  return shape.kind === "slots" || shape.kind === "atMost";
}

/**
 * Whether a key at the issuer has the name that Rekey gave it. Where keys have no names, a key whose id was lost
 * with the reply is ended by the next mint, which overwrites its place.
 */
export function carriesNames({ kind }: Shape): boolean {
  return kind !== "slots";
}

/** By id and by owner, never by order, except among disabled keys: there the oldest goes. */
export function roomFor(view: {
  readonly shape: Shape;
  readonly listed: readonly ListedKey[];
  readonly retiring: KeyId;
}): Room {
  const { shape, listed, retiring } = view;
  if (!isLimited(shape)) return { kind: "enough" };
  const retiringKey = listed.find(({ keyId }) => keyId === retiring);
  if (retiringKey === undefined) return { kind: "none", why: `the provider no longer lists key ${retiring}` };

  const others = listed.filter(({ keyId, owner }) => keyId !== retiring && owner === retiringKey.owner);
  return shape.kind === "slots" ? roomInSlots(others) : roomAmong(others, shape.keys);
}

function roomInSlots(others: readonly ListedKey[]): Room {
  const [idle, unexpected] = others;
  if (unexpected !== undefined) return { kind: "none", why: "the provider lists more than two places" };
  return idle === undefined ? { kind: "enough" } : { kind: "displaces", key: idle, endedBy: "mint" };
}

function roomAmong(others: readonly ListedKey[], keysMax: number): Room {
  if (others.length + 1 < keysMax) return { kind: "enough" };
  const age = ({ createdAtMs = 0 }: ListedKey) => createdAtMs;
  const [oldest] = others.filter(({ status }) => status === "disabled").sort((a, b) => age(a) - age(b));
  if (oldest !== undefined) return { kind: "displaces", key: oldest, endedBy: "revoke" };
  return { kind: "none", why: `its owner has ${others.length + 1} of ${keysMax} keys, and none is disabled` };
}

export interface DisplaceView {
  readonly shape: Shape;
  readonly key: ListedKey;
  readonly retiring: Pick<PlacedKey, "keyId" | "fingerprint">;
  readonly record: SecretRecord;
  /** Other secrets that hold this key. */
  readonly sharedWith: readonly SecretArn[];
  readonly evidence: readonly Evidence[];
  readonly quietMs: number;
  /** On the provider's own clock, where it says so. */
  readonly lastUsed: { readonly atMs: number; readonly seenAtMs: number } | undefined;
}

type DisplaceReason = "KeyIsRetiring" | "KeyStillOwed" | "KeyShared" | "KeyInUse" | "IdleKeyUnknown";

type Check = (view: DisplaceView) => Refusal<DisplaceReason> | undefined;

/** Displacing a key revokes it, so every reason not to revoke a retiring key applies here too. */
const displaceChecks: readonly Check[] = [
  isNotRetiring,
  isNotOwed,
  nobodyElseHoldsIt,
  noInstanceHoldsIt,
  isQuiet,
  isKnownToBeFree,
];

export function whyNotDisplace(view: DisplaceView): Refusal<DisplaceReason> | undefined {
  for (const check of displaceChecks) {
    const refusal = check(view);
    if (refusal) return refusal;
  }
  return undefined;
}

function isNotRetiring({ key, retiring }: DisplaceView): Refusal<DisplaceReason> | undefined {
  if (key.keyId !== retiring.keyId && key.fingerprint !== retiring.fingerprint) return undefined;
  return { reason: "KeyIsRetiring", detail: `${key.keyId} is the key that consumers use` };
}

function isNotOwed({ key, record }: DisplaceView): Refusal<DisplaceReason> | undefined {
  const known = record.keys.find(({ keyId }) => keyId === key.keyId);
  if (known === undefined || isUnused(known) || known.state === "revoked" || known.state === "dead")
    return undefined;
  return {
    reason: "KeyStillOwed",
    detail: `${key.keyId} is ${known.state}: its own revoke has to come first`,
  };
}

function nobodyElseHoldsIt({ key, sharedWith }: DisplaceView): Refusal<DisplaceReason> | undefined {
  if (sharedWith.length === 0) return undefined;
  return { reason: "KeyShared", detail: `${key.keyId} is held by ${sharedWith.join(", ")}` };
}

function noInstanceHoldsIt({ key, evidence }: DisplaceView): Refusal<DisplaceReason> | undefined {
  const holder = evidence
    .filter(isInstance)
    .find(
      ({ ended, holds, uses }) =>
        !ended &&
        key.fingerprint !== undefined &&
        (holds.fingerprint === key.fingerprint ||
          uses.some((use) => use.fingerprint === key.fingerprint && use.lastSuccessAgoMs !== null)),
    );
  if (holder === undefined) return undefined;
  return { reason: "KeyInUse", detail: `${holder.consumer} (${holder.instance}) holds ${key.keyId}` };
}

function isQuiet({ key, lastUsed, quietMs }: DisplaceView): Refusal<DisplaceReason> | undefined {
  if (lastUsed === undefined || lastUsed.seenAtMs - lastUsed.atMs >= quietMs) return undefined;
  return { reason: "KeyInUse", detail: `${key.keyId} was used ${lastUsed.seenAtMs - lastUsed.atMs} ms ago` };
}

/** A key in an idle place that Rekey never saw may be somebody's: only the operator can say that it is not (S7). */
function isKnownToBeFree({ shape, key, record }: DisplaceView): Refusal<DisplaceReason> | undefined {
  if (shape.kind !== "slots" || shape.idleIsFree) return undefined;
  if (record.keys.some(({ keyId }) => keyId === key.keyId)) return undefined;
  return {
    reason: "IdleKeyUnknown",
    detail: `nobody said that ${key.keyId} is free: find out who uses it, then set \`idleSlot: free\` for this account`,
  };
}
