import type { LedgerKey } from "../../core/keys.ts";
import type { Fingerprint, KeyId, SecretArn, VersionId } from "../../core/ports.ts";
import type { ChangedOutside, RevokeReason } from "../../core/rotation/gate.ts";
import { mayNotReturn } from "../../core/rotation/left-behind.ts";
import type { Refusal } from "../../core/rotation/refusal.ts";
import type { SecretRecord, Ticket } from "../../core/rotation/secret-record.ts";
import { freeze } from "../../core/rotation/wait.ts";
import type { Deps } from "../deps.ts";

/**
 * A frozen secret revokes nothing until a person has looked and said `rekey release --unfreeze`. Two things
 * freeze it: the current version was changed outside Rekey while a run was under way, or it holds a key that is
 * revoked or on its way out.
 */

/** Which event pages for which change. A reason that is renamed in the gate no longer compiles here. */
const pageFor: Readonly<Record<Extract<RevokeReason, ChangedOutside>, string>> = {
  RetiringKeyIsCurrent: "SpentKeyIsCurrent",
  CurrentKeyMoved: "CurrentKeyMoved",
};

interface Refused {
  readonly ticket: Ticket;
  readonly retiringKeyId: KeyId;
  readonly refusal: Refusal<RevokeReason>;
}

/**
 * Freezes the secret if the revoke was refused because the current version was changed outside Rekey, and
 * pages. The check before a wait does not read the secret: without the freeze it would send the run straight
 * back to the revoke.
 */
export async function freezeIfMoved(
  { ticket, retiringKeyId, refusal }: Refused,
  { ledger, bus }: Pick<Deps, "ledger" | "bus">,
): Promise<void> {
  const { reason, detail: why } = refusal;
  if (!isChangedOutside(reason)) return;
  const { secretArn, rotationId, fence } = ticket;
  const { frozen } = await ledger.changeSecret(secretArn, (record) =>
    record.fence === fence ? freeze(record, why) : record,
  );
  if (frozen?.reason !== why) return;
  const detail = { reason: why, keyId: retiringKeyId, rotationId };
  await bus.publish({ type: pageFor[reason], secretArn, detail });
}

function isChangedOutside(reason: RevokeReason): reason is ChangedOutside {
  return reason in pageFor;
}

// ---- a spent key is current
// -----------------------------------------------------------------------------------

export type SpentKey = Pick<LedgerKey, "keyId" | "name" | "state" | "compromised">;

/**
 * The key with this fingerprint, if the current version may not hold it any more. The history is asked even
 * where the record calls the key current: an incident takes a key that was put back for the current one, and
 * a false alarm leaves it so.
 */
export async function spentKey(
  { record, fingerprint }: { readonly record: SecretRecord; readonly fingerprint: Fingerprint },
  deps: Deps,
): Promise<SpentKey | undefined> {
  return (
    record.keys.find((key) => key.fingerprint === fingerprint && mayNotReturn(record, key)) ??
    (await deps.ledger.keys(record.secretArn)).find(
      (key) => key.fingerprint === fingerprint && key.state === "dead",
    )
  );
}

interface FoundSpent {
  readonly secretArn: SecretArn;
  readonly versionId: VersionId;
  readonly spent: SpentKey;
}

/** Freezes the secret and pages: consumers are, or soon will be, without a working key. */
export async function freezeSpentKey(found: FoundSpent, deps: Deps): Promise<void> {
  const { secretArn, versionId } = found;
  const reason = whyFrozen(found);
  await deps.ledger.changeSecret(secretArn, (now) => freeze(now, reason));
  await deps.bus.publish({ type: "SpentKeyIsCurrent", secretArn, detail: { reason, versionId } });
}

export function whyFrozen({ versionId, spent }: FoundSpent): string {
  const { keyId, name, state, compromised } = spent;
  const isMarked = compromised === true && state === "current";
  return `the current version (version ${versionId}) holds key ${keyId ?? name}, which is ${isMarked ? "compromised" : state}`;
}
