import type { Policy } from "../../../core/policy.ts";
import type { SecretArn } from "../../../core/ports.ts";
import type { AccountBudget } from "../../../core/provider-account.ts";
import { account, secretArnOf } from "./account.ts";
import type { ConsumerOptions } from "./consumer.ts";

export const adminArn = secretArnOf("rekey/admin/openai");
const project = "proj_FAKE";

/** OpenAI makes keys for service accounts only, so that without one a person has to. */
export function providerWithoutMint(
  name: string,
  propagation: Readonly<Record<string, number>>,
): Policy["provider"] {
  const { provider } = policyFor({ name, secretArn: secretArnOf(name), consumers: [], propagation });
  const { serviceAccount: _none, ...settings } = provider.settings;
  return { ...provider, settings };
}

/** The account that all secrets share answers so many calls and no more. */
export function providerWithBudget(
  name: string,
  propagation: Readonly<Record<string, number>>,
  budget: AccountBudget,
): Policy["provider"] {
  const { provider } = policyFor({ name, secretArn: secretArnOf(name), consumers: [], propagation });
  return { ...provider, budget };
}

/** What an operator declares for one secret, unless a story says otherwise. */
export function policyFor(facts: {
  readonly name: string;
  readonly secretArn: SecretArn;
  readonly consumers: readonly ConsumerOptions[];
  readonly propagation: Readonly<Record<string, number>>;
}): Policy {
  return {
    secretArn: facts.secretArn,
    name: facts.name,
    environment: "production",
    mode: "rotate",
    provider: {
      account: "openai-main",
      kind: "openai",
      adminCredential: adminArn,
      settings: {
        adminCredential: adminArn,
        project,
        serviceAccount: "svc_acct_FAKE",
        propagation: facts.propagation,
      },
    },
    consumers: facts.consumers.map(({ name, maxStaleMs, environment }) => ({
      name,
      environment: environment ?? "production",
      account,
      evidence: ["client"],
      maxStaleMs: maxStaleMs ?? 15 * 60_000,
      demandUse: false,
      refresh: { kind: "announce" },
    })),
    signals: ["client", "provider"],
    maxAgeMs: 30 * 24 * 3_600_000,
    quietMs: 120_000,
    overlapMs: 2 * 3_600_000,
    soakMs: 60_000,
    retain: false,
    incident: { containByMs: 600_000, escalateAfterMs: 300_000 },
  };
}
