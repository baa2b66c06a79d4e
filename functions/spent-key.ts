import type { LedgerKey } from "../core/keys.ts";
import { mayNotReturn } from "../core/left-behind.ts";
import type { Fingerprint } from "../core/ports.ts";
import type { SecretRecord } from "../core/secret-record.ts";
import type { Deps } from "./deps.ts";

export type SpentKey = Pick<LedgerKey, "keyId" | "name" | "state" | "compromised">;

export function whySpent({ keyId, name, state, compromised }: SpentKey): string {
  const isMarked = compromised === true && state === "current";
  return `key ${keyId ?? name}, which is ${isMarked ? "compromised" : state}`;
}

/**
 * The key with this fingerprint, where AWSCURRENT may not hold it any more. The history is asked of a current key
 * too: an incident takes what a hand put back for current, and a false alarm leaves it so.
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
