import { AdminCredentialRefused } from "../core/errors.ts";
import type { Secret } from "../core/secret.ts";
import type { AdminCredential } from "./provider.ts";

/**
 * For issuers whose admin API takes a short-lived token: the credential is exchanged for one, which is used until it
 * is refused. No clock is asked when it ends.
 */
export function tokenCredential(
  admin: AdminCredential,
  exchange: (credential: Secret) => Promise<Secret>,
): AdminCredential {
  let token: Promise<Secret> | undefined;

  async function fresh(): Promise<Secret> {
    try {
      return await exchange(await admin.get());
    } catch (error) {
      token = undefined;
      if (error instanceof AdminCredentialRefused) admin.refused();
      throw error;
    }
  }

  return {
    get() {
      token ??= fresh();
      return token;
    },
    refused() {
      token = undefined;
      admin.refused();
    },
  };
}
