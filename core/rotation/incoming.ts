import { Superseded } from "../errors.ts";
import { isUnused, keyName, type LedgerKey } from "../keys.ts";
import type { Fingerprint, KeyId, RotationId, VersionId } from "../ports.ts";
import {
  assertHolder,
  assertNotAborted,
  assertPromoted,
  baseOf,
  bump,
  editById,
  editKey,
  type PlacedKey,
  promotedRun,
  type Run,
  type SecretRecord,
  type Ticket,
} from "./secret-record.ts";

/**
 * ProveIncoming is retried for some 3.5 minutes, so a new key that needs this long is still waited for (L4).
 */
export const activateMsMax = 120_000;

/**
 * Records the intent before the provider is asked, so that a key with this name is always known to be ours
 * (S3).
 */
export function claimAttempt(
  record: SecretRecord,
  ticket: Ticket,
  settings: { readonly scopes?: readonly string[] } = {},
): SecretRecord {
  const run = assertOpened(assertHolder(record, ticket));
  const attempt = run.attempt + 1;
  const intended: LedgerKey = {
    name: keyName({ rotationId: ticket.rotationId, attempt }),
    state: "intended",
    rotationId: ticket.rotationId,
    attempt,
    ...(settings.scopes && { scopes: settings.scopes }),
  };
  return bump({ ...record, run: { ...run, attempt }, keys: [...record.keys, intended] });
}

/** So often a run lets its new admin credential prove itself: each try makes a key, and deletes it. */
export const canariesMax = 5;

/**
 * The intent of a key that a new admin credential makes only to show that it can. Written before the call, like that
 * of every key (S3). Undefined if the run is past it, or has tried often enough.
 */
export function claimCanary(record: SecretRecord, ticket: Ticket): SecretRecord | undefined {
  const run = assertNotAborted(assertHolder(record, ticket));
  if (run.phase !== "staged" || run.attempt - attemptOfIncoming(record, run) >= canariesMax) return undefined;
  const { rotationId } = ticket;
  const attempt = run.attempt + 1;
  const canary = { name: keyName({ rotationId, attempt }), state: "intended" as const, rotationId, attempt };
  return bump({ ...record, run: { ...run, attempt }, keys: [...record.keys, canary] });
}

/** The canaries of the run that may be at the provider, the newest last. */
export function canariesOf(record: SecretRecord): readonly LedgerKey[] {
  const { run, keys } = record;
  if (run?.phase !== "staged") return [];
  const mintedAt = attemptOfIncoming(record, run);
  return keys.filter(
    ({ rotationId, state, attempt = 0 }) =>
      rotationId === run.rotationId && state === "intended" && attempt > mintedAt,
  );
}

function attemptOfIncoming({ keys }: SecretRecord, { incoming }: { readonly incoming: PlacedKey }): number {
  return keys.find(({ keyId }) => keyId === incoming.keyId)?.attempt ?? 0;
}

/**
 * Keys of this run that no version holds and no later step can use. They are discarded before the next mint.
 */
export function keysToDiscard(record: SecretRecord, rotationId: RotationId): readonly LedgerKey[] {
  return record.keys.filter(
    (key) =>
      key.rotationId === rotationId &&
      (key.state === "intended" || key.state === "minted" || key.state === "stray"),
  );
}

export interface Attempt {
  readonly attempt: number;
}

export function markMinted(
  record: SecretRecord,
  ticket: Ticket,
  minted: Attempt & {
    readonly keyId: KeyId;
    readonly fingerprint: Fingerprint;
    readonly expiresAtMs?: number;
  },
): SecretRecord {
  assertAttempt(record, ticket, minted);
  const { attempt, ...facts } = minted;
  return bump(editKey(record, nameOf(ticket, attempt), (key) => ({ ...key, ...facts, state: "minted" })));
}

export function markStaged(
  record: SecretRecord,
  ticket: Ticket,
  staged: Attempt & { readonly incoming: PlacedKey; readonly copiedFrom?: Copied },
): SecretRecord {
  const run = assertAttempt(record, ticket, staged);
  const { incoming, copiedFrom } = staged;
  const next = editKey(record, nameOf(ticket, staged.attempt), (key) => ({
    ...key,
    versionId: incoming.versionId,
    state: "staged",
  }));
  const base = { ...baseOf(run), phase: "staged" as const, incoming };
  if (copiedFrom === undefined || copiedFrom.fingerprint !== run.retiring.fingerprint)
    return bump({ ...next, run: base });
  const { versionId } = copiedFrom;
  const both = editById(next, run.retiring.keyId, (key) => ({ ...key, versionId }));
  return bump({ ...both, run: { ...base, retiring: { ...run.retiring, versionId } } });
}

/**
 * The version from which the pending one has its other fields. Somebody may have edited them since the run
 * opened, so the promotion may replace only this version: otherwise it would undo the edit.
 */
type Copied = Pick<PlacedKey, "versionId" | "fingerprint">;

/**
 * Where Rekey makes up a key's text, every call of one attempt asks for the same key. Once one of them has placed it,
 * a call that comes late must not take it back.
 */
export function isPlaced({ run, keys }: SecretRecord, keyId: KeyId): boolean {
  if (run !== undefined && run.phase !== "opened" && run.incoming.keyId === keyId) return true;
  return keys.some((key) => key.keyId === keyId && !isUnused(key));
}

/** Whether the run still has to promote this version, which therefore stays pending. */
export function isToPromote({ run }: SecretRecord, versionId: VersionId): boolean {
  if (run === undefined || run.phase === "opened" || promotedRun(run) !== undefined) return false;
  return run.incoming.versionId === versionId;
}

/** Removes a key of this run that was deleted or is gone from the listing. */
export function markDiscarded(record: SecretRecord, ticket: Ticket, name: string): SecretRecord {
  assertHolder(record, ticket);
  return bump({ ...record, keys: record.keys.filter((key) => key.name !== name) });
}

/** Throws Superseded unless the ticket's run still waits for the key of this attempt. */
export function assertAttempt(record: SecretRecord, ticket: Ticket, { attempt }: Attempt): Run {
  const run = assertOpened(assertHolder(record, ticket));
  if (run.attempt !== attempt)
    throw new Superseded(`attempt ${attempt} was overtaken by attempt ${run.attempt}`);
  return run;
}

/** A delayed function must not replace a key that its successor has staged. */
function assertOpened(run: Run): Run {
  if (run.phase !== "opened")
    throw new Superseded(`${run.rotationId} has its key already: it is ${run.phase}`);
  if (run.givenUp === true) throw new Superseded(`${run.rotationId} is being rolled back`);
  return assertNotAborted(run);
}

export function markProven(record: SecretRecord, ticket: Ticket): SecretRecord {
  const run = assertNotAborted(assertHolder(record, ticket));
  return run.phase === "staged" ? bump({ ...record, run: { ...run, phase: "proven" } }) : record;
}

/** Recorded before the promotion: from then on the move counts as done for whoever takes over. */
export function markPromoting(record: SecretRecord, ticket: Ticket): SecretRecord {
  const run = assertHolder(record, ticket);
  if (run.phase !== "proven") return record;
  return bump({ ...record, run: { ...assertNotAborted(run), phase: "promoting" } });
}

/**
 * The move was refused because the current version holds somebody else's key, so it cannot happen any more.
 * If an earlier try may have succeeded, consumers may have fetched the incoming key: then it becomes a
 * superseded key, to be revoked later, and is not deleted with its run.
 */
export function markPromotionRefused(
  record: SecretRecord,
  ticket: Ticket,
  before: { readonly mayHaveLanded: boolean },
): SecretRecord {
  const run = assertHolder(record, ticket);
  if (run.phase !== "promoting") return record;
  const next = bump({ ...record, run: { ...run, phase: "proven" } });
  return before.mayHaveLanded
    ? editById(next, run.incoming.keyId, (key) => ({ ...key, state: "retiring" }))
    : next;
}

/** Other fields of the secret changed meanwhile: the same incoming key is in a newer version now. */
export function markMerged(
  record: SecretRecord,
  ticket: Ticket,
  merged: { readonly incomingVersionId: VersionId; readonly retiringVersionId: VersionId },
): SecretRecord {
  const run = assertHolder(record, ticket);
  if (run.phase !== "promoting") return record;
  const incoming = { ...run.incoming, versionId: merged.incomingVersionId };
  const retiring = { ...run.retiring, versionId: merged.retiringVersionId };
  const moved = editById(record, incoming.keyId, (key) => ({ ...key, versionId: incoming.versionId }));
  const both = editById(moved, retiring.keyId, (key) => ({ ...key, versionId: retiring.versionId }));
  return bump({ ...both, run: { ...run, incoming, retiring } });
}

export function markPromoted(
  record: SecretRecord,
  ticket: Ticket,
  times: { readonly promotedAtMs: number; readonly deadlineAtMs: number },
): SecretRecord {
  const run = assertHolder(record, ticket);
  if (run.phase !== "promoting") return record;
  const phase = containedAs(record.keys.find(({ keyId }) => keyId === run.retiring.keyId)) ?? "promoted";
  const state = phase === "promoted" ? "retiring" : phase;
  const retired = editById(record, run.retiring.keyId, (key) => ({ ...key, state }));
  const next = editById(retired, run.incoming.keyId, (key) => ({ ...key, state: "current" }));
  const keys = next.keys.filter((key) => key.state !== "dead");
  const lifted = withoutFreezeOf(next, run.retiring.keyId);
  return bump({ ...lifted, keys, run: { ...baseOf(run), phase, incoming: run.incoming, ...times } });
}

/** What Rekey itself contained is replaced now; what was changed outside Rekey a person still has to look at. */
function withoutFreezeOf(record: SecretRecord, keyId: KeyId): SecretRecord {
  const { frozen, ...rest } = record;
  return frozen?.containedInPlace === keyId ? rest : record;
}

/** If an incident has contained the key before it was replaced, the key stays in that state. */
function containedAs(retiring: LedgerKey | undefined) {
  return (["quarantined", "revoking", "revoked", "dead"] as const).find((state) => state === retiring?.state);
}

/**
 * If the promotion was retried, the current version may have changed later than the time at which its state
 * was entered, and until then an instance may have fetched the retiring key once more. So waits count from
 * the first time that is surely after the move, from whichever step has it. That time is stored with the
 * key, and later steps do not change it.
 */
export function markSeenPromoted(
  record: SecretRecord,
  ticket: Ticket,
  seen: { readonly atMs: number },
): SecretRecord {
  const run = assertNotAborted(assertPromoted(record, ticket));
  const known = record.keys.find(({ keyId }) => keyId === run.incoming.keyId);
  if (run.phase !== "promoted" || known === undefined || known.promotedAtMs !== undefined) return record;
  const promotedAtMs = Math.max(seen.atMs, run.promotedAtMs);
  const next = editById(record, run.incoming.keyId, (key) => ({ ...key, promotedAtMs }));
  return bump({ ...next, run: { ...run, promotedAtMs } });
}

function nameOf({ rotationId }: Ticket, attempt: number): string {
  return keyName({ rotationId, attempt });
}
