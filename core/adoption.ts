import {
  type Evidence,
  type InstanceEvidence,
  isInstance,
  type ProviderEvidence,
  type ReportedUse,
} from "./evidence.ts";
import type { ConsumerPolicy, EvidenceKind, Policy } from "./policy.ts";
import type { Fingerprint, KeyId, VersionId } from "./ports.ts";

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
    | "NotAttested"
    | "ProviderSilent"
    | "QuietWindowOpen"
    | "UndeclaredConsumer";
  readonly consumer?: string;
  readonly environment?: string;
  readonly instance?: string;
  readonly source: EvidenceKind | "provider" | "policy";
  /** How long ago the source said so; for a window, how long it is still open. */
  readonly agoMs?: number;
  readonly remainingMs?: number;
  readonly detail: string;
}

export type AdoptionVerdict =
  | { readonly verdict: "adopted" }
  | { readonly verdict: "waiting"; readonly reasons: readonly AdoptionReason[] }
  | { readonly verdict: "contradicted"; readonly reasons: readonly AdoptionReason[] };

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

/**
 * The adoption rule: evidence in, verdict out. `waiting` ends by itself when the named things happen;
 * `contradicted` means that something is at odds with the policy and a person should look.
 */
export function adoption(view: AdoptionView): AdoptionVerdict {
  const contradictions = contradictionsIn(view);
  const missing = [...consumersBehind(view), ...useNotQuiet(view)];
  if (contradictions.length > 0) return { verdict: "contradicted", reasons: [...contradictions, ...missing] };
  return missing.length > 0 ? { verdict: "waiting", reasons: missing } : { verdict: "adopted" };
}

/** The evidence that a policy accepts for one consumer: its own name, account and environment, nothing else. */
function evidenceOf(view: AdoptionView, consumer: ConsumerPolicy): readonly Evidence[] {
  return view.evidence.filter(
    (item) =>
      item.kind !== "provider" &&
      item.consumer === consumer.name &&
      item.environment === consumer.environment &&
      item.account === consumer.account,
  );
}

/**
 * Silence is not adoption. Until the promotion any instance may have fetched the retiring key again without a
 * word, so one that was last seen on it counts until its key must have gone stale counted from there. One that
 * reported the incoming key counts until it says that it ends.
 */
function isLive(item: InstanceEvidence, view: AdoptionView): boolean {
  if (item.ended) return false;
  const hasMoved =
    item.holds.fingerprint === view.incoming.fingerprint && item.observedAtMs >= view.promotedAtMs;
  return hasMoved || Math.max(item.observedAtMs, view.promotedAtMs) + staleAfterMs(item, view) > view.nowMs;
}

/** The larger of what the policy says and what the instance says: a report may not shorten the wait. */
function staleAfterMs(item: InstanceEvidence, { policy }: AdoptionView): number {
  const declared =
    policy.consumers === "none" ? [] : policy.consumers.filter(({ name }) => name === item.consumer);
  return Math.max(item.maxStaleMs, ...declared.map(({ maxStaleMs }) => maxStaleMs));
}

function useOf(item: InstanceEvidence, fingerprint: Fingerprint): ReportedUse | undefined {
  return item.uses.find((use) => use.fingerprint === fingerprint);
}

// ---- what contradicts ------------------------------------------------------------------------------------

function contradictionsIn(view: AdoptionView): readonly AdoptionReason[] {
  return view.evidence
    .filter(isInstance)
    .filter((item) => isLive(item, view))
    .flatMap((item) => [...incomingRefusedBy(item, view), ...undeclaredUseBy(item, view)]);
}

function incomingRefusedBy(item: InstanceEvidence, view: AdoptionView): readonly AdoptionReason[] {
  const use = useOf(item, view.incoming.fingerprint);
  if (use === undefined || use.lastRefusalAgoMs === null) return [];
  const hasWorkedSince = use.lastSuccessAgoMs !== null && use.lastSuccessAgoMs < use.lastRefusalAgoMs;
  if (hasWorkedSince) return [];
  return [
    instanceReason(item, view, {
      reason: "IncomingKeyRefused",
      detail: "the provider refused the incoming key and has not accepted it since",
    }),
  ];
}

/** Somebody the policy does not know still lives on the retiring key: revoking would break them. */
function undeclaredUseBy(item: InstanceEvidence, view: AdoptionView): readonly AdoptionReason[] {
  if (
    view.policy.consumers !== "none" &&
    view.policy.consumers.some((consumer) => isDeclaredAs(item, consumer))
  ) {
    return [];
  }
  if (item.holds.fingerprint !== view.retiring.fingerprint) return [];
  return [
    instanceReason(item, view, {
      reason: "UndeclaredConsumer",
      detail: `holds the retiring key, and no policy declares it in ${item.environment} of ${item.account}`,
    }),
  ];
}

function isDeclaredAs(item: InstanceEvidence, consumer: ConsumerPolicy): boolean {
  return (
    item.consumer === consumer.name &&
    item.environment === consumer.environment &&
    item.account === consumer.account
  );
}

// ---- what is missing, consumer by consumer ---------------------------------------------------------------

function consumersBehind(view: AdoptionView): readonly AdoptionReason[] {
  if (view.policy.consumers === "none") return [];
  return view.policy.consumers.flatMap((consumer) =>
    consumer.evidence.flatMap((kind) => whyBehind({ view, consumer, kind })),
  );
}

interface Question {
  readonly view: AdoptionView;
  readonly consumer: ConsumerPolicy;
  readonly kind: EvidenceKind;
}

function whyBehind(question: Question): readonly AdoptionReason[] {
  switch (question.kind) {
    case "client":
    case "extension":
      return whyInstancesBehind(question);
    case "ecs":
    case "lambda":
    case "kubernetes":
      return whyNotRestarted(question);
    case "kms":
      return hasEvidenceFor(question, "kms")
        ? []
        : [reasonFor(question, "NotRead", "has not read the incoming version")];
    case "attestation":
      return hasEvidenceFor(question, "attestation")
        ? []
        : [
            reasonFor(
              question,
              "NotAttested",
              `wants a person's word: rekey attest <secret> ${question.consumer.name}`,
            ),
          ];
  }
}

function whyInstancesBehind(question: Question): readonly AdoptionReason[] {
  const { view, consumer, kind } = question;
  const reports = evidenceOf(view, consumer)
    .filter(isInstance)
    .filter((item) => item.kind === kind);
  const live = reports.filter((item) => isLive(item, view));
  const hasUsedIncoming = reports.some(
    (item) => (useOf(item, view.incoming.fingerprint)?.lastSuccessAgoMs ?? null) !== null,
  );
  const behind = live.flatMap((item) => whyInstanceBehind(item, view));
  if (behind.length > 0) return behind;
  if (live.length === 0 && !(consumer.cadenceMs !== undefined && hasUsedIncoming)) {
    return [reasonFor(question, "NoLiveInstance", noLiveInstance(consumer))];
  }
  if (consumer.demandUse && !hasUsedIncoming) {
    return [reasonFor(question, "IncomingKeyUnused", "has not used the incoming key yet")];
  }
  return [];
}

function noLiveInstance(consumer: ConsumerPolicy): string {
  return consumer.cadenceMs === undefined
    ? "no instance reports: start one, declare its cadence, or remove the consumer from the policy"
    : "has not run with the incoming key yet";
}

function whyInstanceBehind(item: InstanceEvidence, view: AdoptionView): readonly AdoptionReason[] {
  if (item.holds.fingerprint === view.retiring.fingerprint) {
    return [
      instanceReason(item, view, { reason: "HoldsRetiringKey", detail: "still holds the retiring key" }),
    ];
  }
  if (item.holds.fingerprint !== view.incoming.fingerprint) {
    return [
      instanceReason(item, view, {
        reason: "HoldsUnknownKey",
        detail: "holds neither the retiring nor the incoming key",
      }),
    ];
  }
  const lastSuccessAgoMs = useOf(item, view.retiring.fingerprint)?.lastSuccessAgoMs ?? null;
  if (!view.policy.signals.includes("client") || lastSuccessAgoMs === null) return [];
  // It holds the incoming key since that report, so its last use of the retiring one only gets older.
  const agoMs = lastSuccessAgoMs + Math.max(0, view.nowMs - item.observedAtMs);
  const remainingMs = view.policy.quietMs - agoMs;
  if (remainingMs <= 0) return [];
  return [
    {
      ...instanceReason(item, view, { reason: "RetiringKeyStillUsed", detail: "used the retiring key" }),
      agoMs,
      remainingMs,
    },
  ];
}

function whyNotRestarted(question: Question): readonly AdoptionReason[] {
  const { view, consumer, kind } = question;
  const restart = evidenceOf(view, consumer).find(
    (item) => item.kind === kind && "versionId" in item && item.versionId === view.incoming.versionId,
  );
  if (restart === undefined || !("state" in restart) || restart.state === "running") {
    return [
      reasonFor(question, "NotRestarted", "its instances have not all been replaced since the promotion"),
    ];
  }
  if (restart.state === "failed")
    return [reasonFor(question, "RestartFailed", "its restart failed or was rolled back")];
  if (restart.instances === 0 && consumer.cadenceMs === undefined) {
    return [reasonFor(question, "NoLiveInstance", noLiveInstance(consumer))];
  }
  return [];
}

function hasEvidenceFor({ view, consumer }: Question, kind: "kms" | "attestation"): boolean {
  return evidenceOf(view, consumer).some(
    (item) => item.kind === kind && "versionId" in item && item.versionId === view.incoming.versionId,
  );
}

// ---- the retiring key's use ------------------------------------------------------------------------------

function useNotQuiet(view: AdoptionView): readonly AdoptionReason[] {
  if (view.policy.consumers === "none" && view.policy.signals.length === 0) return [];
  const sincePromotionMs = view.nowMs - view.promotedAtMs;
  const window: readonly AdoptionReason[] =
    sincePromotionMs < view.policy.quietMs
      ? [
          {
            reason: "QuietWindowOpen",
            source: "policy",
            remainingMs: view.policy.quietMs - sincePromotionMs,
            detail: `the quiet window of ${view.policy.quietMs} ms since the promotion is still open`,
          },
        ]
      : [];
  return view.policy.signals.includes("provider") ? [...window, ...whyProviderNotQuiet(view)] : window;
}

/** Both times are the provider's own, so our clock's skew cannot revoke early (T1). */
function whyProviderNotQuiet(view: AdoptionView): readonly AdoptionReason[] {
  const use = view.evidence.find((item): item is ProviderEvidence => item.kind === "provider")?.retiring;
  if (use === undefined || use.keyId !== view.retiring.keyId) {
    return [
      {
        reason: "ProviderSilent",
        source: "provider",
        detail: "the provider has not said when the key was last used",
      },
    ];
  }
  if (use.lastUsedAtMs === undefined) {
    return (use.requests ?? 0) === 0
      ? []
      : [
          {
            reason: "RetiringKeyStillUsed",
            source: "provider",
            detail: `${use.requests} requests in the window`,
          },
        ];
  }
  const agoMs = use.seenAtMs - use.lastUsedAtMs;
  const remainingMs = view.policy.quietMs - agoMs;
  if (remainingMs <= 0) return [];
  return [
    {
      reason: "RetiringKeyStillUsed",
      source: "provider",
      agoMs,
      remainingMs,
      detail: "the provider saw it used",
    },
  ];
}

// ---- words -----------------------------------------------------------------------------------------------

type Said = Pick<AdoptionReason, "reason" | "detail">;

function instanceReason(item: InstanceEvidence, view: AdoptionView, said: Said): AdoptionReason {
  return {
    ...said,
    consumer: item.consumer,
    environment: item.environment,
    instance: item.instance,
    source: item.kind,
    agoMs: view.nowMs - item.observedAtMs,
  };
}

function reasonFor(question: Question, reason: AdoptionReason["reason"], detail: string): AdoptionReason {
  return {
    reason,
    consumer: question.consumer.name,
    environment: question.consumer.environment,
    source: question.kind,
    detail,
  };
}
