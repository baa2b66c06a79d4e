import { Superseded } from "../errors.ts";
import type { KeyState } from "../keys.ts";
import {
  assertNotAborted,
  assertPromoted,
  bump,
  editById,
  type PromotedRun,
  type Run,
  type SecretRecord,
  type Ticket,
} from "./secret-record.ts";

type RetiringPhase = "revoking" | "dead";

/** How far the retirement of a key is, by its run's phase or by its own state. */
export type Progress = Run["phase"] | KeyState;

/** What is still owed for a retiring key in this state: its revoke, or only the proof that it is dead. */
export function debtKindIn(progress: Progress): "RevokeOwed" | "DeathUnproven" {
  return progress === "revoked" || progress === "dead" ? "DeathUnproven" : "RevokeOwed";
}

/** Phases only go forward: a delayed function must not set the run back to an earlier one. */
function assertPhase(run: PromotedRun, allowed: readonly PromotedRun["phase"][]): PromotedRun {
  if (allowed.includes(run.phase)) return run;
  throw new Superseded(`${run.rotationId} has come further: its retiring key is ${run.phase}`);
}

export function markQuarantined(
  record: SecretRecord,
  ticket: Ticket,
  times: { readonly quarantinedAtMs: number },
): SecretRecord {
  const run = assertNotAborted(assertPhase(assertPromoted(record, ticket), ["promoted"]));
  const next = editById(record, run.retiring.keyId, (key) => ({ ...key, state: "quarantined" }));
  return bump({ ...next, run: { ...run, phase: "quarantined", quarantinedAtMs: times.quarantinedAtMs } });
}

export function markRestored(record: SecretRecord, ticket: Ticket): SecretRecord {
  const run = assertPromoted(record, ticket);
  if (run.phase !== "quarantined") return record;
  const next = editById(record, run.retiring.keyId, (key) => ({ ...key, state: "retiring" }));
  return bump({ ...next, run: { ...run, phase: "promoted", quarantineUndone: true } });
}

/** The provider accepted the revoke: from now on the retiring key is probed until it is seen dead. */
export function markRevoked(
  record: SecretRecord,
  ticket: Ticket,
  times: { readonly revokedAtMs: number },
): SecretRecord {
  const run = assertPhase(assertPromoted(record, ticket), ["revoking", "revoked"]);
  const next = editById(record, run.retiring.keyId, (key) => ({ ...key, state: "revoked" }));
  return bump({ ...next, run: { ...run, phase: "revoked", revokedAtMs: times.revokedAtMs } });
}

/** The key still answers, and its revoke is asked for again: counted before the call, so that a crash repeats none. */
export function markRevokeRepeated(record: SecretRecord, ticket: Ticket, atMs: number): SecretRecord {
  const run = assertPhase(assertPromoted(record, ticket), ["revoked"]);
  return bump({
    ...record,
    run: { ...run, revokesAgain: (run.revokesAgain ?? 0) + 1, lastRevokeAtMs: atMs },
  });
}

/** Moves the run and its retiring key to the next phase together. `revoking` is the recorded intent. */
export function markRetiring(record: SecretRecord, ticket: Ticket, phase: RetiringPhase): SecretRecord {
  // No order to abort is taken once a revoke is recorded: this one comes before it.
  const run = assertNotAborted(assertPhase(assertPromoted(record, ticket), comesFrom[phase]));
  const next = editById(record, run.retiring.keyId, (key) => ({ ...key, state: phase }));
  const keys = phase === "dead" ? next.keys.filter((key) => key.keyId !== run.retiring.keyId) : next.keys;
  return bump({ ...next, keys, run: { ...run, phase } });
}

const comesFrom: Readonly<Record<RetiringPhase, readonly PromotedRun["phase"][]>> = {
  revoking: ["promoted", "quarantined", "revoking"],
  dead: ["revoking", "revoked", "dead"],
};
