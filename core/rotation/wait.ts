import { assertHolder, bump, type Hold, type SecretRecord, type Ticket } from "./secret-record.ts";

/** Stores the wait only if nothing changed since the decision. So no wake-up is lost. */
export function storeWait(
  record: SecretRecord,
  ticket: Ticket,
  wait: { readonly token: string; readonly decision: string; readonly seenSeq: number },
): SecretRecord | "decideAgain" {
  assertHolder(record, ticket);
  if (record.seq !== wait.seenSeq) return "decideAgain";
  return { ...record, wait: { rotationId: ticket.rotationId, token: wait.token, decision: wait.decision } };
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
