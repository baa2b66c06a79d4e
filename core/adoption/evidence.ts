import { isReporting, type ReportingKind } from "../policy.ts";
import type { Fingerprint, KeyUse, VersionId } from "../ports.ts";

/** What one report says about one key, in ages on the reporter's own clock: skew between machines cancels out. */
export interface ReportedUse {
  readonly fingerprint: Fingerprint;
  readonly lastSuccessAgoMs: number | null;
  readonly lastRefusalAgoMs: number | null;
}

interface Observed {
  /** Stamped by the bus or the state machine: the one clock that evidence is aged on. */
  readonly observedAtMs: number;
}

interface OfConsumer extends Observed {
  readonly consumer: string;
  /** From the bus it arrived on, never from its own words. */
  readonly environment: string;
  /** From the envelope that AWS fills in. */
  readonly account: string;
}

/** What one running instance holds and used: the latest report wins, by its own sequence. */
export interface InstanceEvidence extends OfConsumer {
  readonly kind: ReportingKind;
  /** Its name and its start id, so that a restart under the same name is another instance. */
  readonly instance: string;
  readonly sequence: number;
  readonly maxStaleMs: number;
  readonly holds: { readonly fingerprint: Fingerprint; readonly versionId: VersionId };
  readonly uses: readonly ReportedUse[];
  /** It said that it is stopping, or its platform said that it ended. */
  readonly ended: boolean;
}

/** A platform replaced every instance after the promotion, or is at it. */
export interface RestartEvidence extends OfConsumer {
  readonly kind: "ecs" | "lambda" | "kubernetes";
  readonly versionId: VersionId;
  readonly state: "finished" | "running" | "failed";
  /** Running, or for a batch seen to have run, since the promotion. */
  readonly instances: number;
  /** What the platform says, for people. */
  readonly detail?: string;
  /** How long it still takes, where only time is missing. */
  readonly remainingMs?: number;
}

/** A principal decrypted one version of the secret. `consumer` is a name for people: the role says whose read it is. */
export interface ReadEvidence extends OfConsumer {
  readonly kind: "kms";
  /** The ARN of the role (not of its session), or of the user. */
  readonly principal: string;
  readonly versionId: VersionId;
}

/** An authenticated person's word for one version. */
export interface AttestationEvidence extends OfConsumer {
  readonly kind: "attestation";
  readonly principal: string;
  readonly versionId: VersionId;
  /** Given only for a time. */
  readonly expiresAtMs?: number;
}

/** What the provider saw of both keys. */
export interface ProviderEvidence extends Observed {
  readonly kind: "provider";
  /** How late its figures may be: it has not yet seen what happened since then. */
  readonly lagMs?: number;
  readonly retiring?: KeyUse;
  readonly incoming?: KeyUse;
}

export type ConsumerEvidence = InstanceEvidence | RestartEvidence | ReadEvidence | AttestationEvidence;
export type Evidence = ConsumerEvidence | ProviderEvidence;

export function isInstance(evidence: Evidence): evidence is InstanceEvidence {
  return isReporting(evidence.kind);
}

/** Where a piece of evidence is kept: a newer one from the same place replaces it. */
export function evidenceKey(evidence: Evidence): string {
  switch (evidence.kind) {
    case "client":
    case "extension":
    case "agent":
    case "exec":
      return `instance/${evidence.account}/${evidence.environment}/${evidence.consumer}/${evidence.instance}`;
    case "ecs":
    case "lambda":
    case "kubernetes":
      return `${evidence.kind}/${evidence.account}/${evidence.environment}/${evidence.consumer}/${evidence.versionId}`;
    case "kms":
      return `kms/${evidence.account}/${evidence.environment}/${evidence.principal}/${evidence.versionId}`;
    case "attestation":
      return `attestation/${evidence.environment}/${evidence.consumer}/${evidence.versionId}`;
    case "provider":
      return "provider";
  }
}

/** Evidence arrives twice and out of order: an instance's older report changes nothing. */
export function isNewer(candidate: Evidence, stored: Evidence | undefined): boolean {
  if (stored === undefined) return true;
  if ("sequence" in candidate && "sequence" in stored) {
    return candidate.sequence > stored.sequence;
  }
  return candidate.observedAtMs >= stored.observedAtMs;
}

/** Whether a newer report says anything but "still so": ages alone move no decision and wake nobody. */
export function isMaterial(candidate: Evidence, stored: Evidence | undefined): boolean {
  return stored === undefined || substanceOf(candidate) !== substanceOf(stored);
}

function substanceOf(evidence: Evidence): string {
  switch (evidence.kind) {
    case "provider":
      return `${evidence.retiring?.lastUsedAtMs} ${evidence.incoming?.lastUsedAtMs}`;
    case "client":
    case "extension":
    case "agent":
    case "exec":
      return [
        evidence.holds.fingerprint,
        evidence.holds.versionId,
        evidence.ended,
        ...evidence.uses.map(substanceOfUse).sort(),
      ].join(" ");
    case "ecs":
    case "lambda":
    case "kubernetes":
      return `${evidence.versionId} ${evidence.state} ${evidence.instances}`;
    case "kms":
    case "attestation":
      return evidence.versionId;
  }
}

function substanceOfUse({ fingerprint, lastSuccessAgoMs, lastRefusalAgoMs }: ReportedUse): string {
  const worksNow =
    lastSuccessAgoMs !== null && (lastRefusalAgoMs === null || lastSuccessAgoMs < lastRefusalAgoMs);
  return `${fingerprint} ${lastSuccessAgoMs !== null} ${lastRefusalAgoMs !== null} ${worksNow}`;
}

/** Longer than any instance that lives goes without a report. */
const silentMsMin = 24 * 3_600_000;

/**
 * What no later rotation needs, once a run is closed. An instance that fell silent may live on the incoming key, its
 * report lost: remembered, it holds up the next run until it must have gone stale once more.
 */
export function mayForget(
  item: Evidence,
  { incoming, atMs }: { readonly incoming: ReportedKey; readonly atMs: number },
): boolean {
  if (!isInstance(item)) return item.kind === "provider" || item.versionId !== incoming.versionId;
  const isSilent = item.observedAtMs + Math.max(silentMsMin, item.maxStaleMs) < atMs;
  return item.ended || (isSilent && item.holds.fingerprint !== incoming.fingerprint);
}

type ReportedKey = InstanceEvidence["holds"];
