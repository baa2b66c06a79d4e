import type { RestartEvidence, SourceEvidence } from "../core/adoption/evidence.ts";
import type { ConsumerPolicy, EvidenceKind, Policy } from "../core/policy.ts";
import type { EventBus, RotationId, SecretArn, VersionId } from "../core/ports.ts";
import type { Wiring, WiringQuestion } from "./wiring.ts";

// ---- evidence --------------------------------------------------------------------------------------------

export interface Observing extends Pick<WiringQuestion, "retiring" | "incoming"> {
  readonly policy: Policy;
  readonly nowMs: number;
  readonly memory: RefreshMemory;
}

/** A source that Rekey asks about consumers while a run waits at the gate. It answers with evidence. */
export interface EvidenceSource {
  /** Only policies that name this kind of evidence are asked about. */
  readonly kind: EvidenceKind;
  /** Does not throw if the platform cannot be asked: it then returns evidence that says so. */
  observe(observing: Observing): Promise<readonly SourceEvidence[]>;
}

// ---- what a platform says of one workload ----------------------------------------------------------------

/**
 * One platform that runs consumers. Rekey never compares the platform's clock with its own: it tells old
 * instances from new ones by marks of the platform (ids, revisions, times of change).
 */
export interface Platform {
  readonly kind: RestartEvidence["kind"];
  /** The marks of everything that runs now. */
  marks(workload: string): Promise<readonly string[]>;
  look(looking: Looking): Promise<Seen>;
  /** What each instance is given when it starts. Asked once all were replaced. */
  wiring(question: WiringQuestion & { readonly workload: string }): Promise<Wiring>;
}

export interface Looking {
  readonly workload: string;
  readonly versionId: VersionId;
  readonly note: RefreshNote;
}

export interface Seen {
  /** `replaced`: nothing with a mark of the note is left, except what is still draining. */
  readonly progress: "untouched" | "replacing" | "replaced" | "failed";
  readonly instances: number;
  readonly detail: string;
  /** What to remember of this look for the next one. */
  readonly note?: Partial<RefreshNote>;
}

// ---- memory ----------------------------------------------------------------------------------------------

/** One consumer, one version, one workload (or address): each is refreshed once. */
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
  /** Since when instances are being replaced. */
  readonly replacingAtMs?: number;
  /** Since when every look found everything replaced. */
  readonly replacedAtMs?: number;
  /** Marks of a restart that failed, and of what it was rolled back to. */
  readonly failed?: readonly string[];
  /** For batches: the largest number of instances seen since the promotion. */
  readonly instances?: number;
}

/**
 * What Rekey remembers of its refreshes, so that a repeat starts nothing twice and a source recognises
 * Rekey's own restarts.
 */
export interface RefreshMemory {
  recall(place: RefreshPlace): Promise<RefreshNote | undefined>;
  remember(place: RefreshPlace, note: RefreshNote): Promise<void>;
}

// ---- refresh ---------------------------------------------------------------------------------------------

export interface RefreshOrder {
  readonly consumer: ConsumerPolicy;
  readonly secretArn: SecretArn;
  /** The secret's name in `rekey.yml`. */
  readonly secretName: string;
  readonly versionId: VersionId;
  readonly rotationId: RotationId;
  readonly nowMs: number;
  /** When the consumer should have moved by. The retiring key stays alive even after that. */
  readonly deadlineAtMs: number;
  readonly memory: RefreshMemory;
  readonly bus: EventBus;
}

export interface RefreshAnswer {
  /** `off`: the deployment does not list this workload, so Rekey does not touch it. */
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
