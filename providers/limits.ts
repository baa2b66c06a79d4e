import { NeedsHuman } from "../core/errors.ts";
import type { MintRequest } from "../core/ports.ts";
import type { KeyListing } from "./key-listing.ts";

/**
 * The key that is being replaced, so that the new one gets its limits. A key that is gone has none to copy, and a new
 * one without them could spend or reach more than was ever meant: then a person names them in the policy.
 */
export async function limitsSource<Raw>(
  { retiring }: MintRequest,
  {
    kind,
    listing,
    isNamed,
  }: {
    readonly kind: string;
    readonly listing: KeyListing<Raw>;
    /** The policy names the limits itself. */
    readonly isNamed: boolean;
  },
): Promise<Raw | undefined> {
  if (retiring === undefined || isNamed) return undefined;
  const found = await listing.find(retiring);
  if (found !== undefined) return found.raw;
  throw new NeedsHuman(
    `${kind} does not list key ${retiring}, whose limits the new key shall have: name them in the policy`,
  );
}
