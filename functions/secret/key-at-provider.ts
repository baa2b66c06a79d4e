import { CurrentKeyUnknown, KeyIdUnknown } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import type { KeyProvider, ListedKey } from "../../core/ports.ts";
import type { Secret } from "../../core/secret.ts";
import { keyNamed } from "./named-key.ts";

/** The key at the provider that this secret's current key is: the one that the policy names, or the only possible one. */
export async function whichAtProvider(
  { policy, secret }: { readonly policy: Policy; readonly secret: Secret },
  provider: KeyProvider,
): Promise<ListedKey> {
  if (policy.currentKeyId !== undefined) {
    const named = await keyNamed({ keyId: policy.currentKeyId, secret }, provider);
    if (named !== undefined) return named;
    throw new CurrentKeyUnknown(
      `the provider does not know key ${policy.currentKeyId}, which the policy names`,
    );
  }
  const candidates = await provider.candidates(secret);
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) return only;
  if (only === undefined) {
    throw new CurrentKeyUnknown(
      "the provider lists no key that could be the current one: is it another project's?",
    );
  }
  throw new KeyIdUnknown(
    `${candidates.length} keys at the provider look like the current one: name it as currentKeyId`,
  );
}
