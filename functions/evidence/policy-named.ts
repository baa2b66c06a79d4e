import type { Policy } from "../../core/policy.ts";
import { isCopyOf, isReference } from "../../stores/index.ts";
import type { Deps } from "../deps.ts";

/**
 * The policy of the secret that a report names. A consumer in another Region reads a replica and reports its ARN: it
 * holds the primary's key all the same, and a revoke that did not wait for it would break it.
 */
export async function policyNamed(
  reported: string,
  { ledger }: { readonly ledger: Pick<Deps["ledger"], "policy" | "policies"> },
): Promise<Policy | undefined> {
  if (!isReference(reported)) return undefined;
  const own = await ledger.policy(reported);
  if (own !== undefined) return own;
  return (await ledger.policies()).find(({ secretArn }) => isCopyOf(reported, secretArn));
}
