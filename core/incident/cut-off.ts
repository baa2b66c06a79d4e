import { isCutOff, sayStanding } from "../adoption/standing.ts";
import type { IncidentRecord, KeyInScope, SecretInScope } from "./record.ts";
import { keysHeldBy } from "./transitions.ts";

/** Since when the key of this secret no longer works; undefined while it does. */
export function stoppedAtMs(secret: SecretInScope, keys: readonly KeyInScope[]): number | undefined {
  const stops = keysHeldBy(secret, keys).flatMap((key) =>
    key.state === "quarantined" ? (key.quarantinedAtMs ?? []) : (key.acceptedAtMs ?? key.deadAtMs ?? []),
  );
  return stops.length === 0 ? undefined : Math.min(...stops);
}

/** Who is cut off, since when, and whose it is; undefined if nobody is, or the key still works. */
export function whyCutOff(
  { secrets, keys }: IncidentRecord,
  secretArn: string,
): { readonly why: string; readonly sinceMs: number } | undefined {
  const secret = secrets.find((each) => each.secretArn === secretArn);
  const sinceMs = secret && stoppedAtMs(secret, keys);
  if (secret === undefined || sinceMs === undefined) return undefined;
  const cut = (secret.standings ?? []).filter(isCutOff);
  if (cut.length === 0) return undefined;
  const texts = cut.map((each) => `${sayStanding(each)} (owner: ${each.owner ?? "nobody named"})`);
  return { why: `${secret.name}: ${texts.join("; ")}`, sinceMs };
}
