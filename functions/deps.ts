import type { AuditLog } from "../audit/chain.ts";
import type { AuditCheckpoints } from "../audit/checkpoint.ts";
import type { EvidenceSource, Refreshers } from "../consumers/ports.ts";
import type { PageReason, ScopeFindings, UseBefore } from "../core/incident/record.ts";
import type { Policy } from "../core/policy.ts";
import type {
  Clock,
  Digest,
  EventBus,
  Executions,
  Fingerprint,
  KeyId,
  KeyProvider,
  SecretArn,
  SecretStore,
  VersionId,
} from "../core/ports.ts";
import type { Schedule, ScheduleTarget } from "../core/schedule.ts";
import type { Secret } from "../core/secret.ts";
import type { KeyCompromised } from "../events/compromise.ts";
import type { Ledger } from "../ledger/ledger.ts";

/** One structured line; values are ids, names and numbers. */
export type LogLine = Readonly<
  Record<string, string | number | boolean | null | undefined | EmbeddedMetrics>
>;

/** As the line's `_aws`, makes its numbers metrics of CloudWatch. */
export interface EmbeddedMetrics {
  readonly Timestamp: number;
  readonly CloudWatchMetrics: readonly {
    readonly Namespace: string;
    readonly Dimensions: readonly (readonly string[])[];
    readonly Metrics: readonly { readonly Name: string }[];
  }[];
}

/** Everything a step may touch. `wiring/` builds it on AWS; the simulator builds it in memory. */
export interface Deps {
  /** The stage: one deployment is one environment, and every metric says which. */
  readonly environment: string;
  readonly ledger: Ledger;
  readonly store: SecretStore;
  provider(policy: Policy): KeyProvider;
  readonly sources: readonly EvidenceSource[];
  readonly refreshers: Refreshers;
  readonly bus: EventBus;
  readonly executions: Executions;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
  readonly digest: Digest;
  readonly incident: IncidentDeps;
  log(line: LogLine): void;
}

/** What the steps of an incident need besides the rest of `Deps`: people, findings, and a shelf for reports. */
export interface IncidentDeps {
  readonly escalator: Escalator;
  readonly scoper: Scoper;
  readonly reports: ReportShelf;
}

/** Every channel that reaches a person. Never throws for a channel that failed: it says so. */
export interface Escalator {
  /**
   * Tries a channel a few times, so that a page may arrive twice. Where a channel can tell, one with the same
   * `incidentId`, `reason` and `why` is one page at the far end.
   */
  page(page: Page): Promise<PageOutcome>;
}

export interface PageOutcome {
  readonly delivered: readonly string[];
  readonly failed: readonly string[];
}

export interface Page {
  readonly incidentId: string;
  readonly reason: PageReason;
  readonly severity: "page" | "notify";
  readonly title: string;
  readonly why: string;
  /** All that the reader has to do, in order; each is a sentence or one copyable command. */
  readonly steps: readonly string[];
  /** The page of this repository that explains it, as a path. */
  readonly runbook: string;
  readonly links: readonly string[];
  readonly test: boolean;
  /** What the page is about; which key is left out where ending it by hand would be wrong. */
  readonly about: {
    readonly provider?: string;
    readonly keyId?: KeyId;
    readonly secretArns: readonly SecretArn[];
    readonly deadlineAtMs: number;
  };
}

/** Looks around after containment. Time-boxed by `budgetMs`; what it did not reach it names in `notChecked`. */
export interface Scoper {
  scope(question: ScopeQuestion): Promise<ScopeFindings>;
}

export interface ScopeQuestion {
  readonly incidentId: string;
  readonly keys: readonly {
    readonly keyId?: KeyId;
    readonly fingerprint?: Fingerprint;
    readonly account?: string;
    /** The secret whose policy reaches the provider of this key. */
    readonly secretArn?: SecretArn;
    readonly deadAtMs?: number;
    readonly promotedAtMs?: number;
    /** What was asked before it was contained: the provider may say nothing any more. */
    readonly useBefore?: UseBefore;
  }[];
  readonly secrets: readonly {
    readonly secretArn: SecretArn;
    readonly versionId?: VersionId;
    readonly incomingVersionId?: VersionId;
  }[];
  /** From the exposure where it is known, else from 90 days before the detection. */
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly where: readonly string[];
  readonly budgetMs: number;
}

/** A folder here, a bucket in the cloud. Filing again under the same id replaces what is there. */
export interface ReportShelf {
  file(
    incidentId: string,
    report: { readonly json: string; readonly markdown: string },
  ): Promise<{ readonly path: string }>;
}

/** What the intake may touch: it holds no credential of a provider and reads no secret that is rotated. */
export interface IntakeDeps {
  readonly ledger: Pick<Ledger, "documents">;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
  readonly signing: SigningSecrets;
  readonly alerts: AlertBus;
  readonly pointed: PointedAlerts;
  /** Whether one more refusal goes into the audit log: strangers must not be able to fill it. */
  mayAuditRefusal(): boolean;
  log(line: LogLine): void;
}

/** What the senders sign with. */
export interface SigningSecrets {
  /** Every version that a sender may sign with now; none for a source that is not configured. */
  of(source: string): Promise<readonly Secret[]>;
  /** The same, read again if what is cached is not brand new: the secret may just have been rotated. */
  afresh(source: string): Promise<readonly Secret[]>;
}

export interface AlertBus {
  /** At least once, all of them. Throws when the bus did not take one: StoreUnavailable where it still may. */
  publish(alerts: readonly KeyCompromised[]): Promise<void>;
}

/** Alerts that a webhook only points to. */
export interface PointedAlerts {
  readonly apiBases: readonly string[];
  /** The bytes there; undefined when they cannot be read in the time that an answer leaves. */
  read(url: string): Promise<Uint8Array | undefined>;
}

/** The schedules of one group, and where new ones point. */
export interface Schedules {
  readonly target: ScheduleTarget;
  /** Every schedule of the group that starts a rotation; other people's are left out. */
  list(): Promise<readonly Schedule[]>;
  /** Creates it, or makes the one of this name say the same. A repeat changes nothing. */
  put(schedule: Schedule): Promise<void>;
  /** Gone already is fine. */
  remove(name: string): Promise<void>;
}

/** What the commands of people may touch on top of what a step may. */
export interface AdminDeps extends Deps {
  readonly schedules: Schedules;
  /** A new one at each call; letters, digits and hyphens. */
  newId(): string;
}

/** What anchoring may touch: it reads the ledger and never writes it, or it could sign what it forged. */
export interface AnchorDeps extends Pick<Deps, "environment" | "clock" | "log"> {
  readonly ledger: Pick<Deps["ledger"], "policies" | "formerSecrets">;
  readonly checkpoints: Pick<AuditCheckpoints, "write">;
}

/** What a synthetic leak needs besides the ledger: the way that every other sender has. */
export interface SyntheticDeps extends Pick<Deps, "environment" | "ledger" | "executions" | "clock" | "log"> {
  /** Posts a signed report to the intake's public address and answers its status. */
  readonly send: SendReport;
}

export type SendReport = (body: Readonly<Record<string, unknown>>) => Promise<number>;
