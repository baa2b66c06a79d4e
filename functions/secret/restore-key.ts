import type { Policy } from "../../core/policy.ts";
import type { KeyId } from "../../core/ports.ts";
import { markRestored } from "../../core/rotation/retiring.ts";
import type { Ticket } from "../../core/rotation/secret-record.ts";
import type { Deps } from "../deps.ts";

/** Restores a quarantined key exactly as it was, and records it afterwards: a repeat restores it again. */
export async function restoreKey(
  { ticket, policy, keyId }: { readonly ticket: Ticket; readonly policy: Policy; readonly keyId: KeyId },
  deps: Deps,
): Promise<void> {
  const { secretArn, rotationId } = ticket;
  const { keys } = await deps.ledger.secret(secretArn);
  const scopes = keys.find((key) => key.keyId === keyId)?.scopes;
  await deps.provider(policy).restore({ keyId, ...(scopes && { scopes }) });
  await deps.ledger.changeSecret(secretArn, (now) => markRestored(now, ticket));
  await deps.bus.publish({ type: "QuarantineUndone", secretArn, detail: { keyId, rotationId } });
}
