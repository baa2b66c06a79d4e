import { AdminCredentialRefused, SecretUnusable } from "../../core/errors.ts";
import type { SecretArn, SecretStore } from "../../core/ports.ts";
import type { Secret } from "../../core/secret.ts";
import type { AdminCredential } from "../../providers/provider.ts";
import { keyIn } from "../../stores/value.ts";

/**
 * An admin credential in its own secret: read once per process, and again when the provider refused it. A provider
 * that works with Rekey's own role has none, and asks for none.
 */
export function adminCredential(
  store: Pick<SecretStore, "current">,
  secretArn: SecretArn | undefined,
): AdminCredential {
  if (secretArn === undefined) return noCredential;
  let cached: Promise<Secret> | undefined;
  return {
    get: () => {
      cached ??= read(store, secretArn).catch((error: unknown) => {
        cached = undefined;
        throw error;
      });
      return cached;
    },
    refused: () => {
      cached = undefined;
    },
  };
}

const noCredential: AdminCredential = {
  get: () => Promise.reject(new AdminCredentialRefused("the policy names no admin credential")),
  refused: () => undefined,
};

async function read(store: Pick<SecretStore, "current">, secretArn: SecretArn): Promise<Secret> {
  try {
    return keyIn((await store.current(secretArn)).text);
  } catch (error) {
    if (!(error instanceof SecretUnusable)) throw error;
    throw new AdminCredentialRefused(`the admin credential ${secretArn} cannot be used: ${error.message}`, {
      cause: error,
    });
  }
}
