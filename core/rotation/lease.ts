import { Superseded } from "../errors.ts";
import { isUnused } from "../keys.ts";
import {
  adoptCurrent,
  assertHolder,
  assertNotAborted,
  assertPromoted,
  baseOf,
  bump,
  editById,
  endedWith,
  isBeforePromotion,
  type Opening,
  type Owed,
  type PlacedKey,
  promotedRun,
  type Run,
  type SecretRecord,
  type Ticket,
} from "./secret-record.ts";
import { type Resuming, runForSuperseded } from "./superseded.ts";

export function openRun(
  record: SecretRecord,
  opening: Opening & { readonly retiring: PlacedKey },
): SecretRecord {
  const run: Run = {
    phase: "opened",
    rotationId: opening.rotationId,
    attempt: 0,
    retiring: opening.retiring,
  };
  return { ...takeLease(record, opening), run };
}

/** Resumes a debt under a new lease with a new deadline. What the owing run had reached stays. */
export function resumeRun(
  record: SecretRecord,
  opening: Opening & { readonly deadlineAtMs: number },
): SecretRecord {
  if (record.run === undefined) throw new Superseded("there is no run to resume");
  const { owed: _taken, turns: _others, aborted: _order, ...run } = record.run;
  const promoted = promotedRun(run);
  const { rotationId, deadlineAtMs } = opening;
  const resumed: Run = promoted ? { ...promoted, rotationId, deadlineAtMs } : { ...run, rotationId };
  const taken = { ...takeLease(record, opening), run: resumed };
  if (promoted !== undefined || run.phase === "opened") return taken;
  // Until it is promoted the incoming key belongs to its run, so that a roll-back of this run deletes it.
  return editById(taken, run.incoming.keyId, (key) => ({ ...key, rotationId }));
}

/** Resumes the revoke of a superseded key, under a lease and a deadline of its own. */
export function resumeSuperseded(record: SecretRecord, resuming: Resuming): SecretRecord {
  const known = adoptCurrent(record, { ...resuming.current, state: "current" });
  return { ...takeLease(known, resuming), run: runForSuperseded(resuming) };
}

function takeLease(record: SecretRecord, { rotationId, executionArn, kind }: Opening): SecretRecord {
  const { wait: _ended, fenced: _over, order: _others, refused: _earlier, turn: _come, ...rest } = record;
  return {
    ...rest,
    fence: record.fence + 1,
    seq: record.seq + 1,
    lease: { runId: rotationId, kind, executionArn },
  };
}

/** Frees the secret: the run is over and owes nothing. */
export function closeRun(record: SecretRecord, ticket: Ticket): SecretRecord {
  assertHolder(record, ticket);
  const { run: _over, ...rest } = freeLease(record, ticket);
  return rest;
}

/** Everyone has moved, and the retiring key stays alive because its policy says so: the run is over and owes nothing. */
export function closeRetained(record: SecretRecord, ticket: Ticket): SecretRecord {
  const run = assertNotAborted(assertPromoted(record, ticket));
  if (run.phase !== "promoted") throw new Superseded(`the retiring key is ${run.phase}: it is not kept`);
  const kept = editById(record, run.retiring.keyId, (key) => ({ ...key, retained: true }));
  return closeRun(kept, ticket);
}

/** Frees the secret and keeps the run: both keys stay alive until another run pays the debt. */
export function oweRun(record: SecretRecord, ticket: Ticket, owed: Owed): SecretRecord {
  const run = assertHolder(record, ticket);
  return { ...freeLease(record, ticket), run: { ...run, owed } };
}

function freeLease(record: SecretRecord, { rotationId }: Ticket): SecretRecord {
  const { lease: _freed, wait: _over, order: _done, ...rest } = record;
  return bump({ ...rest, ended: endedWith(record, rotationId) });
}

/**
 * The first half of a roll-back, decided in the item itself: from then on no promotion of this run can start,
 * and its keys are strays. If the run may have promoted already, nothing changes.
 */
export function giveUp(record: SecretRecord, ticket: Ticket): SecretRecord {
  const run = assertHolder(record, ticket);
  if (!isBeforePromotion(run)) return record;
  const keys = record.keys.map((key) =>
    key.rotationId === ticket.rotationId && isUnused(key) ? { ...key, state: "stray" as const } : key,
  );
  return bump({ ...record, keys, run: { ...baseOf(run), phase: "opened", givenUp: true } });
}
