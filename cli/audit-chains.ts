import { deploymentChain } from "../audit/chain.ts";
import { intakeChains } from "../audit/intake-log.ts";
import type { Policy } from "../core/policy.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { findSecret } from "./find-secret.ts";

/** An audit log by the name that people know it by. */
export interface Chain {
  readonly name: string;
  readonly id: string;
}

interface Known {
  readonly ledger: Ledger;
  /** The chains that have a signed checkpoint, whatever the ledger still knows of them. */
  readonly anchored: readonly string[];
}

/** The log of this secret, or every log there is. */
export async function chainsOf(
  named: string | undefined,
  { ledger, anchored }: Known,
): Promise<readonly Chain[]> {
  const policies = await ledger.policies();
  const known = new Set(policies.map(({ secretArn }) => secretArn));
  const former = (await ledger.formerSecrets()).filter(({ secretArn }) => !known.has(secretArn));
  const own = [{ name: "(deployment)", id: deploymentChain }, ...intakeChains.map(intakeChainOf)];
  const inLedger = [...policies.map(chainOf), ...former.map(removedChainOf), ...own];
  const ids = new Set(inLedger.map(({ id }) => id));
  const unnamed = anchored.filter((id) => !ids.has(id)).map(unnamedChainOf);
  if (named === undefined) return [...inLedger, ...unnamed];
  const found = [...policies.map(chainOf), ...unnamed].filter(
    ({ name, id }) => [name, id].includes(named) || name === `${named} ${id}`,
  );
  if (found.length > 0) return found;
  const removed = former.filter(({ name, secretArn }) => name === named || secretArn === named);
  return removed.length > 0 ? removed.map(removedChainOf) : [chainOf(await findSecret(named, ledger))];
}

function intakeChainOf(id: string): Chain {
  return { name: `(${id})`, id };
}

/** The ledger knows no such secret, so its name is all that the ARN says: without the six characters at its end. */
function unnamedChainOf(id: string): Chain {
  const name =
    id
      .split(":")
      .at(-1)
      ?.replace(/-[A-Za-z0-9]{6}$/, "") ?? id;
  return { name: `${name} ${id}`, id };
}

type Named = Pick<Policy, "name" | "secretArn">;

function chainOf({ name, secretArn }: Named): Chain {
  return { name, id: secretArn };
}

/** A log is kept when its secret leaves the policy: an auditor may ask how that came about. */
function removedChainOf({ name, secretArn }: Named): Chain {
  return { name: `${name} (removed)`, id: secretArn };
}
