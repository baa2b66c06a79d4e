import { together } from "../consumers/together.ts";
import type { Policy } from "../core/policy.ts";
import type { Debt } from "../ledger/entries.ts";
import { readFacts, type SecretFacts, type Standing, standingOf } from "../ledger/standing.ts";
import type { Reach } from "./command.ts";
import { findSecret } from "./find-secret.ts";

const atOnceMax = 16;

export interface SecretStanding {
  readonly policy: Policy;
  readonly standing: Standing;
}

/** How one secret stands, or every secret, with all that the ledger knows of it. */
export async function readStandings(
  { ledger, digest, nowMs }: Pick<Reach, "ledger" | "digest" | "nowMs">,
  named: string | undefined,
): Promise<{
  readonly secrets: readonly (SecretStanding & { readonly facts: SecretFacts })[];
  readonly debts: readonly Debt[];
}> {
  const [policies, debts] = await Promise.all([
    named === undefined ? ledger.policies() : findSecret(named, ledger).then((found) => [found]),
    ledger.debts(),
  ]);
  const secrets = await together(policies, {
    atOnceMax,
    work: async (policy) => {
      const facts = { ...(await readFacts({ policy, debts }, ledger)), digest, nowMs: nowMs() };
      return { policy, facts, standing: standingOf(facts) };
    },
  });
  return { secrets, debts };
}
