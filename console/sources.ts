import type { AuditLog } from "../audit/chain.ts";
import type { CheckpointVerifier } from "../audit/checkpoint.ts";
import type { IncidentRecord } from "../core/incident/record.ts";
import type { Policy } from "../core/policy.ts";
import type { Digest } from "../core/ports.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Advice, CertificateLine } from "./shown.ts";

/** What the page is made of. All of it reads, and nothing of it can write. */
export interface Sources {
  readonly ledger: Pick<
    Ledger,
    | ("policies" | "policy" | "formerSecrets" | "observation" | "secret" | "rotation" | "rotations")
    | ("keys" | "evidence" | "debts" | "stops" | "triage" | "scheduleSeen")
  > & {
    readonly incidents: Pick<Ledger["incidents"], "incidents" | "incident">;
    readonly campaigns: Pick<Ledger["campaigns"], "campaigns" | "campaign" | "keysOf">;
  };
  readonly audit: Pick<AuditLog, "verify" | "entries">;
  /** The log together with its signed checkpoints; undefined if no bucket and key are configured. */
  readonly checkpoints: (() => Promise<CheckpointVerifier>) | undefined;
  /** Undefined if no bucket and key are configured. */
  readonly certificates: CertificateSource | undefined;
  readonly digest: Digest;
  /** What `rekey incident show` answers, so that page and command line say the same. */
  answers(view: IncidentView): IncidentAnswers;
  nowMs(): number;
}

export interface IncidentView {
  readonly record: IncidentRecord;
  readonly children: readonly IncidentRecord[];
  readonly policies: readonly Policy[];
  readonly nowMs: number;
}

export interface IncidentAnswers {
  readonly rows: readonly { readonly title: string; readonly text: string }[];
  readonly advice: readonly Advice[];
}

export interface CertificateSource {
  /** What `rekey prove` says of it; undefined if its place is empty. */
  read(known: KnownCertificate): Promise<CertificateRead | undefined>;
  /** The public half of the key that signs, in PEM. */
  publicKey(): Promise<string>;
}

/** A certificate that the ledger knows, and the run or incident that it has to be about. */
export interface KnownCertificate {
  readonly path: string;
  readonly sha256: string;
  readonly expected: string;
}

export interface CertificateRead {
  /** The bytes that were signed. */
  readonly text: string;
  /** Why it is not the one that the ledger means. */
  readonly refusal?: string;
  /** Empty where it is refused: what somebody else wrote is not shown as a proof. */
  readonly lines: readonly CertificateLine[];
}
