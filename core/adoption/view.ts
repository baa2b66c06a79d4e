import type { ConsumerPolicy, EvidenceKind, Policy } from "../policy.ts";
import type { Fingerprint, KeyId, VersionId } from "../ports.ts";
import {
  type ConsumerEvidence,
  type Evidence,
  type InstanceEvidence,
  isInstance,
  type ReadEvidence,
  type ReportedUse,
} from "./evidence.ts";

/** Why the retiring key may not go yet. One value for the gate, the screen, the page and the report. */
export interface AdoptionReason {
  readonly reason:
    | "NoLiveInstance"
    | "HoldsRetiringKey"
    | "HoldsUnknownKey"
    | "RetiringKeyStillUsed"
    | "IncomingKeyUnused"
    | "IncomingKeyRefused"
    | "NotRestarted"
    | "RestartFailed"
    | "NotRead"
    | "MayHoldRetiringVersion"
    | "NotAttested"
    | "ProviderSilent"
    | "QuietWindowOpen"
    | "UndeclaredConsumer"
    | "ConsumersUnknown";
  readonly consumer?: string;
  readonly environment?: string;
  readonly instance?: string;
  readonly source: EvidenceKind | "provider" | "policy";
  /** How long ago the source said so; for a window, how long it is still open. */
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
  readonly policy: Pick<Policy, "consumers" | "signals" | "quietMs">;
  readonly retiring: KeyInUse;
  readonly incoming: KeyInUse;
  readonly promotedAtMs: number;
  readonly nowMs: number;
  readonly evidence: readonly Evidence[];
}

/** What a program that nobody declared may keep a key for: it promised nothing, whatever its report says. */
const undeclaredStaleMsMin = 15 * 60_000;

export function declaredConsumers({ policy }: AdoptionView): readonly ConsumerPolicy[] {
  return policy.consumers === "none" ? [] : policy.consumers;
}

/** Name, environment and account have to be the policy's (S7). A read has no name: there, the role is. */
export function isOf(item: ConsumerEvidence, consumer: ConsumerPolicy): boolean {
  if (item.environment !== consumer.environment || item.account !== consumer.account) return false;
  return item.kind === "kms" ? isReadBy(item, consumer) : item.consumer === consumer.name;
}

/** Asked of the policy at the gate and not when the record came: a role declared since then counts. */
function isReadBy({ principal }: ReadEvidence, { roles = [] }: ConsumerPolicy): boolean {
  return roles.includes(principal);
}

export function isDeclared(item: ConsumerEvidence, view: AdoptionView): boolean {
  return declaredConsumers(view).some((consumer) => isOf(item, consumer));
}

export function reportsOf(view: AdoptionView, consumer: ConsumerPolicy): readonly InstanceEvidence[] {
  return view.evidence.filter(isInstance).filter((item) => isOf(item, consumer));
}

/**
 * Silence is not adoption. Until the promotion any instance may have fetched the retiring key again without a
 * word, so one that was last seen on it counts until its key must have gone stale counted from there. One that
 * reported the incoming key counts until it says that it ends.
 */
export function isLive(item: InstanceEvidence, view: AdoptionView): boolean {
  if (item.ended) return false;
  const hasMoved =
    item.holds.fingerprint === view.incoming.fingerprint && item.observedAtMs >= view.promotedAtMs;
  return hasMoved || isWithinStale(Math.max(item.observedAtMs, view.promotedAtMs), { item, view });
}

/** A running instance reports again before this is over; one that ended without a word does not. */
export function isFresh(item: InstanceEvidence, view: AdoptionView): boolean {
  return !item.ended && isWithinStale(item.observedAtMs, { item, view });
}

/** A key whose age is exactly the limit is still used. */
function isWithinStale(
  sinceMs: number,
  { item, view }: { readonly item: InstanceEvidence; readonly view: AdoptionView },
): boolean {
  return sinceMs + staleAfterMs(item, view) >= view.nowMs;
}

/** The larger of what the policy says and what the instance says: a report may not shorten the wait. */
function staleAfterMs(item: InstanceEvidence, view: AdoptionView): number {
  const declared = declaredConsumers(view).filter((consumer) => isOf(item, consumer));
  const floors =
    declared.length === 0 ? [undeclaredStaleMsMin] : declared.map(({ maxStaleMs }) => maxStaleMs);
  return Math.max(item.maxStaleMs, ...floors);
}

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
