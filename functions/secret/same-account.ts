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

/**
 * "Not found" proves nothing if the credential belongs to another account, so it has to list another key that the
 * ledger knows to exist (O4).
 */
export async function assertSameAccount(
  { policy, provider, keyId, isAccountKnown }: Missing,
  deps: Pick<Deps, "ledger">,
): Promise<void> {
  const { keys } = await deps.ledger.secret(policy.secretArn);
  const known = keys.find((each) => each.keyId !== undefined && each.keyId !== keyId && !isSpent(each));
  const isOurs =
    known?.keyId === undefined ? isAccountKnown : (await provider.find(known.keyId)) !== undefined;
  if (isOurs) return;
  throw new WrongProject("the admin credential does not list our other keys: it is another project's");
}
