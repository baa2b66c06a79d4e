import { AdminCredentialRefused, SecretUnusable } from "../../core/errors.ts";
import type { Clock, SecretArn, SecretStore } from "../../core/ports.ts";
import type { Secret } from "../../core/secret.ts";
import type { AdminCredential } from "../../providers/provider.ts";
import { keyIn } from "../../stores/value.ts";

interface Kept {
  readonly clock: Pick<Clock, "nowMs">;
  /** It is read again after this time: a rotated credential is replaced while the former one still works. */
  readonly keptMs: number;
}

/**
 * A credential in its own secret: read once per process, again when the other side refused it, and again after the time
 * for which it may be kept. A provider that works with Rekey's own role has none, and asks for none.
 */
export function adminCredential(
  store: Pick<SecretStore, "current">,
  secretArn: SecretArn | undefined,
  kept?: Kept,
): AdminCredential {
  if (secretArn === undefined) return noCredential;
  let cached: Promise<Secret> | undefined;
  let readAtMs = 0;
  return {
    get: () => {
      const nowMs = kept?.clock.nowMs() ?? 0;
      // A clock that went back says nothing about the age.
      const age = Math.abs(nowMs - readAtMs);
      if (kept !== undefined && age >= kept.keptMs) cached = undefined;
      if (cached === undefined) readAtMs = nowMs;
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

/** One that is at hand, such as a new one that has to prove itself before anybody else is given it. */
export function givenCredential(credential: Secret): AdminCredential {
  return { get: async () => credential, refused: () => undefined };
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
