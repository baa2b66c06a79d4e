import { NoProgress, Superseded } from "../errors.ts";
import type { LedgerKey } from "../keys.ts";
import type { PendingOrder } from "../orders.ts";
import type { RotationId } from "../ports.ts";
import { type Refusal, refusalText } from "./refusal.ts";
import {
  assertHolder,
  assertNotAborted,
  bump,
  currentKey,
  type Hold,
  type Run,
  type SecretRecord,
  type Ticket,
} from "./secret-record.ts";

/**
 * How often a run may go round to its check without a wait in between. Every turn asks the provider again
 * and takes some fifteen of the 25,000 events of an execution.
 */
export const turnsMax = 50;

/**
 * Stores the wait only if nothing changed since the decision was made: no lost wake-up. Where something
 * changes faster than the run can decide, it waits after `turnsMax` turns all the same, and decides again
 * at the latest when the wait times out.
 */
export function storeWait(
  record: SecretRecord,
  ticket: Ticket,
  wait: { readonly token: string; readonly decision: string; readonly seenSeq: number },
): SecretRecord | "decideAgain" {
  const { turns = 0, ...run } = assertNotAborted(assertHolder(record, ticket));
  if (record.seq !== wait.seenSeq && turns < turnsMax) return "decideAgain";
  const { token, decision } = wait;
  return { ...record, run, wait: { rotationId: ticket.rotationId, token, decision } };
}

/** Nothing of what decides has changed, so `seq` stays. */
export function markDecideAgain(record: SecretRecord, ticket: Ticket): SecretRecord {
  return withTurn(record, assertHolder(record, ticket));
}

/**
 * A quarantine or revoke was refused, and the run goes back to its check. Both ask the same reasons, so the
 * check makes it wait; a run that comes back again and again ends here instead of filling its history.
 */
export function markSentBack(record: SecretRecord, ticket: Ticket, refusal: Refusal<string>): SecretRecord {
  const run = assertHolder(record, ticket);
  if ((run.turns ?? 0) < turnsMax) return withTurn(record, run);
  throw new NoProgress(
    `the next step was refused ${turnsMax} times without a wait in between, the last time for ${refusalText(refusal)}`,
  );
}

function withTurn(record: SecretRecord, run: Run): SecretRecord {
  return { ...record, run: { ...run, turns: (run.turns ?? 0) + 1 } };
}

export function endWait(record: SecretRecord): SecretRecord {
  const { wait: _ended, ...rest } = record;
  return rest;
}

export function placeHold(record: SecretRecord, hold: Hold): SecretRecord {
  return bump({ ...record, hold });
}

export function releaseHold(record: SecretRecord): SecretRecord {
  const { hold: _released, frozen: _looked, ...rest } = record;
  return bump(rest);
}

export function freeze(record: SecretRecord, reason: string): SecretRecord {
  return bump({ ...record, frozen: { reason } });
}

/**
 * The current version, as it was read, holds a spent key. As long as the record calls no other key current, nobody put
 * it there. Where a run came further since the record was `seen`, that version may have been replaced by it.
 */
export function freezeForSpent(
  record: SecretRecord,
  {
    seen,
    spent,
    reason,
  }: {
    readonly seen: Pick<SecretRecord, "fence" | "run">;
    readonly spent: Pick<LedgerKey, "keyId" | "compromised">;
    readonly reason: string;
  },
): SecretRecord {
  if (record.fence !== seen.fence || record.run?.phase !== seen.run?.phase) return record;
  const { keyId, compromised } = spent;
  const isInPlace = compromised === true && keyId !== undefined && currentKey(record) === undefined;
  return bump({ ...record, frozen: { reason, ...(isInPlace && { containedInPlace: keyId }) } });
}

/**
 * Only for the run that holds the secret: another run has orders of its own. An approval changes the decision, so
 * `seq` rises.
 */
export function putOrder(
  record: SecretRecord,
  { rotationId, order }: { readonly rotationId: RotationId; readonly order: PendingOrder },
): SecretRecord {
  if (record.lease?.runId !== rotationId) throw new Superseded(`${rotationId} no longer holds the secret`);
  return bump({ ...record, order });
}
