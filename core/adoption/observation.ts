import type { EvidenceKind, Policy } from "../policy.ts";
import { utcText } from "../utc.ts";
import { type AdoptionReason, adoption } from "./adoption.ts";
import { type ConsumerEvidence, type Evidence, isInstance, isOfNobody } from "./evidence.ts";
import { sayDuration, sayReason } from "./reason-text.ts";
import { type AdoptionView, isDeclared, isFresh, type KeyInUse } from "./view.ts";

/** What a secret under `mode: observe` has shown: whether a rotation would have got to its revoke, and why not. */
export interface Observation {
  /** Since when it is observed without a gap. */
  readonly sinceMs: number;
  /** When Rekey last looked. */
  readonly atMs: number;
  readonly verdict: "wouldOpen" | "tooEarly" | "wouldNotOpen";
  /** Of the current key, where the provider shows which it is. */
  readonly keyId?: string;
  /** Why not, each in one line. */
  readonly reasons: readonly string[];
  readonly reasonsLeft: number;
  /** What only a rotation brings about, such as a restart: it says nothing until then. */
  readonly unasked: readonly string[];
  /** The last answer of each of the last days, oldest first. */
  readonly days: readonly ObservedDay[];
}

export interface ObservedDay {
  /** Such as `2026-11-22`, in UTC. */
  readonly day: string;
  readonly wouldOpen: boolean;
}

export interface ObservedView {
  readonly policy: Pick<Policy, "consumers" | "signals" | "quietMs" | "overlapMs" | "reports">;
  readonly current: KeyInUse;
  readonly nowMs: number;
  readonly evidence: readonly Evidence[];
}

/** A consumer shows these only after something that a rotation does: a restart, a written copy, a question to a person. */
const ofRotations: readonly EvidenceKind[] = ["ecs", "lambda", "kubernetes", "copy", "attestation"];

/** A rotation tells an incoming key from a retiring one. An observed secret has no retiring key. */
const noKey: KeyInUse = { keyId: "", versionId: "", fingerprint: "" };

/**
 * Why the gate would not open if the current key had been promoted one overlap ago: the adoption rule itself, with the
 * current key taken as the incoming one, and everybody undeclared who holds or reads it.
 */
export function whyNotAdopted(view: ObservedView): readonly AdoptionReason[] {
  const { policy, current, nowMs, evidence } = view;
  const asked: AdoptionView = {
    ...{ nowMs, evidence, incoming: current, retiring: noKey },
    // What the provider saw of a retiring key cannot be asked; what it saw of the current one is asked below.
    policy: {
      ...policy,
      consumers: observable(policy),
      signals: policy.signals.filter((one) => one === "client"),
    },
    promotedAtMs: nowMs - policy.overlapMs,
  };
  const verdict = adoption(asked);
  return [
    ...evidence.flatMap((item) => whyUndeclared(item, { ...asked, policy })),
    ...(verdict.verdict === "adopted" ? [] : verdict.reasons),
    ...whyProviderSilent(view),
  ];
}

function observable({ consumers }: Pick<Policy, "consumers">): Policy["consumers"] {
  if (consumers === "none") return "none";
  return consumers.map(({ copies: _notWritten, ...consumer }) => ({
    ...consumer,
    evidence: consumer.evidence.filter((kind) => !ofRotations.includes(kind)),
  }));
}

/** What is not asked, for people: whose, and which evidence. */
export function notAsked({ consumers }: Pick<Policy, "consumers">): readonly string[] {
  if (consumers === "none") return [];
  return consumers.flatMap(({ name, evidence }) =>
    evidence.filter((kind) => ofRotations.includes(kind)).map((kind) => `${name}: ${kind}`),
  );
}

/** Somebody who uses the key and whom no policy declares. A rotation would leave them with a revoked key. */
function whyUndeclared(item: Evidence, view: AdoptionView): readonly AdoptionReason[] {
  if (isOfNobody(item) || isDeclared(item, view)) return [];
  if (isInstance(item)) {
    const holds = item.holds.fingerprint === view.incoming.fingerprint && isFresh(item, view);
    return holds ? [undeclared(item, view, "holds the key, and no policy declares it")] : [];
  }
  if (item.kind !== "kms" || item.versionId !== view.incoming.versionId) return [];
  return [undeclared(item, view, `reads the secret, and no consumer has its role ${item.principal}`)];
}

function undeclared(item: ConsumerEvidence, view: AdoptionView, detail: string): AdoptionReason {
  const { consumer, environment, kind: source, observedAtMs } = item;
  return {
    ...{ reason: "UndeclaredConsumer", consumer, environment, source, detail },
    agoMs: Math.max(0, view.nowMs - observedAtMs),
  };
}

function whyProviderSilent({ policy, current, evidence }: ObservedView): readonly AdoptionReason[] {
  if (!policy.signals.includes("provider")) return [];
  const said = evidence.some((item) => item.kind === "provider" && item.incoming?.keyId === current.keyId);
  const detail = "the provider does not say when the current key was last used";
  return said ? [] : [{ reason: "ProviderSilent", source: "provider", detail }];
}

// ---- from one look to the next -----------------------------------------------------------------------------

export interface Look {
  readonly atMs: number;
  readonly overlapMs: number;
  readonly keyId?: string;
  /** Reasons of the gate that are no consumer's, and what a rotation would be refused for, each in one line. */
  readonly blockers: readonly string[];
  readonly reasons: readonly AdoptionReason[];
  readonly unasked: readonly string[];
}

const reasonsMax = 10;
const reasonLengthMax = 300;
const daysMax = 30;
const dayMs = 24 * 3_600_000;
/** Rekey looks every hour. After a longer silence the secret was not observed. */
const gapMaxMs = 2 * dayMs;

/** Before one overlap has passed, what is missing may still come, as in a rotation. */
export function afterLook(before: Observation | undefined, look: Look): Observation {
  const { atMs, overlapMs, keyId, unasked } = look;
  const known = before !== undefined && atMs - before.atMs <= gapMaxMs ? before : undefined;
  const sinceMs = known?.sinceMs ?? atMs;
  const all = [...look.blockers, ...look.reasons.map(sayReason)].map((text) =>
    text.slice(0, reasonLengthMax),
  );
  const isOpen = all.length === 0;
  const isEarly = !isOpen && atMs - sinceMs < overlapMs;
  const day = utcText(atMs).slice(0, 10);
  const days = (known?.days ?? []).filter((each) => each.day !== day);
  return {
    ...{ sinceMs, atMs, unasked, ...(keyId !== undefined && { keyId }) },
    verdict: isOpen ? "wouldOpen" : isEarly ? "tooEarly" : "wouldNotOpen",
    reasons: all.slice(0, reasonsMax),
    reasonsLeft: Math.max(0, all.length - reasonsMax),
    days: [...days, { day, wouldOpen: isOpen }].slice(-daysMax),
  };
}

/** In one line, for status, inventory and the daily list. */
export function observationText(observation: Observation | undefined): string {
  if (observation === undefined) return "observed: the first look comes within the hour";
  const { verdict, atMs, sinceMs, reasons, reasonsLeft } = observation;
  const more = reasons.length - 1 + reasonsLeft;
  const why = `${reasons[0] ?? "no reason"}${more > 0 ? ` (and ${more} more)` : ""}`;
  switch (verdict) {
    case "wouldOpen":
      return `observed: a rotation would get through; ${daysText(observation)}`;
    case "tooEarly":
      return `observed for ${sayDuration(atMs - sinceMs)}, less than one overlap; so far: ${why}`;
    case "wouldNotOpen":
      return `observed: a rotation would not get through: ${why}; ${daysText(observation)}`;
  }
}

/** How it went so far, such as `9 of 12 days it would have`. */
function daysText({ days }: Pick<Observation, "days">): string {
  const good = days.filter(({ wouldOpen }) => wouldOpen).length;
  return `it would have on ${good} of ${days.length} ${days.length === 1 ? "day" : "days"}`;
}
