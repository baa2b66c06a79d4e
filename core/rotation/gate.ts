import type { AdoptionVerdict } from "../adoption/adoption.ts";
import type { AdoptionReason } from "../adoption/view.ts";
import type { Policy } from "../policy.ts";
import type { Fingerprint, KeyId, SecretArn, VersionId } from "../ports.ts";
import type { Refusal } from "./refusal.ts";
import { type PromotedRun, promotedRun, type SecretRecord } from "./secret-record.ts";

/** What a standing reason may look at. A new reason that needs another fact adds it here and in `askGate`. */
export interface StandingView {
  readonly record: SecretRecord;
  /** Read when the gate is asked: the run's snapshot with today's consumers and today's `retain`. */
  readonly policy: Pick<Policy, "retain">;
  readonly nowMs: number;
  /** The reason of a `rekey stop` that applies, as its author wrote it. */
  readonly stop?: string;
  /** Other secrets that hold the retiring key. */
  readonly sharedWith: readonly SecretArn[];
}

export interface RevokeView extends StandingView {
  /** The key that the caller is about to revoke or quarantine. */
  readonly target: KeyId;
  /** What the current version holds, read just before. */
  readonly current: { readonly versionId: VersionId; readonly fingerprint: Fingerprint };
  readonly adoption: AdoptionVerdict;
  /** Since the quarantine somebody was refused with the retiring key. */
  readonly missedInQuarantine: boolean;
}

export type StandingCheck = (view: StandingView) => Refusal<string> | undefined;

/**
 * The reasons to wait that no consumer's evidence can answer. Three places ask all of them: the check
 * before a wait, every arriving report and order (which ends the wait when the answer changes), and the
 * last look before a quarantine or revoke. So a new reason is one function and one entry here, and a run
 * that meets it waits until its deadline.
 */
export const standingChecks = [
  holdIsOff,
  nobodyStopped,
  isNotFrozen,
  nobodyElseHoldsIt,
  keyIsNotRetained,
] as const satisfies readonly StandingCheck[];

type ReasonOf<Check extends (...given: never[]) => unknown> =
  Exclude<ReturnType<Check>, undefined> extends Refusal<infer Reason> ? Reason : never;

export type StandingReason = ReasonOf<(typeof standingChecks)[number]>;

/** Every reason that stands, in the order of asking. */
export function standingReasons(view: StandingView): readonly Refusal<StandingReason>[] {
  return standingChecks.flatMap((check) => check(view) ?? []);
}

/**
 * What only the last look before the call knows: it has read the secret. Each of these ends by itself or
 * freezes.
 */
const firstChecks = [targetIsRetiring, currentIsIncoming] as const;

const lastChecks = [everyConsumerHasMoved, nobodyMissedItInQuarantine] as const;

export type RevokeReason =
  | "NotPromoted"
  | StandingReason
  | ReasonOf<(typeof firstChecks)[number] | (typeof lastChecks)[number]>;

/** Revocation cannot be undone, so every reason to wait is asked before it; the first answer wins. */
export function whyNotRevoke(view: RevokeView): Refusal<RevokeReason> | undefined {
  const run = promotedRun(view.record.run);
  if (run === undefined) return notPromoted;
  for (const check of firstChecks) {
    const refusal = check(view, run);
    if (refusal) return refusal;
  }
  const [standing] = standingReasons(view);
  if (standing) return standing;
  for (const check of lastChecks) {
    const refusal = check(view);
    if (refusal) return refusal;
  }
  return undefined;
}

const notPromoted: Refusal<"NotPromoted"> = {
  reason: "NotPromoted",
  detail: "the incoming key is not current yet",
};

/**
 * Once its intent is recorded the revoke counts as done, and repeating it completes it after a crash. Only
 * one thing still prevents it: somebody put the retiring key back.
 */
export function whyNotRepeatRevoke(view: RevokeView): Refusal<RevokeReason> | undefined {
  const run = promotedRun(view.record.run);
  if (run === undefined) return notPromoted;
  return targetIsRetiring(view, run) ?? currentIsNotRetiring(view, run);
}

/** By id, never by order or date (S2). */
function targetIsRetiring(
  { target }: RevokeView,
  { retiring, incoming }: PromotedRun,
): Refusal<"NotTheRetiringKey"> | undefined {
  if (target === retiring.keyId && target !== incoming.keyId) return undefined;
  return {
    reason: "NotTheRetiringKey",
    detail: `${target} is not the recorded retiring key ${retiring.keyId}`,
  };
}

/** The current version was changed outside Rekey. */
export type ChangedOutside = "RetiringKeyIsCurrent" | "CurrentKeyMoved";

/** What the current version was found to hold. */
type Seen = Pick<RevokeView, "current">;

function currentIsNotRetiring(
  { current }: Seen,
  { retiring }: PromotedRun,
): Refusal<"RetiringKeyIsCurrent"> | undefined {
  if (current.fingerprint !== retiring.fingerprint) return undefined;
  return {
    reason: "RetiringKeyIsCurrent",
    detail: "the current version holds the retiring key again: somebody put it back",
  };
}

/**
 * The current version must hold the incoming key. Checked at the gate, and by the sweep while a run waits.
 */
export function currentIsIncoming(view: Seen, run: PromotedRun): Refusal<ChangedOutside> | undefined {
  const { current } = view;
  // Compared by fingerprint, because an edit of another field puts the same key into a newer version.
  if (current.fingerprint === run.incoming.fingerprint) return undefined;
  return (
    currentIsNotRetiring(view, run) ?? {
      reason: "CurrentKeyMoved",
      detail: `the current version is ${current.versionId}, which does not hold the incoming key`,
    }
  );
}

function holdIsOff({ record: { hold } }: StandingView): Refusal<"Held"> | undefined {
  return hold && { reason: "Held", detail: `held by ${hold.by}: ${hold.reason}` };
}

function nobodyStopped({ stop }: StandingView): Refusal<"Stopped"> | undefined {
  return stop === undefined ? undefined : { reason: "Stopped", detail: stop };
}

function isNotFrozen({ record: { frozen } }: StandingView): Refusal<"Frozen"> | undefined {
  return frozen && { reason: "Frozen", detail: frozen.reason };
}

function nobodyElseHoldsIt({ sharedWith }: StandingView): Refusal<"KeyShared"> | undefined {
  if (sharedWith.length === 0) return undefined;
  return { reason: "KeyShared", detail: `also held by ${sharedWith.join(", ")}` };
}

function keyIsNotRetained({ policy: { retain } }: StandingView): Refusal<"Retained"> | undefined {
  return retain
    ? { reason: "Retained", detail: "the policy says that this key is never revoked" }
    : undefined;
}

function everyConsumerHasMoved({
  adoption,
}: RevokeView): Refusal<AdoptionReason["reason"] | "NotAdopted"> | undefined {
  if (adoption.verdict === "adopted") return undefined;
  const [first, ...others] = adoption.reasons;
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  return { reason: first?.reason ?? "NotAdopted", detail: `${first?.detail ?? "no evidence"}${more}` };
}

/** This is what the soak is for: if somebody still needs the key, it shows while the key can be restored. */
function nobodyMissedItInQuarantine({
  missedInQuarantine,
}: RevokeView): Refusal<"MissedInQuarantine"> | undefined {
  if (!missedInQuarantine) return undefined;
  return {
    reason: "MissedInQuarantine",
    detail: "somebody still tried the retiring key while it was disabled",
  };
}
