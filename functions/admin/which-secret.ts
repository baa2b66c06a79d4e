import type { Federated } from "../../core/federated.ts";
import { nearest } from "../../core/nearest.ts";
import type { Policy } from "../../core/policy.ts";
import { utcText } from "../../core/utc.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { isReference } from "../../stores/index.ts";
import { type RefusedAnswer, refused } from "./command.ts";

/** The policy of the secret with this name or ARN. If there is none, the refusal suggests a similar name. */
export async function whichSecret(
  named: string,
  { ledger }: { readonly ledger: Pick<Ledger, "policy" | "policies" | "formerSecrets" | "federated"> },
): Promise<{ readonly policy: Policy } | { readonly refusal: RefusedAnswer }> {
  if (isReference(named)) {
    const policy = await ledger.policy(named);
    return policy === undefined ? { refusal: await whyNone(named, { ledger, policies: [] }) } : { policy };
  }
  const policies = await ledger.policies();
  const [policy, other] = policies.filter(({ name }) => name === named);
  if (policy === undefined) return { refusal: await whyNone(named, { ledger, policies }) };
  if (other === undefined) return { policy };
  return {
    refusal: refused({
      reason: "AmbiguousSecret",
      detail: `${named} is the name of a secret in ${policy.environment} and in ${other.environment}`,
      hint: "give its ARN",
    }),
  };
}

/**
 * A secret that was removed is not unknown: the person has to hear that nothing rotates it any more, or that there is
 * no key of this name any more.
 */
async function whyNone(
  named: string,
  {
    ledger,
    policies,
  }: { readonly ledger: Pick<Ledger, "formerSecrets" | "federated">; readonly policies: readonly Policy[] },
): Promise<RefusedAnswer> {
  const keyless = (await ledger.federated()).find(({ name, reference }) => [name, reference].includes(named));
  if (keyless !== undefined) return hasNoKey(keyless);
  const former = (await ledger.formerSecrets()).find(
    ({ secretArn, name }) => secretArn === named || name === named,
  );
  if (former === undefined) return unknownSecret(named, policies);
  const { name, by, atMs } = former;
  return refused({
    reason: "NoLongerRotated",
    detail: `${name} is no longer rotated: ${by.split("/").at(-1)} took it out of the policy on ${utcText(atMs)}`,
    hint: "its keys are still recognised when they leak; to rotate them, put it back into rekey.yml and apply",
  });
}

/** A token ends by itself; before that, only its issuer can end it. */
export function hasNoKey({ name, issuer, identity }: Federated): RefusedAnswer {
  return refused({
    reason: "HasNoKey",
    detail: `${name} has no key: its consumers get short-lived credentials of ${issuer}`,
    hint: `in an incident, disable ${identity} at ${issuer}; name a key that leaked with --key-stdin`,
  });
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
