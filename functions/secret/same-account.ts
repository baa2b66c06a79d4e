import { WrongProject } from "../../core/errors.ts";
import { isSpent } from "../../core/keys.ts";
import type { Policy } from "../../core/policy.ts";
import type { KeyId, KeyProvider } from "../../core/ports.ts";
import type { Deps } from "../deps.ts";

interface Missing {
  readonly policy: Policy;
  readonly provider: KeyProvider;
  /** The key that the provider says it does not know. */
  readonly keyId?: KeyId | undefined;
  /** True if Rekey knows which provider account the key is in. */
  readonly isAccountKnown: boolean;
}

/** Each is one call to the provider, in the midst of an incident. */
const askedMax = 5;

/**
 * "Not found" proves nothing if the credential belongs to another account, so it has to list another key that the
 * ledger takes for one that exists (O4). One of them may be gone although the ledger does not know it, such as a key
 * that a run without its fence took back: any one that is listed is enough.
 */
export async function assertSameAccount(
  { policy, provider, keyId, isAccountKnown }: Missing,
  deps: Pick<Deps, "ledger">,
): Promise<void> {
  const { keys } = await deps.ledger.secret(policy.secretArn);
  const known = keys.filter((each) => !isSpent(each)).flatMap((each) => each.keyId ?? []);
  const others = known.filter((each) => each !== keyId).slice(-askedMax);
  if (others.length === 0 && isAccountKnown) return;
  for (const other of others.reverse()) if ((await provider.find(other)) !== undefined) return;
  throw new WrongProject("the admin credential does not list our other keys: it is another project's");
}
