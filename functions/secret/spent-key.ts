import type { LedgerKey } from "../../core/keys.ts";
import type { Fingerprint, SecretArn, VersionId } from "../../core/ports.ts";
import { mayNotReturn } from "../../core/rotation/left-behind.ts";
import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import { freeze } from "../../core/rotation/wait.ts";
import type { Deps } from "../deps.ts";

export type SpentKey = Pick<LedgerKey, "keyId" | "name" | "state" | "compromised">;

/**
 * The key with this fingerprint, if AWSCURRENT must not hold it any more. A current key's history is checked
 * too: an incident takes a key that somebody put back for current, and a false alarm leaves it like that.
 */
export async function spentKey(
  { record, fingerprint }: { readonly record: SecretRecord; readonly fingerprint: Fingerprint },
  deps: Deps,
): Promise<SpentKey | undefined> {
  return (
    record.keys.find((key) => key.fingerprint === fingerprint && mayNotReturn(record, key)) ??
    (await deps.ledger.keys(record.secretArn)).find(
      (key) => key.fingerprint === fingerprint && key.state === "dead",
    )
  );
}

interface Found {
  readonly secretArn: SecretArn;
  readonly versionId: VersionId;
  readonly spent: SpentKey;
}

/** Freezes the secret until a person lifts it: consumers have, or will soon have, no working key. */
export async function freezeOver(found: Found, deps: Deps): Promise<void> {
  const { secretArn, versionId } = found;
  const reason = whyFrozen(found);
  await deps.ledger.changeSecret(secretArn, (now) => freeze(now, reason));
  await deps.bus.publish({ type: "SpentKeyIsCurrent", secretArn, detail: { reason, versionId } });
}

export function whyFrozen({ versionId, spent }: Found): string {
  const { keyId, name, state, compromised } = spent;
  const isMarked = compromised === true && state === "current";
  return `AWSCURRENT (version ${versionId}) holds key ${keyId ?? name}, which is ${isMarked ? "compromised" : state}`;
}
