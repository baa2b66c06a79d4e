import type { Trail } from "./records.ts";
import type { Secrets } from "./secrets.ts";

/** What every operation works on. */
export interface Vault {
  readonly secrets: Secrets;
  readonly trail: Trail;
  readonly now: () => number;
}
