import type { AdoptionVerdict } from "../adoption/adoption.ts";
import type { AdoptionReason } from "../adoption/view.ts";
import { freezeAt } from "../calendar.ts";
import { isApproved, type PendingOrder } from "../orders.ts";
import type { Policy } from "../policy.ts";
import type { Fingerprint, KeyId, RotationId, SecretArn, VersionId } from "../ports.ts";
import { utcText } from "../utc.ts";
import { finishWasCalled, nativeTokenOf } from "./native.ts";
import type { Refusal } from "./refusal.ts";
import { type PromotedRun, promotedRun, type Run, type SecretRecord } from "./secret-record.ts";
import { isIncidentWork } from "./stop-order.ts";

/** What a standing reason may look at. A new reason that needs another fact adds it here and in `askGate`. */
export interface StandingView {
  readonly record: SecretRecord;
  /** Read when the gate is asked: the run's snapshot with today's consumers and today's `retain`. */
  readonly policy: Pick<Policy, "retain" | "approve" | "freeze">;
  readonly nowMs: number;
  /** When the policy's change windows open again; absent while one is open. */
  readonly opensAtMs?: number;
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
  ownTermsAreMet,
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

// ---- before the promotion ----------------------------------------------------------------------------------

export interface PromotionView extends Omit<StandingView, "policy" | "sharedWith"> {
  readonly policy: PromotionTerms;
  /** What became of the secret that the policy's `after` names; absent if it names none. */
  readonly before?: Predecessor;
}

export type PromotionTerms = Pick<Policy, "approve" | "freeze" | "windows" | "after">;

export interface Predecessor {
  /** Its last run that was not skipped; absent if there was none, or if no policy declares the secret. */
  readonly last?: { readonly outcome: string; readonly closedAtMs?: number };
}

/** Only a run whose policy has one of these asks before it promotes. */
export function hasPromotionTerms({ approve, freeze, windows, after }: PromotionTerms): boolean {
  return (
    approve === "before-promote" || (freeze ?? []).length > 0 || windows !== undefined || after !== undefined
  );
}

/** A run that Secrets Manager started waits for it, whatever the policy says. */
export function asksBeforePromotion(terms: PromotionTerms, rotationId: RotationId): boolean {
  return hasPromotionTerms(terms) || nativeTokenOf(rotationId) !== undefined;
}

/** For the promotion or for the revoke. */
export function hasTerms(terms: PromotionTerms): boolean {
  return hasPromotionTerms(terms) || terms.approve !== undefined;
}

type PromotionCheck = (view: PromotionView) => Refusal<string> | undefined;

/**
 * The reasons not to promote yet. The check before the wait, every order that arrives meanwhile and the
 * promotion itself ask all of them, so a new reason is one function and one entry here.
 */
export const promotionChecks = [
  holdIsOff,
  nobodyStopped,
  isNotFrozen,
  noChangeFreeze,
  windowIsOpen,
  promotionIsApproved,
  predecessorIsRotated,
  finishWasCalled,
] as const satisfies readonly PromotionCheck[];

export type PromotionReason = ReasonOf<(typeof promotionChecks)[number]>;

/** Everything that speaks against the promotion now, in the order of asking; a leaked key waits for none of it. */
export function whyNotPromote(view: PromotionView): readonly Refusal<PromotionReason>[] {
  if (isIncidentWork(view.record)) return [];
  return promotionChecks.flatMap((check) => {
    const refusal: Refusal<PromotionReason> | undefined = check(view);
    return refusal ?? [];
  });
}

/** What has to be approved before this step of this run: all that makes it another step. */
export function orderOf(
  run: Run,
  kind: PendingOrder["kind"],
): Pick<PendingOrder, "kind" | "what"> | undefined {
  if (run.phase === "opened") return undefined;
  const { rotationId, incoming, retiring } = run;
  const what = {
    ...{ rotationId, incomingKeyId: incoming.keyId, incomingFingerprint: incoming.fingerprint },
    retiringKeyId: retiring.keyId,
  };
  return { kind, what };
}

function promotionIsApproved({ policy, record }: PromotionView): Refusal<"NotApproved"> | undefined {
  return policy.approve === "before-promote" ? approved(record, "promote") : undefined;
}

function approved(
  { run, order }: SecretRecord,
  kind: PendingOrder["kind"],
): Refusal<"NotApproved"> | undefined {
  const wanted = run && orderOf(run, kind);
  if (run === undefined || (wanted !== undefined && isApproved(order, wanted))) return undefined;
  return {
    reason: "NotApproved",
    detail: `another person has to approve the ${kind === "promote" ? "promotion" : "revoke"}: rekey approve ${run.rotationId}`,
  };
}

type TermsView = Pick<StandingView, "nowMs" | "opensAtMs"> & { readonly policy: Pick<Policy, "freeze"> };

function noChangeFreeze({ policy, nowMs }: TermsView): Refusal<"ChangeFreeze"> | undefined {
  const freeze = freezeAt(policy.freeze, nowMs);
  return freeze && { reason: "ChangeFreeze", detail: `${freeze.reason}, until ${utcText(freeze.untilMs)}` };
}

function windowIsOpen({ opensAtMs }: TermsView): Refusal<"WindowClosed"> | undefined {
  if (opensAtMs === undefined) return undefined;
  return { reason: "WindowClosed", detail: `the next change window opens at ${utcText(opensAtMs)}` };
}

/** Rotated well since this secret's own key became current: an older success says nothing about this change. */
function predecessorIsRotated({ policy, before, record }: PromotionView): Refusal<"NotAfter"> | undefined {
  if (before === undefined) return undefined;
  const refuse = (detail: string): Refusal<"NotAfter"> => ({
    reason: "NotAfter",
    detail: `${policy.after} ${detail}`,
  });
  const { last } = before;
  if (last === undefined) return refuse("has not been rotated yet");
  if (last.outcome !== "rotated")
    return refuse(`is to be rotated first: its last rotation is ${last.outcome}`);
  const retiring = record.keys.find(({ keyId }) => keyId === record.run?.retiring.keyId);
  if ((last.closedAtMs ?? 0) > (retiring?.promotedAtMs ?? 0)) return undefined;
  return refuse("has not been rotated since this secret was");
}

/** When the answer changes by itself: a window opens, a freeze ends. */
export function promotionChangesAtMs({ policy, nowMs, opensAtMs }: PromotionView): number | undefined {
  const times = [freezeAt(policy.freeze, nowMs)?.untilMs, opensAtMs].filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

// ---- before the revoke -------------------------------------------------------------------------------------

const everyReason: Readonly<Record<RevokeReason, true>> = {
  ...({ NotPromoted: true, NotTheRetiringKey: true, RetiringKeyIsCurrent: true } as const),
  ...({ CurrentKeyMoved: true, Held: true, Stopped: true, Frozen: true, KeyShared: true } as const),
  ...({ Retained: true, NoLiveInstance: true, HoldsRetiringKey: true, HoldsUnknownKey: true } as const),
  ...({ RetiringKeyStillUsed: true, IncomingKeyUnused: true, IncomingKeyRefused: true } as const),
  ...({ NotRestarted: true, RestartFailed: true, NotRead: true, MayHoldRetiringVersion: true } as const),
  ...({ NotAttested: true, ProviderSilent: true, QuietWindowOpen: true, UndeclaredConsumer: true } as const),
  ...({ WiredToOldVersion: true, NotProven: true, TwoUnderOneName: true, ForgottenReturned: true } as const),
  TooManyInstances: true,
  ...({ ConsumersUnknown: true, NotAdopted: true, MissedInQuarantine: true } as const),
  ...({ ChangeFreeze: true, WindowClosed: true, NotApproved: true } as const),
  ...({ CopyNotWritten: true, CopyChanged: true, CopyElsewhere: true, CopyNotActive: true } as const),
  ...({ CopyFailed: true, ReplicaBehind: true } as const),
};

/** Each reason that `whyNotRevoke` asks about: where it answers undefined, none of them stood. */
export const reasonsAsked: readonly string[] = Object.keys(everyReason);

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
export function whyNotRepeatRevoke(
  view: Pick<RevokeView, "record" | "target" | "current">,
): Refusal<RevokeReason> | undefined {
  const run = promotedRun(view.record.run);
  if (run === undefined) return notPromoted;
  return targetIsRetiring(view, run) ?? currentIsNotRetiring(view, run);
}

/** By id, never by order or date (S2). */
function targetIsRetiring(
  { target }: Pick<RevokeView, "target">,
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

function holdIsOff({ record: { hold } }: Pick<StandingView, "record">): Refusal<"Held"> | undefined {
  return hold && { reason: "Held", detail: `held by ${hold.by}: ${hold.reason}` };
}

function nobodyStopped({ stop }: Pick<StandingView, "stop">): Refusal<"Stopped"> | undefined {
  return stop === undefined ? undefined : { reason: "Stopped", detail: stop };
}

function isNotFrozen({ record: { frozen } }: Pick<StandingView, "record">): Refusal<"Frozen"> | undefined {
  return frozen && { reason: "Frozen", detail: frozen.reason };
}

function nobodyElseHoldsIt({ sharedWith }: StandingView): Refusal<"KeyShared"> | undefined {
  if (sharedWith.length === 0) return undefined;
  return { reason: "KeyShared", detail: `also held by ${sharedWith.join(", ")}` };
}

/** The policy alone keeps the retiring key: nothing else stands between the run and its revoke. */
export function isOnlyRetained(view: StandingView): boolean {
  const reasons = standingReasons(view);
  return reasons.length > 0 && reasons.every(({ reason }) => reason === "Retained");
}

function keyIsNotRetained({ policy: { retain } }: StandingView): Refusal<"Retained"> | undefined {
  return retain
    ? { reason: "Retained", detail: "the policy says that this key is never revoked" }
    : undefined;
}

/** What the policy asks for before a revoke. An incident's key waits for none of it. */
function ownTermsAreMet(
  view: StandingView,
): Refusal<"ChangeFreeze" | "WindowClosed" | "NotApproved"> | undefined {
  const { record, policy } = view;
  if (isIncidentWork(record)) return undefined;
  return (
    noChangeFreeze(view) ??
    windowIsOpen(view) ??
    (policy.approve === "before-revoke" ? approved(record, "revoke") : undefined)
  );
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
