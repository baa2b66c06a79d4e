import {
  areConsumersUnknown,
  type EvidenceKind,
  isOnlyRestarted,
  isReporting,
  type ReportingKind,
  reportsUse,
} from "../policy.ts";
import { copiesBehind, type ConsumerQuestion as Question } from "./copies.ts";
import type {
  AttestationEvidence,
  InstanceEvidence,
  ReadEvidence,
  RestartEvidence,
  Unproven,
} from "./evidence.ts";
import { providerEvidenceIn } from "./quiet.ts";
import { whyUncounted } from "./uncounted.ts";
import {
  type AdoptionReason,
  type AdoptionView,
  declaredConsumers,
  instanceReason,
  isLive,
  isOf,
  mayTestify,
  reportsOf,
  useOf,
  whyNoTestimony,
} from "./view.ts";

type Check = (question: Question) => readonly AdoptionReason[];

/**
 * Each check is made for every consumer, whatever evidence its policy names: any source can show use of the
 * retiring key.
 */
const checks: readonly Check[] = [
  copiesBehind,
  instancesBehind,
  retiringVersionRead,
  evidenceMissing,
  useMissing,
];

/** What is missing, consumer by consumer, in the policy's order. */
export function consumersBehind(view: AdoptionView): readonly AdoptionReason[] {
  if (areConsumersUnknown(view.policy)) return [consumersUnknown];
  const questions = declaredConsumers(view).map((consumer) => ({ view, consumer }));
  // First, because people are shown the first ones only, and a flood of instances brings many others.
  const beyondLimit = questions.flatMap(uncountedBehind);
  return [...beyondLimit, ...questions.flatMap((question) => checks.flatMap((check) => check(question)))];
}

/**
 * No rotation opens with such a policy, but an incident may have promoted a key, and the run that resumes it
 * meets this.
 */
const consumersUnknown: AdoptionReason = {
  reason: "ConsumersUnknown",
  source: "policy",
  detail: "the policy names no consumer, so nobody knows who uses the retiring key",
};

// ---- instances -------------------------------------------------------------------------------------------

function instancesBehind({ view, consumer }: Question): readonly AdoptionReason[] {
  const live = reportsOf(view, consumer).filter((item) => isLive(item, view));
  return live.flatMap((item) => whyInstanceBehind(item, view));
}

function whyInstanceBehind(item: InstanceEvidence, view: AdoptionView): readonly AdoptionReason[] {
  if (item.holds.fingerprint === view.retiring.fingerprint) {
    const detail = "still holds the retiring key";
    return [instanceReason(item, view, { reason: "HoldsRetiringKey", detail })];
  }
  if (item.holds.fingerprint !== view.incoming.fingerprint) {
    const detail = "holds neither the retiring nor the incoming key";
    return [instanceReason(item, view, { reason: "HoldsUnknownKey", detail })];
  }
  const unproven = whyNoTestimony(item, view);
  if (unproven !== undefined) {
    const detail = `reports the incoming key and does not prove that it holds it: ${whyUnproven[unproven]}`;
    return [instanceReason(item, view, { reason: "NotProven", detail })];
  }
  const lastSuccessAgoMs = useOf(item, view.retiring.fingerprint)?.lastSuccessAgoMs ?? null;
  if (!view.policy.signals.includes("client") || lastSuccessAgoMs === null) return [];
  // It holds the incoming key since that report, so its last use of the retiring key only gets older.
  const agoMs = lastSuccessAgoMs + Math.max(0, view.nowMs - item.observedAtMs);
  const remainingMs = view.policy.quietMs - agoMs;
  if (remainingMs <= 0) return [];
  const said = instanceReason(item, view, {
    reason: "RetiringKeyStillUsed",
    detail: "used the retiring key",
  });
  return [{ ...said, agoMs, remainingMs }];
}

function uncountedBehind({ view, consumer }: Question): readonly AdoptionReason[] {
  return view.evidence.flatMap((item) =>
    item.kind === "uncounted" && isOf(item, consumer) ? whyUncounted(item, view) : [],
  );
}

const whyUnproven: Readonly<Record<Unproven, string>> = {
  unsigned: "its client signs no reports, so update it, or say `reports: any`",
  signature: "the signature is not of this key",
  source: "its event has another consumer's source",
  late: "it was sent at another time: is its clock right?",
  keyUnknown: "no public half of this key is kept: `rekey apply` keeps one",
  jump: "its sequence is not this instance's",
};

// ---- reads -----------------------------------------------------------------------------------------------

/**
 * A key that was read may be used until it is stale. If reads are the only evidence, one instance's read says
 * nothing about the others, so every instance is assumed to have read the retiring version just before the
 * promotion.
 */
function retiringVersionRead(question: Question): readonly AdoptionReason[] {
  const { view, consumer } = question;
  const { evidence, maxStaleMs } = consumer;
  const read = readsOf(question, view.retiring.versionId)
    .map(({ observedAtMs }) => observedAtMs)
    .filter((atMs) => atMs > view.promotedAtMs);
  const onlyReads = evidence.includes("kms") && !evidence.some(isReporting);
  const lastMs = Math.max(...read, onlyReads ? view.promotedAtMs : Number.NEGATIVE_INFINITY);
  const remainingMs = lastMs + maxStaleMs - view.nowMs;
  if (remainingMs <= 0) return [];
  const detail =
    read.length === 0
      ? "may still use what it read before the promotion"
      : "read the retiring version after the promotion";
  return [
    { ...reasonFor(question, { source: "kms", reason: "MayHoldRetiringVersion", detail }), remainingMs },
  ];
}

function readsOf({ view, consumer }: Question, versionId: string): readonly ReadEvidence[] {
  return view.evidence.filter(
    (item): item is ReadEvidence =>
      item.kind === "kms" && item.versionId === versionId && isOf(item, consumer),
  );
}

// ---- what the policy demands -----------------------------------------------------------------------------

function evidenceMissing(question: Question): readonly AdoptionReason[] {
  return question.consumer.evidence.flatMap((kind) => whyMissing(question, kind));
}

function whyMissing(question: Question, kind: EvidenceKind): readonly AdoptionReason[] {
  switch (kind) {
    case "client":
    case "extension":
    case "agent":
    case "exec":
      return whyNobodyReports(question, kind);
    case "ecs":
    case "lambda":
    case "kubernetes":
      return whyNotRestarted(question, kind);
    case "kms":
      return whyNotRead(question);
    case "attestation":
      return whyNotAttested(question);
    // Every copy is asked about, whatever evidence the policy names: see copiesBehind.
    case "copy":
      return [];
  }
}

/**
 * Zero live instances is unknown, not adopted, unless a run of a batch has used the incoming key. What `rekey exec`
 * started cannot be seen to use it: a run that began with it is all there is to see.
 */
function whyNobodyReports(question: Question, kind: ReportingKind): readonly AdoptionReason[] {
  const { view, consumer } = question;
  const reports = reportsOf(view, consumer).filter((item) => item.kind === kind);
  // A live one that proves nothing is behind, and that has a reason of its own.
  if (reports.some((item) => isLive(item, view))) return [];
  const batchHasRun =
    consumer.cadenceMs !== undefined && reports.some((item) => hasRunWithIncoming(item, view));
  return batchHasRun ? [] : [nobodyLive(question, kind)];
}

function hasRunWithIncoming(item: InstanceEvidence, view: AdoptionView): boolean {
  if (!mayTestify(item, view)) return false;
  const wasStartedWithIt = item.kind === "exec" && item.holds.fingerprint === view.incoming.fingerprint;
  return wasStartedWithIt || hasUsedIncoming(item, view);
}

function nobodyLive(question: Question, source: EvidenceKind): AdoptionReason {
  return reasonFor(question, { source, reason: "NoLiveInstance", detail: whyNobody(question, source) });
}

/** Silence before the first report is not an outage: a program that serves may only not have been heard yet. */
function whyNobody({ consumer, view }: Question, source: EvidenceKind): string {
  if (consumer.cadenceMs !== undefined) return "has not run with the incoming key yet";
  const hasReported = reportsOf(view, consumer).some((item) => item.kind === source);
  return hasReported || source === "ecs" || source === "lambda" || source === "kubernetes"
    ? "has no live instance: start one, declare its cadence, or remove it from the policy"
    : "has not reported yet: a running instance does within the hour; otherwise start one, or check its report bus";
}

type Platform = RestartEvidence["kind"];

function whyNotRestarted(question: Question, kind: Platform): readonly AdoptionReason[] {
  const { view, consumer } = question;
  const restart = view.evidence.find(
    (item): item is RestartEvidence =>
      item.kind === kind && item.versionId === view.incoming.versionId && isOf(item, consumer),
  );
  if (restart === undefined) {
    const detail = `${kind} has no evidence yet that its instances were replaced since the promotion`;
    return [reasonFor(question, { source: kind, reason: "NotRestarted", detail })];
  }
  if (restart.state !== "finished") return [restartReason(question, restart)];
  return restart.instances > 0 ? whyNotMoved(question, restart) : [nobodyLive(question, kind)];
}

/**
 * A restart is not a move: the definition may give each start another version. Where the platform does not show what it
 * gives, and no other evidence is asked for, the incoming key has to be seen in use.
 */
function whyNotMoved(question: Question, restart: RestartEvidence): readonly AdoptionReason[] {
  const { view, consumer } = question;
  const {
    kind: source,
    wiring = "unseen",
    detail = "was restarted, and nothing shows what it reads",
  } = restart;
  if (wiring === "current") return [];
  if (wiring === "pinned") return [reasonFor(question, { source, reason: "WiredToOldVersion", detail })];
  // The demand for use already covers this.
  if (consumer.demandUse || !isOnlyRestarted(consumer) || providerSawIncoming(view)) return [];
  return [reasonFor(question, { source, reason: "IncomingKeyUnused", detail })];
}

function restartReason(question: Question, restart: RestartEvidence): AdoptionReason {
  const { nowMs } = question.view;
  const hasFailed = restart.state === "failed";
  const usual = hasFailed
    ? "its restart failed or was rolled back"
    : "its instances have not all been replaced since the promotion";
  const said = reasonFor(question, {
    source: restart.kind,
    reason: hasFailed ? "RestartFailed" : "NotRestarted",
    detail: restart.detail ?? usual,
  });
  const { observedAtMs, remainingMs } = restart;
  const agoMs = Math.max(0, nowMs - observedAtMs);
  return remainingMs === undefined
    ? { ...said, agoMs }
    : { ...said, agoMs, remainingMs: Math.max(0, remainingMs - agoMs) };
}

function whyNotRead(question: Question): readonly AdoptionReason[] {
  if (readsOf(question, question.view.incoming.versionId).length > 0) return [];
  const detail = "has not read the incoming version";
  return [reasonFor(question, { source: "kms", reason: "NotRead", detail })];
}

/** An attestation from before the promotion cannot be about the incoming key in use. */
function whyNotAttested(question: Question): readonly AdoptionReason[] {
  const { view, consumer } = question;
  const given = view.evidence.filter(
    (item): item is AttestationEvidence =>
      item.kind === "attestation" && item.versionId === view.incoming.versionId && isOf(item, consumer),
  );
  const inTime = given.filter(({ observedAtMs }) => observedAtMs >= view.promotedAtMs);
  if (inTime.some(({ expiresAtMs }) => expiresAtMs === undefined || expiresAtMs > view.nowMs)) return [];
  const why = inTime.length > 0 ? "its attestation has expired" : "needs an attestation";
  const detail = `${why}: rekey attest <secret> ${consumer.name}`;
  return [reasonFor(question, { source: "attestation", reason: "NotAttested", detail })];
}

// ---- use of the incoming key -----------------------------------------------------------------------------

function useMissing(question: Question): readonly AdoptionReason[] {
  const { view, consumer } = question;
  if (!consumer.demandUse) return [];
  const detail = "has not used the incoming key yet";
  const { evidence } = consumer;
  const source = evidence.find(reportsUse) ?? "provider";
  if (source === "provider") {
    return providerSawIncoming(view)
      ? []
      : [reasonFor(question, { source, reason: "IncomingKeyUnused", detail })];
  }
  if (reportsOf(view, consumer).some((item) => hasUsedIncoming(item, view))) return [];
  return [reasonFor(question, { source, reason: "IncomingKeyUnused", detail })];
}

function hasUsedIncoming(item: InstanceEvidence, view: AdoptionView): boolean {
  const use = useOf(item, view.incoming.fingerprint);
  return mayTestify(item, view) && (use?.lastSuccessAgoMs ?? null) !== null;
}

/**
 * Rekey itself uses the incoming key to prove it, but before the promotion. So only a use after the promotion
 * is a consumer's. The promotion's time is converted to the provider's clock by a reply that both clocks
 * stamped (T1).
 */
function providerSawIncoming(view: AdoptionView): boolean {
  const seen = providerEvidenceIn(view.evidence);
  const use = seen?.incoming;
  if (seen === undefined || use?.keyId !== view.incoming.keyId) return false;
  if (use.lastUsedAtMs === undefined) return false;
  const promotedThereMs = view.promotedAtMs + (use.seenAtMs - seen.observedAtMs);
  return use.lastUsedAtMs > promotedThereMs;
}

function reasonFor(
  { consumer }: Question,
  said: Pick<AdoptionReason, "source" | "reason" | "detail">,
): AdoptionReason {
  return { ...said, consumer: consumer.name, environment: consumer.environment };
}
