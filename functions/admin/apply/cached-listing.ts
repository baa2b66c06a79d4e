import type { KeyProvider, ListedKey } from "../../../core/ports.ts";
import type { AdminDeps } from "../../deps.ts";

/**
 * The same world, but each account's keys are listed once, however many secrets look for their key in it:
 * adopting 300 of them must not use up the provider's limit on calls. For one command only, because a listing
 * gets old.
 */
export function cachedListing(deps: AdminDeps): AdminDeps {
  const listings = new Map<string, Promise<readonly ListedKey[]>>();
  return {
    ...deps,
    provider(policy): KeyProvider {
      const provider = deps.provider(policy);
      const account = JSON.stringify(policy.provider);
      const listed = () => {
        const listing = listings.get(account) ?? provider.list();
        listings.set(account, listing);
        // A listing that failed is tried again.
        listing.catch(() => listings.delete(account));
        return listing;
      };
      return { ...provider, candidates: (secret) => provider.candidates(secret, listed) };
    },
  };
}
