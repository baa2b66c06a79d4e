import type { Federated } from "../core/federated.ts";
import type { Reach } from "./command.ts";

/** Consumers that have no key: all of them, or those of the block with this name or reference. */
export async function readKeyless(
  { ledger }: Pick<Reach, "ledger">,
  named: string | undefined,
): Promise<readonly Federated[]> {
  const all = await ledger.federated();
  return named === undefined ? all : all.filter(({ name, reference }) => [name, reference].includes(named));
}
