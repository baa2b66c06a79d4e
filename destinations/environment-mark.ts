import type { PlaceRefusal } from "../core/copies/destination.ts";
import { wrongPlace } from "./api.ts";

/**
 * A value that people put there once, and that says which environment the place is. Where a platform has no word of
 * its own for that, a token or an id that was copied from another environment would be noticed by nobody.
 */
export const environmentMark = "REKEY_ENVIRONMENT";

export function markRefusal(
  found: string | undefined,
  { place, environment }: { readonly place: string; readonly environment: string },
): PlaceRefusal | undefined {
  if (found === environment) return undefined;
  return wrongPlace(
    `${environmentMark} of ${place} is ${found === undefined ? "missing" : JSON.stringify(found.slice(0, 64))}, not ${environment}`,
  );
}
