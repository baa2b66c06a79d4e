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

type Appends = Pick<AuditLog, "append">;

/** Appends to one of the intake's chains; if its writers are too many, to the next. */
export async function appendToIntake(audit: Appends, event: AuditEvent): Promise<void> {
  const first = [...event.id].reduce((sum, char) => sum + (char.codePointAt(0) ?? 0), 0);
  for (let tried = 0; ; tried += 1) {
    try {
      return await appendInTurn(audit, intakeChains[(first + tried) % shards] ?? "intake", event);
    } catch (error) {
      if (!(error instanceof LedgerContended) || tried === shards - 1) throw error;
    }
  }
}

/** By log and chain, the append that this process began last. */
const lastAppends = new WeakMap<Appends, Map<string, Promise<void>>>();

/**
 * What one process appends to a chain, it appends one after another. Two at once would read the same last entry, and
 * the second would have to begin again: with fifty requests at once that made seventeen calls of each three.
 */
function appendInTurn(audit: Appends, chain: string, event: AuditEvent): Promise<void> {
  const ofLog = lastAppends.get(audit) ?? new Map<string, Promise<void>>();
  lastAppends.set(audit, ofLog);
  const append = () => audit.append(chain, event);
  const before = ofLog.get(chain);
  // One that failed is its own request's matter.
  const appended = before === undefined ? append() : before.then(append, append);
  ofLog.set(chain, appended);
  return appended;
}
