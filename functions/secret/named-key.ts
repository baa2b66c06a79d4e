import { CurrentKeyUnknown } from "../../core/errors.ts";
import type { KeyId, KeyProvider, ListedKey } from "../../core/ports.ts";
import type { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { isHintOfOther } from "../../providers/reply-text.ts";

/**
 * The key that a person named for this secret; undefined if the provider does not list it. The provider's evidence
 * counts more than what a person says: a wrong id would let a rotation delete somebody else's key.
 */
export async function keyNamed(
  { keyId, secret }: { readonly keyId: KeyId; readonly secret: Secret },
  provider: KeyProvider,
): Promise<ListedKey | undefined> {
  const named = await provider.find(keyId);
  if (named === undefined) return undefined;
  const candidates = await provider.candidates(secret);
  if (candidates.some((candidate) => candidate.keyId === keyId)) return named;
  const [other] = candidates;
  if (other !== undefined) {
    throw new CurrentKeyUnknown(`the value is not key ${keyId}: the provider shows it as key ${other.keyId}`);
  }
  const isOther = named.fingerprint !== undefined && named.fingerprint !== fingerprintOf(secret);
  if (isOther || isHintOfOther(named.hint, secret.reveal())) {
    throw new CurrentKeyUnknown(
      `the value is not key ${keyId}: the provider shows other characters of that key (${named.hint ?? "its hash"})`,
    );
  }
  return named;
}
