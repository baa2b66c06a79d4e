import type { ConsumerPolicy, EvidenceKind, Policy } from "../policy.ts";
import type { Fingerprint, KeyId, VersionId } from "../ports.ts";
import {
  type ConsumerEvidence,
  type Evidence,
  type InstanceEvidence,
  isForgotten,
  isInstance,
  type ReadEvidence,
  type ReportedUse,
  type UncountedEvidence,
  type Unproven,
} from "./evidence.ts";
import { unprovenStaleMsMax } from "./instance-limits.ts";

/** Why the retiring key may not be revoked yet. The gate, the screen, the page and the report use the same value. */
export interface AdoptionReason {
  readonly reason:
    | "NoLiveInstance"
    | "NotProven"
    | "TwoUnderOneName"
    | "ForgottenReturned"
    | "TooManyInstances"
    | "HoldsRetiringKey"
    | "HoldsUnknownKey"
    | "RetiringKeyStillUsed"
    | "IncomingKeyUnused"
    | "IncomingKeyRefused"
    | "NotRestarted"
    | "RestartFailed"
    | "WiredToOldVersion"
    | "NotRead"
    | "MayHoldRetiringVersion"
    | "NotAttested"
    | "ProviderSilent"
    | "QuietWindowOpen"
    | "UndeclaredConsumer"
    | "ConsumersUnknown"
    | "CopyNotWritten"
    | "CopyChanged"
    | "CopyElsewhere"
    | "CopyNotActive"
    | "CopyFailed"
    | "ReplicaBehind";
  readonly consumer?: string;
  readonly environment?: string;
  readonly instance?: string;
  readonly source: EvidenceKind | "provider" | "policy" | "store";
  /** How long ago the source saw it, and how long the wait still lasts if its end is known. */
  readonly agoMs?: number;
  readonly remainingMs?: number;
  readonly detail: string;
}

export interface KeyInUse {
  readonly keyId: KeyId;
  readonly versionId: VersionId;
  readonly fingerprint: Fingerprint;
}

export interface AdoptionView {
  readonly policy: Pick<Policy, "consumers" | "signals" | "quietMs" | "reports" | "isAdminCredential">;
  readonly retiring: KeyInUse;
  readonly incoming: KeyInUse;
  readonly promotedAtMs: number;
  readonly nowMs: number;
  readonly evidence: readonly Evidence[];
}

/** The least time for which an undeclared program is assumed to keep a key, whatever its own report says. */
const undeclaredStaleMsMin = 15 * 60_000;

export function declaredConsumers({ policy }: AdoptionView): readonly ConsumerPolicy[] {
  return policy.consumers === "none" ? [] : policy.consumers;
}

/**
 * Name, environment and account must be those of the policy (S7). A read has no consumer name: its role is
 * compared instead.
 */
export function isOf(item: ConsumerEvidence | UncountedEvidence, consumer: ConsumerPolicy): boolean {
  if (item.environment !== consumer.environment || item.account !== consumer.account) return false;
  return item.kind === "kms" ? isReadBy(item, consumer) : item.consumer === consumer.name;
}

/** Decided when the gate asks and not when the record arrived, so a role that was declared since then counts. */
function isReadBy({ principal }: ReadEvidence, { roles = [] }: ConsumerPolicy): boolean {
  return roles.includes(principal);
}

export function isDeclared(item: ConsumerEvidence | UncountedEvidence, view: AdoptionView): boolean {
  return declaredConsumers(view).some((consumer) => isOf(item, consumer));
}

/** Of an instance that proves its reports, the others are not its own. */
export function reportsOf(view: AdoptionView, consumer: ConsumerPolicy): readonly InstanceEvidence[] {
  const reports = view.evidence
    .filter(isInstance)
    .filter((item) => item.unproven !== "jump" && isOf(item, consumer));
  const proving = new Set(
    reports.filter(({ unproven }) => unproven === undefined).map(({ instance }) => instance),
  );
  return reports.filter(({ unproven, instance }) => unproven === undefined || !proving.has(instance));
}

/** True if a report may testify that its instance holds the incoming key, or that it ends. */
export function mayTestify(item: InstanceEvidence, view: AdoptionView): boolean {
  return whyNoTestimony(item, view) === undefined;
}

/** What the report does not prove, where the policy asks for that. */
export function whyNoTestimony(
  { unproven }: InstanceEvidence,
  { policy }: AdoptionView,
): Unproven | undefined {
  return policy.reports === "any" && unproven !== "jump" ? undefined : unproven;
}

/**
 * Silence is not adoption. Until the promotion an instance may have fetched the retiring key again without
 * reporting it, so its key may be in use until `maxStale` after the promotion, or after its last report if
 * that is later. An instance that reported the incoming key counts as live until it says that it ends.
 */
export function isLive(item: InstanceEvidence, view: AdoptionView): boolean {
  if ((item.ended && mayTestify(item, view)) || isForgotten(item)) return false;
  const hasMoved = holdsIncoming(item, view) && item.observedAtMs >= view.promotedAtMs;
  return (
    (hasMoved && mayTestify(item, view)) ||
    isWithinStale(Math.max(item.observedAtMs, view.promotedAtMs), { item, view })
  );
}

/** Until when an instance that does not hold the incoming key is in the way, if it is not heard from again. */
export function blocksUntilMs(item: InstanceEvidence, view: AdoptionView): number | undefined {
  if (!isLive(item, view) || (holdsIncoming(item, view) && mayTestify(item, view))) return undefined;
  return Math.max(item.observedAtMs, view.promotedAtMs) + staleAfterMs(item, view);
}

/** Until when a silent instance may still run: within this time it has to report again. */
export function mayRunUntilMs(item: InstanceEvidence, view: AdoptionView): number {
  return item.observedAtMs + staleAfterMs(item, view);
}

/** Until when those that are not counted are in the way, if no more of them is heard. */
export function uncountedUntilMs(item: UncountedEvidence, view: AdoptionView): number {
  return Math.max(item.observedAtMs, view.promotedAtMs) + staleAfterMs(item, view);
}

/** A running instance reports again within this time; one that ended without saying so does not. */
export function isFresh(item: InstanceEvidence, view: AdoptionView): boolean {
  return !(item.ended && mayTestify(item, view)) && isWithinStale(item.observedAtMs, { item, view });
}

/** At exactly the limit the key still counts as used. */
function isWithinStale(
  sinceMs: number,
  { item, view }: { readonly item: InstanceEvidence; readonly view: AdoptionView },
): boolean {
  return sinceMs + staleAfterMs(item, view) >= view.nowMs;
}

/**
 * The larger of the policy's and the instance's own limit: a report must not shorten the wait. What nobody proves
 * must not hold up the rotation for as long as its writer likes either.
 */
function staleAfterMs(item: InstanceEvidence | UncountedEvidence, view: AdoptionView): number {
  const declared = declaredConsumers(view).filter((consumer) => isOf(item, consumer));
  const floors =
    declared.length === 0 ? [undeclaredStaleMsMin] : declared.map(({ maxStaleMs }) => maxStaleMs);
  if (item.kind === "uncounted" ? item.fingerprint !== undefined : mayTestify(item, view))
    return Math.max(item.maxStaleMs, ...floors);
  const mayHoldAnother = item.kind === "uncounted" || !holdsIncoming(item, view);
  return Math.max(mayHoldAnother ? Math.min(item.maxStaleMs, unprovenStaleMsMax) : 0, ...floors);
}

const holdsIncoming = ({ holds }: InstanceEvidence, { incoming }: AdoptionView) =>
  holds.fingerprint === incoming.fingerprint;

export function useOf(item: InstanceEvidence, fingerprint: Fingerprint): ReportedUse | undefined {
  return item.uses.find((use) => use.fingerprint === fingerprint);
}

export function instanceReason(
  item: InstanceEvidence,
  view: AdoptionView,
  said: Pick<AdoptionReason, "reason" | "detail">,
): AdoptionReason {
  return {
    ...said,
    consumer: item.consumer,
    environment: item.environment,
    instance: item.instance,
    source: item.kind,
    agoMs: Math.max(0, view.nowMs - item.observedAtMs),
  };
}
