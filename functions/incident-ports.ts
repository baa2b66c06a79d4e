/** What the steps of an incident need besides the rest of `Deps`: people, findings, and a shelf for reports. */
import type { PageReason, ScopeFindings, UseBefore } from "../core/incident/record.ts";
import type { Fingerprint, KeyId, SecretArn, VersionId } from "../core/ports.ts";

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
  /** What the reader has to do, in order; each is a sentence or one copyable command. */
  readonly steps: readonly string[];
  /** The page of this repository that explains it, as a path. */
  readonly runbook: string;
  readonly links: readonly string[];
  readonly test: boolean;
  /** What the page is about, so that a channel can add this provider's runbook. */
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
