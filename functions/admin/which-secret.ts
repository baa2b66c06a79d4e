import { nearest } from "../../core/nearest.ts";
import type { Policy } from "../../core/policy.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { type RefusedAnswer, refused } from "./command.ts";

/** The policy that a name or an ARN means; a refusal that suggests one where nothing is called that. */
export async function whichSecret(
  named: string,
  { ledger }: { readonly ledger: Pick<Ledger, "policy" | "policies"> },
): Promise<{ readonly policy: Policy } | { readonly refusal: RefusedAnswer }> {
  if (named.startsWith("arn:")) {
    const policy = await ledger.policy(named);
    return policy === undefined ? { refusal: unknownSecret(named, []) } : { policy };
  }
  const policies = await ledger.policies();
  const [policy, other] = policies.filter(({ name }) => name === named);
  if (policy === undefined) return { refusal: unknownSecret(named, policies) };
  if (other === undefined) return { policy };
  return {
    refusal: refused({
      reason: "AmbiguousSecret",
      detail: `${named} is the name of a secret in ${policy.environment} and in ${other.environment}`,
      hint: "give its ARN",
    }),
  };
}

function unknownSecret(named: string, policies: readonly Policy[]): RefusedAnswer {
  const meant = nearest(
    named,
    policies.map(({ name }) => name),
  );
  return refused({
    reason: "UnknownSecret",
    detail: `no policy is about ${JSON.stringify(named.slice(0, 300))}`,
    hint: meant === undefined ? "see what there is with `rekey status`" : `did you mean ${meant}?`,
  });
}
