import type { AdoptionReason } from "../core/adoption/adoption.ts";
import type { GateOpening } from "../core/certificate/gate-opening.ts";
import type { Probe, Proof } from "../core/certificate/rotation.ts";
import type { KeyRole } from "../core/incident/record.ts";
import type { KeyState } from "../core/keys.ts";
import type { Policy } from "../core/policy.ts";
import type { Fingerprint, KeyId, RotationId, SecretArn, VersionId } from "../core/ports.ts";
import type { DeathControls } from "../core/rotation/death.ts";
import type { LeftKey } from "../core/rotation/left-keys.ts";
import type { ScheduleFault } from "../core/schedule.ts";

/** How a run ended (L1); `running` until then. */
export type RotationOutcome =
  | "running"
  | "rotated"
  | "retained"
  | "rolledBack"
  | "skipped"
  | "superseded"
  | "contained"
  | "needsHuman";

/** One run, for the people who watch it and for a repeat of its first step. */
export interface RotationRecord {
  readonly rotationId: RotationId;
  readonly secretArn: SecretArn;
  readonly executionArn: string;
  readonly fence: number;
  readonly trigger: string;
  readonly openedAtMs: number;
  readonly closedAtMs?: number;
  readonly outcome: RotationOutcome;
  readonly reason?: string;
  /** The answer that the run got when it opened. The same execution gets the same answer again. */
  readonly opened: {
    readonly outcome: "opened" | "skipped";
    readonly next: "CheckCopies" | "MintKey" | "PromoteVersion" | "CheckAdoption" | "ProveDead";
    readonly fence: number;
    readonly reason?: string;
  };
  readonly policy: Policy;
  readonly retiringKeyId?: KeyId;
  readonly incomingKeyId?: KeyId;
  readonly incomingVersionId?: VersionId;
  /** The gate's last answer, for `watch` and `consumers`. */
  readonly gate?: GateAnswer;
  readonly proof?: Proof;
  /** What the gate saw when it let the retiring key be revoked. */
  readonly opening?: GateOpening;
  /** The last calls with the retiring key after its revoke, oldest first. */
  readonly probes?: readonly Probe[];
  readonly death?: DeathRecord;
  /** Of a run that ended without a death: each of its keys as it was left, and the work that it left to others. */
  readonly left?: readonly LeftKey[];
  readonly owes?: readonly Pick<Debt, "kind" | "keyId">[];
  readonly certificate?: CertificateRecord;
}

/** Where a signed certificate is filed, and the SHA-256 of what is signed, as the audit chain has it too. */
export interface CertificateRecord {
  readonly path: string;
  readonly sha256: string;
  readonly keyid: string;
}

export interface GateAnswer {
  readonly verdict: "adopted" | "waiting" | "overdue" | "retained";
  readonly decision: string;
  readonly reasons: readonly AdoptionReason[];
  readonly blockers: readonly string[];
  readonly askedAtMs: number;
}

/** Records that the retiring key is dead, and how that was seen. */
export interface DeathRecord {
  readonly keyId: KeyId;
  readonly fingerprint: Fingerprint;
  readonly revokedAtMs: number;
  readonly deadAtMs: number;
  readonly how: "refused" | "listing";
  readonly probes: number;
  /** What the same call said of two other keys at the last refusal. */
  readonly controls?: DeathControls;
}

/**
 * A place that holds a key of this fingerprint. It lets Rekey find a leaked key, or a second secret with the
 * same key.
 */
export interface FingerprintEntry {
  readonly fingerprint: Fingerprint;
  readonly secretArn: SecretArn;
  readonly versionId: VersionId;
  readonly keyId?: KeyId;
  readonly role: KeyRole;
  /** The public half of the pair that reports about this key are signed with (events/report-proof.ts). */
  readonly reportKey?: string;
}

/**
 * A secret that `rekey apply` removed from the policy. Its keys may still leak, and its log is still
 * checkpointed.
 */
export interface FormerSecret {
  readonly secretArn: SecretArn;
  readonly name: string;
  readonly environment: string;
  /** The AWS principal that removed it. */
  readonly by: string;
  readonly atMs: number;
}

/** Work that is still owed: a run with debt is not finished. */
export interface Debt {
  readonly kind: "RevokeOwed" | "DiscardOwed" | "DeathUnproven" | "LabelOwed" | "CertificateOwed";
  readonly secretArn: SecretArn;
  readonly keyId: KeyId;
  readonly versionId?: VersionId;
  /** The run that owes it; for the certificate of an incident, the incident. */
  readonly rotationId: RotationId;
  readonly reason: string;
  /** The name of the error that left it, such as `AdoptionOverdue`. */
  readonly error?: string;
  readonly sinceMs: number;
}

/** What is wrong with a secret's schedule, and since when; both absent if nothing is. */
export interface ScheduleSeen {
  readonly fault?: ScheduleFault;
  readonly sinceMs?: number;
}

export interface KeyHistory {
  readonly secretArn: SecretArn;
  readonly name: string;
  readonly keyId?: KeyId;
  readonly fingerprint?: Fingerprint;
  readonly rotationId?: RotationId;
  readonly state: KeyState;
  readonly atMs: number;
}
