import { isUseWanted, laterUse, usedBeforeSince } from "../../../core/incident/last-use.ts";
import type { IncidentRecord, KeyInScope, LastUse } from "../../../core/incident/record.ts";
import { changeKey, refOf } from "../../../core/incident/transitions.ts";
import type { Deps } from "../../deps.ts";
import { policyOfKey } from "../record/policies.ts";

/** The longest look: while containment waits for something else anyway, and while the look delays it. */
const lookMaxMs = { waiting: 2_000, containing: 1_000 } as const;

interface Look {
  readonly record: IncidentRecord;
  readonly key: KeyInScope;
  readonly nowMs: number;
}

/** A waiting turn has time to ask the provider. The note changes no decision, so it wakes nobody. */
export async function noteLastUse(look: Look, deps: Deps): Promise<void> {
  if (look.key.lastUse !== undefined) return;
  const seen = await lookAtUse({ ...look, during: "waiting" }, deps);
  if (seen === undefined) return;
  await deps.ledger.incidents.changeIncident(look.record.incidentId, (now) =>
    changeKey(now, refOf(look.key), (key) => withUse(key, seen)),
  );
}

export function withUse(key: KeyInScope, seen: LastUse | undefined): KeyInScope {
  const lastUse = laterUse(key.lastUse, seen);
  return lastUse === undefined ? key : { ...key, lastUse };
}

/**
 * Asks the provider about the key's use while the key still exists: of a deleted key it says nothing. A
 * failure here must not delay containment, so this never throws and never takes longer than its share.
 */
export async function lookAtUse(
  { record, key, nowMs, during }: Look & { readonly during: keyof typeof lookMaxMs },
  deps: Deps,
): Promise<LastUse | undefined> {
  if (!isUseWanted(key, nowMs)) return undefined;
  const asked = { atMs: nowMs, sinceMs: usedBeforeSince(record) };
  const maxMs = lookMaxMs[during];
  const tooLate = deps.clock.pause(maxMs).then(() => ({ unknown: `no answer in ${maxMs / 1000} s` }));
  return {
    ...asked,
    ...(await Promise.race([useOf({ record, key, sinceMs: asked.sinceMs }, deps), tooLate])),
  };
}

async function useOf(
  { record, key, sinceMs }: Pick<Look, "record" | "key"> & { readonly sinceMs: number },
  deps: Deps,
): Promise<Pick<LastUse, "requests" | "lastUsedAtMs" | "unknown">> {
  try {
    const provider = deps.provider(await policyOfKey({ record, key }, deps));
    const use = await provider.use({ keyId: key.keyId ?? "", sinceMs });
    if (use === undefined) return { unknown: "the provider does not say" };
    const { requests, lastUsedAtMs } = use;
    return {
      ...(requests !== undefined && { requests }),
      ...(lastUsedAtMs !== undefined && { lastUsedAtMs }),
    };
  } catch (error) {
    return { unknown: error instanceof Error ? error.name : "it failed" };
  }
}
