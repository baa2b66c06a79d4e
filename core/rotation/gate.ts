import type { AdoptionVerdict } from "../adoption/adoption.ts";
import type { Fingerprint, KeyId, SecretArn, VersionId } from "../ports.ts";
import { type PromotedRun, promotedRun, type SecretRecord } from "./secret-record.ts";

/** Why something may not happen now. A value, because "no" is not an exception. */
export interface Refusal {
  readonly reason: string;
  readonly detail: string;
}

export interface RevokeView {
  readonly record: SecretRecord;
  /** The key the caller is about to revoke or quarantine. */
  readonly target: KeyId;
  /** What AWSCURRENT holds, read a moment ago. */
  readonly current: { readonly versionId: VersionId; readonly fingerprint: Fingerprint };
  readonly adoption: AdoptionVerdict;
  /** Somebody was refused with the retiring key since it was quarantined. */
  readonly missedInQuarantine: boolean;
  /** A `rekey stop` that applies, in its author's words. */
  readonly stop?: string;
  /** Other secrets that hold the retiring key. */
  readonly sharedWith: readonly SecretArn[];
  /** The policy says that this key is never revoked. */
  readonly retain: boolean;
}

type Check = (view: RevokeView, run: PromotedRun) => Refusal | undefined;

/** Revocation cannot be undone, so every reason to wait is asked before it; the first answer wins. */
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
 * Once the intent is recorded the revoke counts as done, and repeating it is how a crash is mended. Only one
 * thing still stops it: somebody put the retiring key back.
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

/** What AWSCURRENT is found to hold, by whoever looks. */
type Seen = Pick<RevokeView, "current">;

function currentIsNotRetiring({ current }: Seen, { retiring }: PromotedRun): Refusal | undefined {
  if (current.fingerprint !== retiring.fingerprint) return undefined;
  return {
    reason: "RetiringKeyIsCurrent",
    detail: "AWSCURRENT holds the retiring key again: somebody put it back",
  };
}

/** Asked at the gate, and of a run that waits for it: AWSCURRENT has to hold the incoming key. */
export function currentIsIncoming(view: Seen, run: PromotedRun): Refusal | undefined {
  const { current } = view;
  // By fingerprint, because an edit of another field puts the same key into a newer version.
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

/** The soak is for this: whoever still needs the key shows up while it can be restored. */
function nobodyMissedItInQuarantine({ missedInQuarantine }: RevokeView): Refusal | undefined {
  if (!missedInQuarantine) return undefined;
  return {
    reason: "MissedInQuarantine",
    detail: "somebody still tried the retiring key while it was disabled",
  };
}
