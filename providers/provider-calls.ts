import type { KeyUse } from "../core/ports.ts";
import type { FoundItem, KeyListing } from "./key-listing.ts";
import type { ProviderCalls } from "./provider.ts";
import { mayBe } from "./reply-text.ts";

type Own = Pick<ProviderCalls, "mint" | "verify" | "revoke"> & Partial<ProviderCalls>;

/** The calls of an issuer with a listing; what it cannot do is answered as such. */
export function providerCalls<Raw>(listing: KeyListing<Raw>, own: Own): ProviderCalls {
  return {
    list: async ({ namePrefix = "" } = {}) =>
      (await listing.all()).filter(({ name }) => name.startsWith(namePrefix)),
    find: async (keyId) => (await listing.find(keyId))?.key,
    use: async () => undefined,
    quarantine: async () => "cannot",
    restore: async () => undefined,
    extend: async () => "cannot",
    candidates: async (secret, listed = listing.all) =>
      (await listed()).filter(({ hint }) => mayBe(hint, secret.reveal())),
    ...own,
  };
}

/** Last use as the listing tells it; nothing is said by a reply without a Date: quiet is measured on that clock. */
export function lastUseOf<Raw>(found: FoundItem<Raw> | undefined): KeyUse | undefined {
  if (found?.dateMs === undefined) return undefined;
  const { keyId, lastUsedAtMs } = found.key;
  return { keyId, seenAtMs: found.dateMs, ...(lastUsedAtMs !== undefined && { lastUsedAtMs }) };
}
