import { LedgerContended } from "../core/errors.ts";
import type { AuditLog } from "./chain.ts";
import type { AuditEvent } from "./entry.ts";

const shards = 16;

/**
 * The chains of what belongs to no secret but came in from outside. There are several, because writers of one chain
 * wait for each other, and a sender has to be answered within seconds however many send at once.
 */
export const intakeChains: readonly string[] = Array.from({ length: shards }, (_, shard) =>
  shard === 0 ? "intake" : `intake-${shard}`,
);

/** Appends to one of the intake's chains; if its writers are too many, to the next. */
export async function appendToIntake(audit: Pick<AuditLog, "append">, event: AuditEvent): Promise<void> {
  const first = [...event.id].reduce((sum, char) => sum + (char.codePointAt(0) ?? 0), 0);
  for (let tried = 0; ; tried += 1) {
    try {
      return await audit.append(intakeChains[(first + tried) % shards] ?? "intake", event);
    } catch (error) {
      if (!(error instanceof LedgerContended) || tried === shards - 1) throw error;
    }
  }
}
