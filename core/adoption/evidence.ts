import type { Activation, CopyProof } from "../copies/destination.ts";
import { isReporting, type ReportingKind } from "../policy.ts";
import type { Fingerprint, KeyUse, ReplicaBehind, VersionId } from "../ports.ts";

/**
 * What one report says about one key. Ages are measured on the reporter's own clock, so that clock skew
 * cancels out.
 */
export interface ReportedUse {
  readonly fingerprint: Fingerprint;
  readonly lastSuccessAgoMs: number | null;
  readonly lastRefusalAgoMs: number | null;
}

interface Observed {
  /** Stamped by the bus or the state machine. All evidence is aged on this one clock. */
  readonly observedAtMs: number;
}

interface OfConsumer extends Observed {
  readonly consumer: string;
  /** From the bus on which it arrived, never from the report's content (S7). */
  readonly environment: string;
  /** From the envelope that AWS fills in. */
  readonly account: string;
}

/** What one running instance holds and used. The latest report wins, by the instance's own sequence. */
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
  /** Why it does not show that its writer holds the key. Absent: it is signed with the key's own pair. */
  readonly unproven?: Unproven;
  /** Of a report whose sequence cannot be this instance's own: the sequence that was known, and when. */
  readonly jumpedFrom?: number;
  /** A person said that it is gone. A later report keeps this, and shows that it is not. */
  readonly forgotten?: Forgotten;
}

export interface Forgotten {
  /** The AWS principal that ordered it, and who confirmed it. */
  readonly by: string;
  readonly approvedBy?: string;
  readonly atMs: number;
  readonly reason: string;
  /** Of its last report then: one with a higher number shows that it runs, also if it was on its way. */
  readonly sequence: number;
}

/** False again as soon as another report of the instance has come. */
export function isForgotten({ forgotten, sequence }: InstanceEvidence): boolean {
  return forgotten !== undefined && sequence <= forgotten.sequence;
}

/**
 * `unsigned`: of an older client. `source`: the event's source names another consumer. `late`: its time of sending is not
 * that of its event, as in a replay. `keyUnknown`: no public half of its key is kept. `jump`: see `isJump`.
 */
export type Unproven = "unsigned" | "signature" | "source" | "late" | "keyUnknown" | "jump";

/** A platform has replaced, or is replacing, every instance since the promotion. */
export interface RestartEvidence extends OfConsumer {
  readonly kind: "ecs" | "lambda" | "kubernetes";
  readonly versionId: VersionId;
  readonly state: "finished" | "running" | "failed";
  /** How many run now; for a batch, how many were seen since the promotion. */
  readonly instances: number;
  /**
   * What an instance is given when it starts, once all were replaced: the current version, another one (`pinned`), or
   * what the platform does not show. A restart that is given another version moves nobody.
   */
  readonly wiring?: "current" | "pinned" | "unseen";
  /** What the platform says, for people. */
  readonly detail?: string;
  /** How long it still takes, if nothing but time is missing. */
  readonly remainingMs?: number;
}

/**
 * A principal decrypted one version of the secret. `consumer` is only shown to people: the role decides whose
 * read it is.
 */
export interface ReadEvidence extends OfConsumer {
  readonly kind: "kms";
  /** The ARN of the role (not of its session), or of the user. */
  readonly principal: string;
  readonly versionId: VersionId;
}

/** An authenticated person states that a consumer uses one version. */
export interface AttestationEvidence extends OfConsumer {
  readonly kind: "attestation";
  readonly principal: string;
  readonly versionId: VersionId;
  /** Set if the attestation is valid only until then. */
  readonly expiresAtMs?: number;
}

/** What a destination says of one copy. */
export interface CopyEvidence extends OfConsumer {
  readonly kind: "copy";
  readonly destination: string;
  readonly destinationKind: string;
  /** The name of the value there. */
  readonly name: string;
  readonly versionId: VersionId;
  readonly state: CopyState;
  readonly activation: Activation;
  readonly proof: CopyProof;
  /** The place's own word for what it holds: a version, a digest or a time. */
  readonly mark?: string;
  readonly detail: string;
  /** Since when every look found it in use. */
  readonly activeSinceMs?: number;
  /** How long it still takes, if nothing but time is missing. */
  readonly remainingMs?: number;
}

/** `elsewhere`: the destination is not the place that the deployment names. `unknown`: it could not be asked. */
export type CopyState =
  | "unwritten"
  | "changed"
  | "elsewhere"
  | "unknown"
  | "activating"
  | "failed"
  | "active";

/** What the provider saw of both keys. */
export interface ProviderEvidence extends Observed {
  readonly kind: "provider";
  /** How late the provider's figures may be: uses within this time are not visible yet. */
  readonly lagMs?: number;
  readonly retiring?: KeyUse;
  readonly incoming?: KeyUse;
}

/** What the store says of the copies that it keeps itself, where one of them is behind. */
export interface ReplicaEvidence extends Observed {
  readonly kind: "replicas";
  readonly behind: readonly ReplicaBehind[];
}

/**
 * Reports of instances for which there was no room (instance-limits.ts), as one: the latest of each time, and the
 * longest `maxStaleMs`. Times are rounded up to a minute.
 */
export interface UncountedEvidence extends OfConsumer {
  readonly kind: "uncounted";
  readonly reportedBy: ReportingKind;
  readonly maxStaleMs: number;
  /** Which key they all hold, as they prove. Absent: they prove nothing. */
  readonly fingerprint?: Fingerprint;
  /** When one of them was refused with that key last, and when one of them used another key last. */
  readonly refusedAtMs?: number;
  readonly otherUsedAtMs?: number;
}

export type ConsumerEvidence =
  | InstanceEvidence
  | RestartEvidence
  | ReadEvidence
  | AttestationEvidence
  | CopyEvidence;
export type Evidence = ConsumerEvidence | UncountedEvidence | ProviderEvidence | ReplicaEvidence;

/** What somebody is asked for, as opposed to what an instance reports by itself. */
export type SourceEvidence = Exclude<Evidence, InstanceEvidence>;

/** About one consumer, by one source. */
export function isConsumers(evidence: Evidence): evidence is ConsumerEvidence {
  return evidence.kind !== "uncounted" && !isOfNobody(evidence);
}

/** About the keys themselves, and about no consumer. */
export function isOfNobody(evidence: Evidence): evidence is ProviderEvidence | ReplicaEvidence {
  return evidence.kind === "provider" || evidence.kind === "replicas";
}

export function isInstance(evidence: Evidence): evidence is InstanceEvidence {
  return isReporting(evidence.kind);
}

/** The id under which evidence is stored. A newer one with the same id replaces it. */
export function evidenceKey(evidence: Evidence): string {
  switch (evidence.kind) {
    case "client":
    case "extension":
    case "agent":
    case "exec":
      return `${placeOf(evidence)}/${evidence.account}/${evidence.environment}/${evidence.consumer}/${evidence.instance}`;
    case "ecs":
    case "lambda":
    case "kubernetes":
      return `${evidence.kind}/${evidence.account}/${evidence.environment}/${evidence.consumer}/${evidence.versionId}`;
    case "kms":
      return `kms/${evidence.account}/${evidence.environment}/${evidence.principal}/${evidence.versionId}`;
    case "attestation":
      return `attestation/${evidence.environment}/${evidence.consumer}/${evidence.versionId}`;
    case "copy":
      return `copy/${evidence.environment}/${evidence.consumer}/${evidence.destination}/${evidence.name}/${evidence.versionId}`;
    case "uncounted":
      return `uncounted/${evidence.account}/${evidence.environment}/${evidence.consumer}/${evidence.fingerprint ?? "unproven"}`;
    case "provider":
    case "replicas":
      return evidence.kind;
  }
}

/** Reports that prove nothing are kept apart, so that they replace none that does. */
export function placeOf({ unproven }: Pick<InstanceEvidence, "unproven">): "instance" | "unproven" | "jump" {
  if (unproven === undefined) return "instance";
  return unproven === "jump" ? "jump" : "unproven";
}

/** Evidence may arrive twice and out of order: an older report of the same instance changes nothing. */
export function isNewer(candidate: Evidence, stored: Evidence | undefined): boolean {
  if (stored === undefined) return true;
  if ("sequence" in candidate && "sequence" in stored && candidate.unproven !== "jump") {
    return candidate.sequence > stored.sequence;
  }
  return candidate.observedAtMs >= stored.observedAtMs;
}

/** No instance reports more often, or for longer. */
const reportsPerSecondMax = 10;
const burstMax = 1_000;
const lifeMsMax = 400 * 24 * 3_600_000;

/**
 * True if an instance cannot have sent so many reports since the one that is known: somebody else reports under its
 * name, and with the higher sequence would silence it.
 */
export function isJump(
  candidate: Pick<InstanceEvidence, "sequence" | "observedAtMs">,
  known: Pick<InstanceEvidence, "sequence" | "observedAtMs"> | undefined,
): boolean {
  const sinceMs = known === undefined ? lifeMsMax : Math.max(0, candidate.observedAtMs - known.observedAtMs);
  return candidate.sequence > (known?.sequence ?? 0) + burstMax + (sinceMs / 1_000) * reportsPerSecondMax;
}

/** True if the report changes anything except ages. Reports that only refresh ages do not wake a waiting run. */
export function isMaterial(candidate: Evidence, stored: Evidence | undefined): boolean {
  return stored === undefined || substanceOf(candidate) !== substanceOf(stored);
}

function substanceOf(evidence: Evidence): string {
  switch (evidence.kind) {
    case "provider":
      return `${evidence.retiring?.lastUsedAtMs} ${evidence.incoming?.lastUsedAtMs}`;
    case "replicas":
      return evidence.behind.map(({ place, state }) => `${place} ${state}`).join(" ");
    case "client":
    case "extension":
    case "agent":
    case "exec":
      return [
        evidence.holds.fingerprint,
        evidence.holds.versionId,
        evidence.ended,
        evidence.unproven,
        isForgotten(evidence),
        ...evidence.uses.map(substanceOfUse).sort(),
      ].join(" ");
    case "ecs":
    case "lambda":
    case "kubernetes":
      return `${evidence.versionId} ${evidence.state} ${evidence.instances} ${evidence.wiring}`;
    case "copy":
      return `${evidence.versionId} ${evidence.state} ${evidence.mark}`;
    case "kms":
    case "attestation":
      return evidence.versionId;
    case "uncounted":
      return `${evidence.refusedAtMs !== undefined} ${evidence.otherUsedAtMs !== undefined}`;
  }
}

function substanceOfUse({ fingerprint, lastSuccessAgoMs, lastRefusalAgoMs }: ReportedUse): string {
  const worksNow =
    lastSuccessAgoMs !== null && (lastRefusalAgoMs === null || lastSuccessAgoMs < lastRefusalAgoMs);
  return `${fingerprint} ${lastSuccessAgoMs !== null} ${lastRefusalAgoMs !== null} ${worksNow}`;
}

/** Every live instance reports more often than this. */
const silentMsMin = 24 * 3_600_000;

/**
 * Whether evidence may be dropped when a run closes, because no later rotation needs it. An instance that
 * fell silent while it held the incoming key is kept: it may still run, and has to hold up the next run until
 * its key must be stale.
 */
export function mayForget(
  item: Evidence,
  { incoming, atMs }: { readonly incoming: ReportedKey; readonly atMs: number },
): boolean {
  if (item.kind === "uncounted") return isSilentAt(item, atMs) && item.fingerprint !== incoming.fingerprint;
  if (!isInstance(item)) return isOfNobody(item) || item.versionId !== incoming.versionId;
  return (
    item.ended ||
    isForgotten(item) ||
    item.unproven === "jump" ||
    (isSilentAt(item, atMs) && item.holds.fingerprint !== incoming.fingerprint)
  );
}

function isSilentAt(
  { observedAtMs, maxStaleMs }: Pick<InstanceEvidence, "observedAtMs" | "maxStaleMs">,
  atMs: number,
): boolean {
  return observedAtMs + Math.max(silentMsMin, maxStaleMs) < atMs;
}

type ReportedKey = InstanceEvidence["holds"];
