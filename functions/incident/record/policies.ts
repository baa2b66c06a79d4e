import { PolicyInvalid } from "../../../core/errors.ts";
import {
  incidentWindows,
  isRekeysOwn,
  type PlanFacts,
  waitsForAccountUntil,
} from "../../../core/incident/plan.ts";
import type { IncidentRecord, KeyInScope } from "../../../core/incident/record.ts";
import { isTriage } from "../../../core/incident/turns.ts";
import type { Policy } from "../../../core/policy.ts";
import type { SecretArn } from "../../../core/ports.ts";
import { waitingUntil } from "../../../core/provider-account.ts";
import type { Deps } from "../../deps.ts";

/** The present policies of the secrets in scope: an incident follows what the operator declares now. */
export async function policiesOf(
  secrets: readonly { readonly secretArn: SecretArn }[],
  deps: Pick<Deps, "ledger">,
): Promise<readonly Policy[]> {
  const policies = await Promise.all(secrets.map(({ secretArn }) => deps.ledger.policy(secretArn)));
  return policies.filter((policy) => policy !== undefined);
}

/** What the plan table is asked about this incident. */
export function planFacts(record: IncidentRecord, policies: readonly Policy[]): PlanFacts {
  const own = record.keys.find(isRekeysOwn);
  return {
    match: record.match.by,
    alerts: record.alerts,
    policies,
    isTriage: isTriage(record),
    ...(own && { own: own.what ?? "a credential of Rekey's own" }),
    ...(record.planAsked && { asked: record.planAsked }),
  };
}

/** How long consumers get under switch-first: the shortest time of all policies in scope. */
export async function graceMs({ secrets }: IncidentRecord, deps: Pick<Deps, "ledger">): Promise<number> {
  const policies = await policiesOf(secrets, deps);
  return incidentWindows(policies).containByMs;
}

/** The policy that says how to call this key's provider. */
export async function policyOfKey(
  { record, key }: { readonly record: IncidentRecord; readonly key: KeyInScope },
  deps: Pick<Deps, "ledger">,
): Promise<Policy> {
  const policy = key.secretArn === undefined ? undefined : await deps.ledger.policy(key.secretArn);
  if (policy === undefined) {
    throw new PolicyInvalid(`no policy says how to reach the provider of key ${key.keyId ?? "unknown"}`);
  }
  return asIncidentAsks(policy, record);
}

/** The policy with how long this incident waits for the provider's account. */
export function asIncidentAsks(policy: Policy, record: IncidentRecord): Policy {
  const untilMs = waitsForAccountUntil(record);
  return untilMs === undefined ? policy : { ...policy, provider: waitingUntil(policy.provider, untilMs) };
}
