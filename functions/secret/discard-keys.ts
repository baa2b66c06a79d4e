import { PolicyInvalid } from "../../core/errors.ts";
import { keyNamesOf, type LedgerKey, parseKeyName } from "../../core/keys.ts";
import type { Policy } from "../../core/policy.ts";
import type { VersionId } from "../../core/ports.ts";
import { markDiscarded } from "../../core/rotation/incoming.ts";
import { carriesNames } from "../../core/rotation/room.ts";
import type { Ticket } from "../../core/rotation/secret-record.ts";
import type { Deps } from "../deps.ts";
import { versionIdFor } from "./stage-key.ts";

interface Discard {
  readonly ticket: Ticket;
  /** The run's own keys. None of them was promoted. */
  readonly own: readonly LedgerKey[];
  /** Absent if no policy says how to call the provider any more. */
  readonly policy: Policy | undefined;
}

/**
 * Removes the keys of a run that came to nothing. Their versions lose their marks first: a version that nobody can
 * find is harmless, even while its key still works. The pin on the retiring version is left to the sweep: this call
 * may have been frozen, and by now the pin may belong to an incident that took the secret.
 */
export async function discardKeys({ ticket, own, policy }: Discard, deps: Deps): Promise<void> {
  const { secretArn } = ticket;
  for (const versionId of own.flatMap((key) => versionsOf(key, ticket, deps))) {
    await deps.store.discard({ secretArn, versionId });
  }
  if (policy === undefined) {
    throw new PolicyInvalid(`no policy says how to reach the provider of ${secretArn}`);
  }
  const provider = deps.provider(policy);
  if (!carriesNames(provider.capabilities.shape)) {
    for (const { keyId, name } of own) {
      if (keyId !== undefined) await provider.revoke(keyId);
      await deps.ledger.changeSecret(secretArn, (now) => markDiscarded(now, ticket, name));
    }
    return;
  }
  const makers = own.flatMap(({ name }) => parseKeyName(name)?.rotationId ?? []);
  for (const maker of new Set(makers)) {
    // Found by name, because the reply with the id may have been lost. A key that a person supplied has another name.
    const listed = await provider.list({ namePrefix: keyNamesOf(maker) });
    for (const { keyId, name } of listed.filter((key) => own.some((one) => one.name === key.name))) {
      await provider.revoke(keyId);
      await deps.ledger.changeSecret(secretArn, (now) => markDiscarded(now, ticket, name));
    }
  }
}

/** The version that holds the key, or the one it was meant for if the reply to the put was lost. */
function versionsOf(
  { attempt = 0, versionId }: LedgerKey,
  ticket: Ticket,
  deps: Pick<Deps, "digest">,
): readonly VersionId[] {
  const minted = versionIdFor({ ...ticket, attempt, part: "mint" }, deps);
  return versionId === undefined || versionId === minted ? [minted] : [minted, versionId];
}
