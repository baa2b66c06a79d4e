import type { Evidence, RestartEvidence } from "../core/adoption/evidence.ts";
import type { ConsumerPolicy, EvidenceKind, Policy } from "../core/policy.ts";
import type { EventBus, RotationId, SecretArn, VersionId } from "../core/ports.ts";

// ---- evidence --------------------------------------------------------------------------------------------

export interface Observing {
  readonly policy: Policy;
  readonly incomingVersionId: VersionId;
  readonly nowMs: number;
  readonly memory: RefreshMemory;
}

/** Something that is asked about consumers while a gate waits, and answers with evidence. */
export interface EvidenceSource {
  /** Asked only where a policy names this kind. */
  readonly kind: EvidenceKind;
  /** Never throws because a platform cannot be asked: that is no evidence, and it says so. */
  observe(observing: Observing): Promise<readonly Evidence[]>;
}

// ---- what a platform says of one workload ----------------------------------------------------------------

/**
 * One platform that runs consumers. Nothing here compares the platform's clock with ours: what runs now is told
 * from what ran after the promotion by the platform's own marks.
 */
export interface Platform {
  readonly kind: RestartEvidence["kind"];
  /** Marks of all that runs now. */
  marks(workload: string): Promise<readonly string[]>;
  look(looking: Looking): Promise<Seen>;
}

export interface Looking {
  readonly workload: string;
  readonly versionId: VersionId;
  readonly note: RefreshNote;
}

export interface Seen {
  /** `replaced`: nothing that the note marks is left, except what is still draining. */
  readonly progress: "untouched" | "replacing" | "replaced" | "failed";
  readonly instances: number;
  readonly detail: string;
  /** What to remember of this look. */
  readonly note?: Partial<RefreshNote>;
}

// ---- memory ----------------------------------------------------------------------------------------------

/** One consumer, one version, one workload (or address): what is done for it is done once. */
export interface RefreshPlace {
  readonly secretArn: SecretArn;
  readonly environment: string;
  readonly consumer: string;
  readonly versionId: VersionId;
  readonly target: string;
}

export interface RefreshNote {
  /** The platform's marks of what ran when Rekey first looked after the promotion. */
  readonly before: readonly string[];
  readonly firstSeenAtMs: number;
  /** What Rekey started, by the platform's name for it. */
  readonly started?: string;
  /** Instances are being replaced since then. */
  readonly replacingAtMs?: number;
  /** Everything was seen replaced, at every look since then. */
  readonly replacedAtMs?: number;
  /** Marks of a restart that failed and of what it was rolled back to. */
  readonly failed?: readonly string[];
  /** For batches: the most instances seen to have run since the promotion. */
  readonly instances?: number;
}

/** What Rekey remembers of refreshes, so that a repeat starts nothing twice and a source knows its own. */
export interface RefreshMemory {
  recall(place: RefreshPlace): Promise<RefreshNote | undefined>;
  remember(place: RefreshPlace, note: RefreshNote): Promise<void>;
}

// ---- refresh ---------------------------------------------------------------------------------------------

export interface RefreshOrder {
  readonly consumer: ConsumerPolicy;
  readonly secretArn: SecretArn;
  /** As people call the secret. */
  readonly secretName: string;
  readonly versionId: VersionId;
  readonly rotationId: RotationId;
  readonly nowMs: number;
  /** Until then the consumer should have moved; the retiring key stays alive all the same. */
  readonly deadlineAtMs: number;
  readonly memory: RefreshMemory;
  readonly bus: EventBus;
}

export interface RefreshAnswer {
  /** `off`: a deploy parameter has to list the workload before Rekey touches it. */
  readonly outcome: "started" | "nothingToDo" | "off" | "failed";
  readonly detail: string;
}

/** Makes a consumer pick up the incoming key. A repeat for the same version changes nothing more. */
export interface Refresher {
  refresh(order: RefreshOrder): Promise<RefreshAnswer>;
}

export type Refreshers = Readonly<Record<ConsumerPolicy["refresh"]["kind"], Refresher>>;

// ---- the way out -----------------------------------------------------------------------------------------

/** One bounded request to an allow-listed address, as `providers/http.ts` makes it. */
export interface Http {
  send(request: {
    readonly method: "GET" | "POST" | "PATCH";
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: unknown;
  }): Promise<{ readonly status: number; readonly json: unknown }>;
}
