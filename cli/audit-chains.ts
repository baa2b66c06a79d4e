import type { Proof } from "../audit/checkpoint.ts";
import { type Chain, everyChain } from "../audit/every-chain.ts";
import { intakeChains } from "../audit/intake-log.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { findSecret } from "./find-secret.ts";

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
  const [policies, former] = await Promise.all([ledger.policies(), ledger.formerSecrets()]);
  const { secrets, removed, own, unnamed } = everyChain({ policies, former, anchored });
  if (named === undefined) return [...secrets, ...removed, ...own, ...unnamed];
  const found = [...secrets, ...unnamed].filter(
    ({ name, id }) => [name, id].includes(named) || name === `${named} ${id}`,
  );
  if (found.length > 0) return found;
  const left = removed.filter(({ name, id }) => name === `${named} (removed)` || id === named);
  if (left.length > 0) return left;
  const { name, secretArn } = await findSecret(named, ledger);
  return [{ name, id: secretArn }];
}

/** Most of the intake's chains are empty most of the time. */
export function isWorthALine(
  id: string,
  { entries, verified }: Pick<Proof, "entries" | "verified">,
): boolean {
  return entries > 0 || !verified || !intakeChains.slice(1).includes(id);
}
