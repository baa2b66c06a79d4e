import type { LedgerKey } from "../../core/keys.ts";
import type { Fingerprint, KeyId, SecretArn, VersionId } from "../../core/ports.ts";
import type { ChangedOutside, RevokeReason } from "../../core/rotation/gate.ts";
import type { Refusal } from "../../core/rotation/refusal.ts";
import type { SecretRecord, Ticket } from "../../core/rotation/secret-record.ts";
import { mayNotReturn } from "../../core/rotation/superseded.ts";
import { freeze, freezeForSpent } from "../../core/rotation/wait.ts";
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

/**
 * For what no key shows: who looks at the secret finds it frozen, and is paged about it within the quarter of an hour.
 * `record` was read before the reason was. A function that slept until a person had set that right, and released the
 * secret, leaves it alone; the next sweep looks again.
 */
export async function freezeFor(
  { record: seen, reason }: { readonly record: SecretRecord; readonly reason: string },
  deps: Pick<Deps, "ledger" | "audit" | "clock">,
): Promise<void> {
  const { secretArn, seq } = seen;
  const { frozen } = await deps.ledger.changeSecret(secretArn, (now) =>
    now.frozen === undefined && now.seq === seq ? freeze(now, reason) : now,
  );
  if (frozen?.reason !== reason) return;
  await log({ secretArn, reason, id: `changed-outside/${reason}`.slice(0, idLengthMax) }, deps);
}

const idLengthMax = 200;

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
  deps: Pick<Deps, "ledger" | "bus" | "audit" | "clock">,
): Promise<void> {
  const { reason, detail: why } = refusal;
  if (!isChangedOutside(reason)) return;
  const { secretArn, rotationId, fence } = ticket;
  const { frozen } = await deps.ledger.changeSecret(secretArn, (record) =>
    record.fence === fence && record.run?.rotationId === rotationId ? freeze(record, why) : record,
  );
  if (frozen?.reason !== why) return;
  const detail = { reason: why, keyId: retiringKeyId, rotationId };
  await deps.bus.publish({ type: pageFor[reason], secretArn, detail });
  await log({ secretArn, reason: why, id: `${rotationId}/changed-outside/${fence}` }, deps);
}

/** For `rekey history`, and for whoever asks later who changed the secret and when it was seen. */
async function log(
  seen: { readonly secretArn: SecretArn; readonly reason: string; readonly id: string },
  { audit, clock }: Pick<Deps, "audit" | "clock">,
): Promise<void> {
  const { secretArn, reason, id } = seen;
  const action = "ChangedOutside";
  await audit.append(secretArn, {
    id,
    atMs: clock.nowMs(),
    actor: "not by Rekey",
    action,
    detail: { reason },
  });
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
  /** As it was before the current version was read. */
  readonly record: SecretRecord;
  readonly versionId: VersionId;
  readonly spent: SpentKey;
}

/**
 * Freezes the secret and pages: consumers are, or soon will be, without a working key. A function that slept while a
 * run replaced the version that it had read leaves the secret alone.
 */
export async function freezeSpentKey(found: FoundSpent, deps: Deps): Promise<"frozen" | "overtaken"> {
  const { record: seen, spent, versionId } = found;
  const { secretArn } = seen;
  const reason = whyFrozen(found);
  const { frozen } = await deps.ledger.changeSecret(secretArn, (now) =>
    freezeForSpent(now, { seen, spent, reason }),
  );
  if (frozen?.reason !== reason) return "overtaken";
  await deps.bus.publish({ type: "SpentKeyIsCurrent", secretArn, detail: { reason, versionId } });
  await log({ secretArn, reason, id: `changed-outside/${versionId}/${spent.keyId ?? spent.name}` }, deps);
  return "frozen";
}

export function whyFrozen({ versionId, spent }: Omit<FoundSpent, "record">): string {
  const { keyId, name, state, compromised } = spent;
  const isMarked = compromised === true && state === "current";
  return `the current version (version ${versionId}) holds key ${keyId ?? name}, which is ${isMarked ? "compromised" : state}`;
}
