import type { AdoptionReason, AdoptionView } from "./view.ts";

/**
 * Where a replica is behind, programs may still be given the retiring key, whatever those that have reported hold: one
 * that starts there now gets the old version.
 */
export function replicasBehind({ evidence, nowMs }: AdoptionView): readonly AdoptionReason[] {
  return evidence.flatMap((item) => {
    if (item.kind !== "replicas") return [];
    const agoMs = Math.max(0, nowMs - item.observedAtMs);
    return item.behind.map(({ place, state, detail }) => {
      const what = state === "failed" ? "could not be replicated" : "is not replicated yet";
      const said = `the secret ${what} to ${place}${detail === undefined ? "" : `: ${detail}`}`;
      return { reason: "ReplicaBehind", source: "store", agoMs, detail: said } as const;
    });
  });
}
