import type { Certificates } from "../audit/certificates.ts";
import type { AuditLog } from "../audit/chain.ts";
import type { AuditCheckpoints } from "../audit/checkpoint.ts";
import type { CallerProof } from "../aws/caller-proof.ts";
import type { EvidenceSource, Refreshers } from "../consumers/ports.ts";
import type { Destinations } from "../core/copies/destination.ts";
import type { SenderLimit } from "../core/incident/plan.ts";
import type { LastUse, PageReason } from "../core/incident/record.ts";
import type { ScopeFindings } from "../core/incident/scope-findings.ts";
import type { TwoPeopleRule } from "../core/orders.ts";
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
  SecretMaker,
  SecretStore,
  VersionId,
} from "../core/ports.ts";
import type { Schedule, ScheduleTarget } from "../core/schedule.ts";
import type { Secret } from "../core/secret.ts";
import type { Acknowledgement } from "../events/acknowledgement.ts";
import type { KeyCompromised } from "../events/compromise.ts";
import type { Ledger } from "../ledger/ledger.ts";

/** One structured line. Its values are ids, names and numbers. */
export type LogLine = Readonly<
  Record<string, string | number | readonly number[] | boolean | null | undefined | EmbeddedMetrics>
>;

/** Makes the numbers of the line metrics of CloudWatch, as the line's `_aws`. */
export interface EmbeddedMetrics {
  readonly Timestamp: number;
  readonly CloudWatchMetrics: readonly {
    readonly Namespace: string;
    readonly Dimensions: readonly (readonly string[])[];
    readonly Metrics: readonly { readonly Name: string }[];
  }[];
}

/** What every step has. `wiring/` builds it on AWS; the simulator builds it in memory. */
export interface Deps {
  /** The stage: one deployment is one environment, and every metric has it as its dimension. */
  readonly environment: string;
  readonly ledger: Ledger;
  readonly store: SecretStore;
  /** With the admin credential that the policy names, or with `credential` in its place, which is kept nowhere. */
  provider(policy: Policy, credential?: Secret): KeyProvider;
  readonly bus: EventBus;
  readonly executions: Executions;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
  readonly digest: Digest;
  /** By intake source, what its alerts may have contained unseen, where the deployment says it. */
  readonly intakeLimits?: Readonly<Record<string, SenderLimit>>;
  log(line: LogLine): void;
}

/**
 * What only some steps have, because it brings a client and a right with it. A step says which it needs in the type of
 * its `deps`: `With<"sources">`. One that is wired without it does not compile.
 */
export interface Parts {
  readonly sources: readonly EvidenceSource[];
  readonly refreshers: Refreshers;
  /** The places that this deployment lists for copies. */
  readonly destinations: Destinations;
  readonly certificates: CertificateDeps;
  readonly escalator: Escalator;
  readonly scoper: Scoper;
  readonly reports: ReportShelf;
  readonly schedules: Pick<Schedules, "list" | "remove">;
  /** Where audit entries are pushed to, with the logs to read; undefined where the deployment names no collector. */
  readonly collector: CollectorDeps | undefined;
  readonly maker: SecretMaker;
  readonly issuer: Issuer;
}

/** The one function that makes new secrets. */
export interface Issuer {
  /** Makes the key and the secret of the recorded order; a repeat answers the same. Throws as that function does. */
  make(name: string): Promise<void>;
}

export type With<Name extends keyof Parts> = Deps & Pick<Parts, Name>;

/**
 * What certifying needs: the audit chains to read, and a way to sign and file. Whoever has it cannot write the ledger,
 * because then it could sign what it forged.
 */
export interface CertificateDeps extends Certificates {
  readonly log: Pick<AuditLog, "entries" | "verify">;
}

export interface CollectorDeps extends Collector {
  readonly log: Pick<AuditLog, "entries">;
}

/** Takes OCSF events for good, all of them: throws StoreUnavailable, or InputInvalid for a refusal, if it did not. */
export interface Collector {
  send(events: readonly string[]): Promise<void>;
}

/** Every channel that reaches people. Does not throw if a channel failed: the outcome says so. */
export interface Escalator {
  /**
   * Tries each channel a few times, so a page may arrive twice. If the channel supports it, pages with the
   * same `incidentId`, `reason` and `why` are shown as one.
   */
  page(page: Page): Promise<PageOutcome>;
}

export interface PageOutcome {
  readonly delivered: readonly string[];
  readonly failed: readonly string[];
}

export interface Page {
  readonly incidentId: string;
  /** `rotation`: something that an ordinary rotation needs, outside of any incident. */
  readonly reason: PageReason | "rotation";
  readonly severity: "page" | "notify";
  readonly title: string;
  readonly why: string;
  /** All that the reader has to do, in order; each is a sentence or one copyable command. */
  readonly steps: readonly string[];
  /** The runbook that explains it, as a path in this repository. */
  readonly runbook: string;
  readonly links: readonly string[];
  readonly test: boolean;
  /** Channels that are left out, because somebody acknowledged there a moment ago. */
  readonly quiet?: readonly string[];
  /** What the page is about; which key is left out where ending it by hand would be wrong. */
  readonly about: {
    readonly provider?: string;
    readonly keyId?: KeyId;
    readonly secretArns: readonly SecretArn[];
    readonly deadlineAtMs: number;
  };
}

/**
 * Looks up, after containment, who read the secret and what the key did. Takes at most `budgetMs`; what it
 * could not check is in `notChecked`.
 */
export interface Scoper {
  scope(question: ScopeQuestion): Promise<ScopeFindings>;
}

export interface ScopeQuestion {
  readonly incidentId: string;
  readonly keys: readonly {
    readonly keyId?: KeyId;
    readonly fingerprint?: Fingerprint;
    readonly account?: string;
    /** The secret whose policy says how to call this key's provider. */
    readonly secretArn?: SecretArn;
    readonly deadAtMs?: number;
    readonly promotedAtMs?: number;
    /** What the provider said before containment: it may say nothing any more. */
    readonly lastUse?: LastUse;
  }[];
  readonly secrets: readonly {
    readonly secretArn: SecretArn;
    readonly versionId?: VersionId;
    readonly incomingVersionId?: VersionId;
  }[];
  /** Since the exposure if it is known, else since 90 days before the detection. */
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly where: readonly string[];
  readonly budgetMs: number;
  /** Of a campaign: until then its calls wait for the provider's account. */
  readonly accountWaitUntilMs?: number;
}

/** A local folder, or a bucket in the cloud. Filing again under the same id replaces the report. */
export interface ReportShelf {
  file(
    incidentId: string,
    report: { readonly json: string; readonly markdown: string },
  ): Promise<{ readonly path: string }>;
}

/** What the intake may use: it has no credential of a provider and reads no secret that is rotated. */
export interface IntakeDeps {
  readonly ledger: Pick<Ledger, "documents">;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
  readonly signing: SigningSecrets;
  readonly alerts: AlertBus;
  readonly pointed: PointedAlerts;
  /** `<team>/<user>` of those who may acknowledge pages from Slack. */
  readonly slackUsers: readonly string[];
  /**
   * Counts one refusal. The number of those to write to the audit log now; undefined if it is not their turn:
   * strangers must not be able to fill it.
   */
  countRefusal(kind: string): number | undefined;
  log(line: LogLine): void;
}

/** The secrets with which senders sign. */
export interface SigningSecrets {
  /** Every version with which a sender may sign now; none if the source is not configured. */
  of(source: string): Promise<readonly Secret[]>;
  /** The same, read again unless it was read just now: the secret may have been changed. */
  afresh(source: string): Promise<readonly Secret[]>;
}

export interface AlertBus {
  /** At least once, all of them. Throws if the bus did not accept one: StoreUnavailable if it still may. */
  publish(alerts: readonly KeyCompromised[]): Promise<void>;
  /** That a person acknowledged a page, through a channel whose signature was verified. */
  publishAck(ack: Acknowledgement): Promise<void>;
}

/** Reads alerts that a webhook only refers to. */
export interface PointedAlerts {
  readonly apiBases: readonly string[];
  /** The bytes at the address; undefined if they cannot be read in the time that the answer leaves. */
  read(url: string): Promise<Uint8Array | undefined>;
}

/** The schedules of one group, and the target of new ones. */
export interface Schedules {
  readonly target: ScheduleTarget;
  /**
   * Every schedule of the group that starts a rotation; all others are left out. Each one is a call, so whoever needs
   * a few of thousands says which names.
   */
  list(isWanted?: (name: string) => boolean): Promise<readonly Schedule[]>;
  /** Creates the schedule, or updates the one with this name. A repeat changes nothing. */
  put(schedule: Schedule): Promise<void>;
  /** Gone already is fine. */
  remove(name: string): Promise<void>;
}

/** Whose credentials signed an order, by AWS's own word; a refusal says what is wrong with the proof. */
export type IdentifyCaller = (claim: {
  readonly proof: CallerProof;
  readonly orderSha256: string;
}) => Promise<
  | {
      /** As it is recorded: of a role whose sessions are no persons, the role alone. */
      readonly principal: string;
      readonly signedBy: string;
    }
  | { readonly refusal: string }
>;

/** What admin commands need in addition to what steps have. */
export interface AdminDeps extends With<"escalator" | "destinations" | "schedules" | "issuer"> {
  /** Throws StoreUnavailable while AWS does not answer. */
  readonly identifyCaller: IdentifyCaller;
  readonly schedules: Schedules;
  /** A new one at each call; letters, digits and hyphens. */
  newId(): string;
  /** Who may ask for what does lasting harm, and who may approve it. */
  readonly twoPeople: TwoPeopleRule;
  /** Names of roles that may order new secrets. */
  readonly issuers: readonly string[];
}

/** What anchoring may use. It reads the ledger and never writes it: otherwise it could sign what it forged. */
export interface AnchorDeps extends Pick<Deps, "environment" | "clock" | "log"> {
  readonly ledger: Pick<Deps["ledger"], "policies" | "formerSecrets">;
  readonly checkpoints: Pick<AuditCheckpoints, "write" | "chains">;
}

/** What sealing a kit may use: it reads the ledger and the admin credentials, and calls no provider. */
export interface KitDeps extends Pick<Deps, "environment" | "clock" | "digest" | "log"> {
  readonly ledger: Pick<Deps["ledger"], "policies" | "secret" | "keys" | "holders" | "stops" | "documents">;
  readonly adminCredentials: { read(secretArn: SecretArn): Promise<Secret> };
  readonly audit: Pick<AuditLog, "append" | "newest">;
  /** Undefined where the deployment names nobody who could open a kit. */
  readonly kit: KitPlace | undefined;
  readonly providerHosts: readonly string[];
  readonly allowLoopback: boolean;
  newId(): string;
}

export interface KitPlace {
  /** Recipients of age: it takes one person of each group to open the kit. */
  readonly groups: readonly [readonly string[], readonly string[]];
  /** Puts the kit into the bucket of another Region, in the place of the one before. */
  put(kit: { readonly name: string; readonly sealed: string }): Promise<void>;
}

/** What a synthetic leak needs besides the ledger: a way to send, like any other sender. */
export interface SyntheticDeps extends Pick<Deps, "environment" | "ledger" | "executions" | "clock" | "log"> {
  /** Posts a signed report to the intake's public address and returns its status. */
  readonly send: SendReport;
}

export type SendReport = (body: Readonly<Record<string, unknown>>) => Promise<number>;
