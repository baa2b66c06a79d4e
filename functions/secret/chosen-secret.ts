import { NeedsHuman, VersionMoved } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import type { VersionPlace } from "../../core/ports.ts";
import type { Secret } from "../../core/secret.ts";
import { keyIn, withKey } from "../../stores/value.ts";
import type { Deps } from "../deps.ts";

/**
 * The text of a key that Rekey makes up itself. It is in the store before the provider hears of it: if the
 * provider's answer is lost, the next try finds the same text here and asks for the same key.
 */
export async function chosenSecret(
  { policy, ...place }: VersionPlace & { readonly policy: Policy },
  deps: Deps,
): Promise<Secret> {
  const secret = deps.provider(policy).newSecret?.();
  if (secret === undefined) throw new NeedsHuman("the provider's adapter cannot make up a key");
  const current = await deps.store.current(place.secretArn);
  try {
    await deps.store.write({ ...place, text: withKey(current.text, policy.field, secret) });
    return secret;
  } catch (error) {
    if (!(error instanceof VersionMoved)) throw error;
    // An earlier try of this very attempt has stored a text: that one counts.
    const stored = await deps.store.read(place.secretArn, place.versionId);
    return keyIn(stored.text, policy.field);
  }
}
