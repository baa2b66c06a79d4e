import type { Trail } from "./records.ts";
import type { Secrets } from "./secrets.ts";

/** What every operation works on. */
export interface Vault {
  readonly secrets: Secrets;
  readonly trail: Trail;
  readonly now: () => number;
  readonly replication: Replication;
}

export interface Replication {
  /** So long after a change of the primary its replicas are behind. */
  readonly takesMs?: number;
  /** By Region, why no replica there can be written. */
  readonly failures?: Readonly<Record<string, string>>;
}
