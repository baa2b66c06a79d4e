import { deploymentChain, intakeLog } from "../audit/chain.ts";
import type { Policy } from "../core/policy.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { findSecret } from "./find-secret.ts";

/** An audit log by the name that people know it by. */
export interface Chain {
  readonly name: string;
  readonly id: string;
}

/** The log of this secret, or every log there is. */
export async function chainsOf(named: string | undefined, ledger: Ledger): Promise<readonly Chain[]> {
  const policies = await ledger.policies();
  const known = new Set(policies.map(({ secretArn }) => secretArn));
  const former = (await ledger.formerSecrets()).filter(({ secretArn }) => !known.has(secretArn));
  if (named === undefined) {
    const own = [
      { name: "(deployment)", id: deploymentChain },
      { name: "(intake)", id: intakeLog },
    ];
    return [...policies.map(chainOf), ...former.map(removedChainOf), ...own];
  }
  const isNamed = ({ name, secretArn }: Named) => name === named || secretArn === named;
  const removed = policies.some(isNamed) ? [] : former.filter(isNamed);
  return removed.length > 0 ? removed.map(removedChainOf) : [chainOf(await findSecret(named, ledger))];
}

type Named = Pick<Policy, "name" | "secretArn">;

function chainOf({ name, secretArn }: Named): Chain {
  return { name, id: secretArn };
}

/** A log is kept when its secret leaves the policy: an auditor may ask how that came about. */
function removedChainOf({ name, secretArn }: Named): Chain {
  return { name: `${name} (removed)`, id: secretArn };
}
