import type { KeyId, SecretArn, VersionId } from "../ports.ts";

export interface ScopeFindings {
  readonly readers: readonly SecretReader[];
  readonly keyUse: readonly KeyActivity[];
  /**
   * Keys made at the provider since the exposure that the ledger does not know: an attacker may have made
   * them.
   */
  readonly newKeys: readonly NewKey[];
  readonly siblings: readonly SiblingSecret[];
  /** How far back reads of the secret were looked up. */
  readonly reachedBackToMs?: number;
  readonly ended: "complete" | "timeBoxed";
  /** What was not checked, and why: one sentence each. */
  readonly notChecked: readonly string[];
}

export interface SecretReader {
  readonly principal: string;
  readonly secretArn: SecretArn;
  readonly versionId?: VersionId;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly reads: number;
  /** From where, and with which programs, as CloudTrail recorded it: a few of each, the first seen first. */
  readonly addresses?: readonly string[];
  readonly agents?: readonly string[];
  /** True for the role of a declared consumer, or of Rekey itself. */
  readonly known: boolean;
}

export interface KeyActivity {
  readonly keyId: KeyId;
  readonly fromMs: number;
  readonly toMs: number;
  readonly requests?: number;
  readonly costUsd?: number;
  readonly lastUsedAtMs?: number;
  /** Consumers that still used the key after the replacement was promoted. */
  readonly stillUsedBy: readonly string[];
}

export interface NewKey {
  readonly keyId: KeyId;
  readonly name: string;
  readonly createdAtMs?: number;
}

export interface SiblingSecret {
  readonly secretArn: SecretArn;
  readonly why: string;
}
