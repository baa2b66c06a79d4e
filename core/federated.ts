import type { KeyId, SecretArn } from "./ports.ts";

export interface FederatedConsumer {
  readonly name: string;
  readonly environment: string;
  readonly account: string;
}

/**
 * Consumers that need no key: each shows who it is and gets a credential that ends by itself. Nothing of it is rotated,
 * scheduled or swept, and no store holds it. The issuer enforces what is declared here; Rekey records it.
 */
export interface Federated {
  /** What the client opens. */
  readonly reference: SecretArn;
  readonly name: string;
  readonly environment: string;
  readonly file: string;
  readonly owner?: string;
  /** Whose credentials they are, as the client names it. */
  readonly issuer: string;
  /** The service account, application or role that the credential is of. */
  readonly identity: string;
  readonly audience?: string;
  readonly scopes?: readonly string[];
  /** The longest life of one credential. */
  readonly ttlMs: number;
  readonly consumers: readonly FederatedConsumer[];
}

export interface FormerKey {
  /** Of the secret with this name: the keys that are recorded as alive. */
  readonly alive: readonly KeyId[];
  /** A policy for a secret of this name is in the ledger. */
  readonly isManaged: boolean;
  /** Its keys are revoked, and not all of them proven dead. */
  readonly isEnding: boolean;
}

/** Nobody is told that a consumer has no key while its key still works. */
export function whyNotKeyless(
  { name }: Pick<Federated, "name">,
  { alive, isManaged, isEnding }: FormerKey,
): string | undefined {
  if (alive.length > 0) {
    const keys = `${alive.length === 1 ? "key" : "keys"} ${alive.join(", ")}`;
    return `${name} still has the live ${keys}: when \`rekey consumers ${name}\` shows that nothing uses it, \`rekey retire ${name}\` revokes it, and then this can be applied`;
  }
  if (isManaged)
    return `${name} has a policy for a secret whose key Rekey does not know: end the key by hand and \`rekey leave ${name}\`, and then this can be applied`;
  return isEnding
    ? `the last key of ${name} is revoked and not yet proven dead: apply this again when it is`
    : undefined;
}

export function keylessText({ issuer }: Pick<Federated, "issuer">): string {
  return `no key: short-lived credentials of ${issuer}`;
}
