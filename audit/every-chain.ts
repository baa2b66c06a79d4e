import type { SecretArn } from "../core/ports.ts";
import { deploymentChain } from "./chain.ts";
import { intakeChains } from "./intake-log.ts";

/** An audit log by the name that people know it by. */
export interface Chain {
  readonly name: string;
  readonly id: string;
}

interface Named {
  readonly name: string;
  readonly secretArn: SecretArn;
}

export interface Chains {
  readonly secrets: readonly Chain[];
  /** Of secrets that left the policy: an auditor may ask how that came about. */
  readonly removed: readonly Chain[];
  /** Of the deployment and its intake. */
  readonly own: readonly Chain[];
  /** That only their signed checkpoints know of: whoever deleted them deleted what named them too. */
  readonly unnamed: readonly Chain[];
}

/** Every log there is, or ever was. */
export function everyChain(known: {
  readonly policies: readonly Named[];
  readonly former: readonly Named[];
  /** The chains that have a signed checkpoint, whatever the ledger still knows of them. */
  readonly anchored: readonly string[];
}): Chains {
  const { policies, former, anchored } = known;
  const current = new Set(policies.map(({ secretArn }) => secretArn));
  const secrets = policies.map(({ name, secretArn }) => ({ name, id: secretArn }));
  const removed = former
    .filter(({ secretArn }) => !current.has(secretArn))
    .map(({ name, secretArn }) => ({ name: `${name} (removed)`, id: secretArn }));
  const own = [
    { name: "(deployment)", id: deploymentChain },
    ...intakeChains.map((id) => ({ name: `(${id})`, id })),
  ];
  const ids = new Set([...secrets, ...removed, ...own].map(({ id }) => id));
  return { secrets, removed, own, unnamed: anchored.filter((id) => !ids.has(id)).map(unnamedChain) };
}

/** The ledger knows no such secret, so its name is all that the ARN says: without the six characters at its end. */
function unnamedChain(id: string): Chain {
  const name =
    id
      .split(":")
      .at(-1)
      ?.replace(/-[A-Za-z0-9]{6}$/, "") ?? id;
  return { name: `${name} ${id}`, id };
}
