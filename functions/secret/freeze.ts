import type { KeyId } from "../../core/ports.ts";
import type { Refusal } from "../../core/rotation/gate.ts";
import type { Ticket } from "../../core/rotation/secret-record.ts";
import { freeze } from "../../core/rotation/wait.ts";
import type { Deps } from "../deps.ts";

/** The page for each change of AWSCURRENT outside Rekey. */
const pages: Readonly<Record<string, string>> = {
  RetiringKeyIsCurrent: "SpentKeyIsCurrent",
  CurrentKeyMoved: "CurrentKeyMoved",
};

interface Heeding {
  readonly ticket: Ticket;
  readonly retiringKeyId: KeyId;
  readonly refusal: Refusal;
}

/**
 * AWSCURRENT was changed outside Rekey: freezes the secret and pages. Nothing is revoked until `rekey release
 * --unfreeze`. The gate itself does not read the secret, so without the freeze the run would come back here
 * at once, again and again, until its history is full.
 */
export async function heedHand(
  { ticket, retiringKeyId, refusal }: Heeding,
  { ledger, bus }: Pick<Deps, "ledger" | "bus">,
): Promise<void> {
  const type = pages[refusal.reason];
  if (type === undefined) return;
  const { secretArn, rotationId, fence } = ticket;
  const { frozen } = await ledger.changeSecret(secretArn, (record) =>
    record.fence === fence ? freeze(record, refusal.detail) : record,
  );
  if (frozen?.reason !== refusal.detail) return;
  const detail = { reason: refusal.detail, keyId: retiringKeyId, rotationId };
  await bus.publish({ type, secretArn, detail });
}
