import { NeedsHuman, SecretUnusable, VersionMoved } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import type { Secret } from "../../core/secret.ts";
import { keyIn, withKey } from "../../stores/value.ts";
import type { Deps } from "../deps.ts";
import { incomingLabel } from "./stage-key.ts";

interface Place {
  readonly secretArn: string;
  readonly versionId: string;
  readonly policy: Policy;
}

/**
 * The text of a key that Rekey makes up itself. It is in the store before the provider hears of it: if the answer of the
 * provider is lost, the next try finds the same text here and asks for the same key.
 */
export async function chosenSecret(place: Place, deps: Deps): Promise<Secret> {
  const stored = await storedSecret(place, deps);
  if (stored !== undefined) return stored;

  const { secretArn, versionId, policy } = place;
  const secret = deps.provider(policy).newSecret?.();
  if (secret === undefined) throw new NeedsHuman("the provider's adapter cannot make up a key");
  const current = await deps.store.read(secretArn);
  const text = withKey(current.text, policy.field, secret);
  try {
    await deps.store.put({ secretArn, versionId, text, labels: [incomingLabel] });
    return secret;
  } catch (error) {
    // Another call of this very attempt was faster: its text is the one that counts.
    const other = error instanceof VersionMoved ? await storedSecret(place, deps) : undefined;
    if (other === undefined) throw error;
    return other;
  }
}

async function storedSecret(
  { secretArn, versionId, policy }: Place,
  deps: Deps,
): Promise<Secret | undefined> {
  try {
    return keyIn((await deps.store.read(secretArn, versionId)).text, policy.field);
  } catch (error) {
    if (error instanceof SecretUnusable) return undefined;
    throw error;
  }
}
