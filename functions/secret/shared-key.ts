import type { SecretArn } from "../../core/ports.ts";
import type { Deps } from "../deps.ts";

/** Other secrets that hold a key with this fingerprint. */
export async function sharedWith(
  key: { readonly fingerprint: string; readonly secretArn: SecretArn },
  deps: Deps,
): Promise<readonly SecretArn[]> {
  const holders = await deps.ledger.holders(key.fingerprint);
  return [...new Set(holders.map(({ secretArn }) => secretArn))].filter((arn) => arn !== key.secretArn);
}
