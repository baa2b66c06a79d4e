import type { KeyId } from "../../core/ports.ts";
import type { Refusal } from "../../core/rotation/gate.ts";
import type { Ticket } from "../../core/rotation/secret-record.ts";
import { freeze } from "../../core/rotation/wait.ts";
import type { Deps } from "../deps.ts";

/** Somebody else's hand on AWSCURRENT: only a person can say what was meant, and until then the gate stays shut. */
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
 * The gate asks about evidence, holds and stops, and does not read the secret. Without the freeze it would send the
 * run here again at once, until its history is full.
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
