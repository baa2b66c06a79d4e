import type { AdoptionVerdict } from "../adoption/adoption.ts";
import type { Fingerprint, KeyId, SecretArn, VersionId } from "../ports.ts";
import { type PromotedRun, promotedRun, type SecretRecord } from "./secret-record.ts";

/** Why something must not happen now. A value, because "no" is not an exception. */
export interface Refusal {
  readonly reason: string;
  readonly detail: string;
}

export interface RevokeView {
  readonly record: SecretRecord;
  /** The key that the caller is about to revoke or quarantine. */
  readonly target: KeyId;
  /** What AWSCURRENT holds, read just before. */
  readonly current: { readonly versionId: VersionId; readonly fingerprint: Fingerprint };
  readonly adoption: AdoptionVerdict;
  /** Since the quarantine somebody was refused with the retiring key. */
  readonly missedInQuarantine: boolean;
  /** The reason of a `rekey stop` that applies, as its author wrote it. */
  readonly stop?: string;
  /** Other secrets that hold the retiring key. */
  readonly sharedWith: readonly SecretArn[];
  /** The policy says `retain`: this key is never revoked. */
  readonly retain: boolean;
}

type Check = (view: RevokeView, run: PromotedRun) => Refusal | undefined;

/** A revoke cannot be undone, so every reason to wait is checked before it. The first refusal is returned. */
const revokeChecks: readonly Check[] = [
  targetIsRetiring,
  currentIsIncoming,
  holdIsOff,
  nobodyStopped,
  nobodyElseTouchedIt,
  nobodyElseHoldsIt,
  keyIsNotRetained,
  everyConsumerHasMoved,
  nobodyMissedItInQuarantine,
];

export function whyNotRevoke(view: RevokeView): Refusal | undefined {
  const run = promotedRun(view.record.run);
  if (run === undefined) return { reason: "NotPromoted", detail: "the incoming key is not current yet" };
  for (const check of revokeChecks) {
    const refusal = check(view, run);
    if (refusal) return refusal;
  }
  return undefined;
}

/**
 * Once its intent is recorded the revoke counts as done, and repeating it completes it after a crash. Only
 * one thing still prevents it: somebody put the retiring key back.
 */
export function whyNotRepeatRevoke(view: RevokeView): Refusal | undefined {
  const run = promotedRun(view.record.run);
  if (run === undefined) return { reason: "NotPromoted", detail: "the incoming key is not current yet" };
  return targetIsRetiring(view, run) ?? currentIsNotRetiring(view, run);
}

/** By id, never by order or date (S2). */
function targetIsRetiring({ target }: RevokeView, { retiring, incoming }: PromotedRun): Refusal | undefined {
  if (target === retiring.keyId && target !== incoming.keyId) return undefined;
  return {
    reason: "NotTheRetiringKey",
    detail: `${target} is not the recorded retiring key ${retiring.keyId}`,
  };
}

/** What AWSCURRENT was found to hold. */
type Seen = Pick<RevokeView, "current">;

function currentIsNotRetiring({ current }: Seen, { retiring }: PromotedRun): Refusal | undefined {
  if (current.fingerprint !== retiring.fingerprint) return undefined;
  return {
    reason: "RetiringKeyIsCurrent",
    detail: "AWSCURRENT holds the retiring key again: somebody put it back",
  };
}

/** AWSCURRENT must hold the incoming key. Checked at the gate, and by the sweep while a run waits. */
export function currentIsIncoming(view: Seen, run: PromotedRun): Refusal | undefined {
  const { current } = view;
  // Compared by fingerprint, because an edit of another field puts the same key into a newer version.
  if (current.fingerprint === run.incoming.fingerprint) return undefined;
  return (
    currentIsNotRetiring(view, run) ?? {
      reason: "CurrentKeyMoved",
      detail: `AWSCURRENT is version ${current.versionId}, which does not hold the incoming key`,
    }
  );
}

function holdIsOff({ record: { hold } }: RevokeView): Refusal | undefined {
  return hold && { reason: "Held", detail: `held by ${hold.by}: ${hold.reason}` };
}

function nobodyStopped({ stop }: RevokeView): Refusal | undefined {
  return stop === undefined ? undefined : { reason: "Stopped", detail: stop };
}

function nobodyElseTouchedIt({ record: { frozen } }: RevokeView): Refusal | undefined {
  return frozen && { reason: "Frozen", detail: frozen.reason };
}

function nobodyElseHoldsIt({ sharedWith }: RevokeView): Refusal | undefined {
  if (sharedWith.length === 0) return undefined;
  return { reason: "KeyShared", detail: `also held by ${sharedWith.join(", ")}` };
}

function keyIsNotRetained({ retain }: RevokeView): Refusal | undefined {
  return retain
    ? { reason: "Retained", detail: "the policy says that this key is never revoked" }
    : undefined;
}

function everyConsumerHasMoved({ adoption }: RevokeView): Refusal | undefined {
  if (adoption.verdict === "adopted") return undefined;
  const [first, ...others] = adoption.reasons;
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  return { reason: first?.reason ?? "NotAdopted", detail: `${first?.detail ?? "no evidence"}${more}` };
}

/** This is what the soak is for: if somebody still needs the key, it shows while the key can be restored. */
function nobodyMissedItInQuarantine({ missedInQuarantine }: RevokeView): Refusal | undefined {
  if (!missedInQuarantine) return undefined;
  return {
    reason: "MissedInQuarantine",
    detail: "somebody still tried the retiring key while it was disabled",
  };
}
