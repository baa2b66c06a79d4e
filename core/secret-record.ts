import { Superseded } from "./errors.ts";
import { keyName, type LedgerKey } from "./keys.ts";
import type { Fingerprint, KeyId, RotationId, SecretArn, VersionId } from "./ports.ts";

/**
 * Everything that must change together about one secret, in one item: lease, fence, phase and the states of its
 * live keys (S4). Each function here is a pure transition; the ledger writes its result only if nobody else
 * wrote in between, so a check made inside a transition holds at the instant of the write.
 */
export interface SecretRecord {
  readonly secretArn: SecretArn;
  /** Rises with every lease taken; a run whose ticket shows an older one may change nothing. */
  readonly fence: number;
  /** Rises with everything that may change a decision: evidence, a hold, a policy. */
  readonly seq: number;
  readonly lease?: Lease;
  readonly run?: Run;
  readonly keys: readonly LedgerKey[];
  /** The last runs that ended here: a late repeat of their first step must not open them again. */
  readonly ended: readonly RotationId[];
  readonly hold?: Hold;
  readonly wait?: Wait;
  /** Somebody else's hand was seen on AWSCURRENT: no revoke until a person looked. */
  readonly frozen?: { readonly reason: string };
}

export interface Lease {
  readonly runId: string;
  readonly kind: "rotation" | "incident";
  readonly executionArn: string;
}

export interface Hold {
  readonly by: string;
  readonly reason: string;
}

export interface Wait {
  readonly rotationId: RotationId;
  readonly token: string;
  /** Verdict and reasons without their ages: the wait ends when this changes. */
  readonly decision: string;
}

/** A key at its place: id at the provider, version in the store, fingerprint of its text. */
export interface PlacedKey {
  readonly keyId: KeyId;
  readonly versionId: VersionId;
  readonly fingerprint: Fingerprint;
}

interface RunBase {
  readonly rotationId: RotationId;
  /** The last attempt claimed; attempts are never reused, not even by a resuming run. */
  readonly attempt: number;
  readonly retiring: PlacedKey;
  /** Set when a run ended with work still owed: the next one resumes it instead of minting. */
  readonly owed?: { readonly reason: string };
}

export type Run = RunBase &
  (
    | { readonly phase: "opened" }
    | { readonly phase: "staged" | "proven" | "promoting"; readonly incoming: PlacedKey }
    | PromotedPart
  );

interface PromotedPart {
  readonly phase: "promoted" | "quarantined" | "revoking" | "revoked" | "dead";
  readonly incoming: PlacedKey;
  readonly promotedAtMs: number;
  readonly deadlineAtMs: number;
  readonly revokedAtMs?: number;
  readonly quarantinedAtMs?: number;
  /** A quarantine was undone because somebody still needed the key: not tried a second time. */
  readonly quarantineUndone?: boolean;
  readonly death?: DeathWatch;
}

export type PromotedRun = RunBase & PromotedPart;

/** Refusals in a row since the first of them; one success starts it again. */
export interface DeathWatch {
  readonly refusals: number;
  readonly firstRefusedAtMs: number;
}

/** What a step carries: which run it belongs to, and the fence that run was given. */
export interface Ticket {
  readonly secretArn: SecretArn;
  readonly rotationId: RotationId;
  readonly fence: number;
}

export function emptyRecord(secretArn: SecretArn): SecretRecord {
  return { secretArn, fence: 0, seq: 0, keys: [], ended: [] };
}

const endedMax = 8;

/** Throws Superseded unless the run of this ticket still holds the secret. */
export function assertHolder(record: SecretRecord, ticket: Ticket): Run {
  if (
    record.lease?.runId !== ticket.rotationId ||
    record.fence !== ticket.fence ||
    record.run === undefined
  ) {
    throw new Superseded(
      `${ticket.rotationId} no longer holds the secret: ${record.lease?.runId ?? "nobody"} does, at fence ${record.fence}`,
    );
  }
  return record.run;
}

export function currentKey(record: SecretRecord): LedgerKey | undefined {
  return record.keys.find((key) => key.state === "current");
}

// ---- opening and closing ---------------------------------------------------------------------------------

/** Makes `key` the one the ledger believes AWSCURRENT to hold. Onboarding and edits of other fields use it. */
export function adoptCurrent(record: SecretRecord, key: LedgerKey & PlacedKey): SecretRecord {
  const others = record.keys.filter((known) => known.state !== "current" && known.keyId !== key.keyId);
  return bump({ ...record, keys: [...others, { ...key, state: "current" }] });
}

export interface Opening {
  readonly rotationId: RotationId;
  readonly executionArn: string;
  readonly kind: Lease["kind"];
}

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

/** A debt is resumed under a new lease and a new deadline; what the owing run had reached stays. */
export function resumeRun(
  record: SecretRecord,
  opening: Opening & { readonly deadlineAtMs: number },
): SecretRecord {
  if (record.run === undefined) throw new Superseded("there is no run to resume");
  const { owed: _taken, ...run } = record.run;
  const promoted = promotedRun(run);
  const { rotationId, deadlineAtMs } = opening;
  const resumed: Run = promoted ? { ...promoted, rotationId, deadlineAtMs } : { ...run, rotationId };
  return { ...takeLease(record, opening), run: resumed };
}

function takeLease(record: SecretRecord, { rotationId, executionArn, kind }: Opening): SecretRecord {
  const { wait: _ended, ...rest } = record;
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

/** Frees the secret and keeps the run: both keys stay alive until another run pays the debt. */
export function oweRun(record: SecretRecord, ticket: Ticket, reason: string): SecretRecord {
  const run = assertHolder(record, ticket);
  return { ...freeLease(record, ticket), run: { ...run, owed: { reason } } };
}

function freeLease(record: SecretRecord, { rotationId }: Ticket): SecretRecord {
  const { lease: _freed, wait: _over, ...rest } = record;
  return bump({ ...rest, ended: [...record.ended, rotationId].slice(-endedMax) });
}

// ---- making the incoming key -----------------------------------------------------------------------------

/** The intent: written before the provider is asked, so a key with this name is ours whatever happens (S3). */
export function claimAttempt(
  record: SecretRecord,
  ticket: Ticket,
  settings: { readonly scopes?: readonly string[] } = {},
): SecretRecord {
  const run = assertHolder(record, ticket);
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

/** Keys of this run that no version holds and no later step can use: to be discarded before the next mint. */
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
  staged: Attempt & { readonly incoming: PlacedKey },
): SecretRecord {
  const run = assertAttempt(record, ticket, staged);
  const { versionId } = staged.incoming;
  const next = editKey(record, nameOf(ticket, staged.attempt), (key) => ({
    ...key,
    versionId,
    state: "staged",
  }));
  return bump({ ...next, run: { ...baseOf(run), phase: "staged", incoming: staged.incoming } });
}

/** A key whose name was listed as gone, or deleted: nothing is left to account for. */
export function markDiscarded(record: SecretRecord, name: string): SecretRecord {
  return bump({ ...record, keys: record.keys.filter((key) => key.name !== name) });
}

function assertAttempt(record: SecretRecord, ticket: Ticket, { attempt }: Attempt): Run {
  const run = assertHolder(record, ticket);
  if (run.attempt !== attempt)
    throw new Superseded(`attempt ${attempt} was overtaken by attempt ${run.attempt}`);
  return run;
}

// ---- promoting -------------------------------------------------------------------------------------------

export function markProven(record: SecretRecord, ticket: Ticket): SecretRecord {
  const run = assertHolder(record, ticket);
  return run.phase === "staged" ? bump({ ...record, run: { ...run, phase: "proven" } }) : record;
}

/** Recorded before AWSCURRENT moves: from here on the move counts as done, whoever takes over. */
export function markPromoting(record: SecretRecord, ticket: Ticket): SecretRecord {
  const run = assertHolder(record, ticket);
  return run.phase === "proven" ? bump({ ...record, run: { ...run, phase: "promoting" } }) : record;
}

/** The move was refused because AWSCURRENT is somebody else's: it can no longer land, so it did not happen. */
export function markPromotionRefused(record: SecretRecord, ticket: Ticket): SecretRecord {
  const run = assertHolder(record, ticket);
  return run.phase === "promoting" ? bump({ ...record, run: { ...run, phase: "proven" } }) : record;
}

/** Other fields of the secret changed meanwhile: the same incoming key sits in a newer version now. */
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
  const retired = editById(record, run.retiring.keyId, (key) => ({ ...key, state: "retiring" }));
  const next = editById(retired, run.incoming.keyId, (key) => ({ ...key, state: "current" }));
  return bump({ ...next, run: { ...baseOf(run), phase: "promoted", incoming: run.incoming, ...times } });
}

// ---- letting the retiring key go -------------------------------------------------------------------------

/** The run, if its promotion is done. */
export function promotedRun(run: Run | undefined): PromotedRun | undefined {
  if (run === undefined) return undefined;
  switch (run.phase) {
    case "opened":
    case "staged":
    case "proven":
    case "promoting":
      return undefined;
    case "promoted":
    case "quarantined":
    case "revoking":
    case "revoked":
    case "dead":
      return run;
  }
}

export function assertPromoted(record: SecretRecord, ticket: Ticket): PromotedRun {
  const run = promotedRun(assertHolder(record, ticket));
  if (run === undefined) throw new Superseded("the incoming key is not promoted");
  return run;
}

type RetiringPhase = "revoking" | "dead";

export function markQuarantined(
  record: SecretRecord,
  ticket: Ticket,
  times: { readonly quarantinedAtMs: number },
): SecretRecord {
  const run = assertPromoted(record, ticket);
  const next = editById(record, run.retiring.keyId, (key) => ({ ...key, state: "quarantined" }));
  return bump({ ...next, run: { ...run, phase: "quarantined", quarantinedAtMs: times.quarantinedAtMs } });
}

export function markRestored(record: SecretRecord, ticket: Ticket): SecretRecord {
  const run = assertPromoted(record, ticket);
  if (run.phase !== "quarantined") return record;
  const next = editById(record, run.retiring.keyId, (key) => ({ ...key, state: "retiring" }));
  return bump({ ...next, run: { ...run, phase: "promoted", quarantineUndone: true } });
}

/** The provider took the revoke: from here on the retiring key is watched until it is seen dead. */
export function markRevoked(
  record: SecretRecord,
  ticket: Ticket,
  times: { readonly revokedAtMs: number },
): SecretRecord {
  const run = assertPromoted(record, ticket);
  const next = editById(record, run.retiring.keyId, (key) => ({ ...key, state: "revoked" }));
  return bump({ ...next, run: { ...run, phase: "revoked", revokedAtMs: times.revokedAtMs } });
}

/** Moves the run and its retiring key to the next phase together; `revoking` is the recorded intent. */
export function markRetiring(record: SecretRecord, ticket: Ticket, phase: RetiringPhase): SecretRecord {
  const run = assertPromoted(record, ticket);
  const next = editById(record, run.retiring.keyId, (key) => ({ ...key, state: phase }));
  const keys = phase === "dead" ? next.keys.filter((key) => key.keyId !== run.retiring.keyId) : next.keys;
  return bump({ ...next, keys, run: { ...run, phase } });
}

export function markProbed(
  record: SecretRecord,
  ticket: Ticket,
  probe: { readonly refused: boolean; readonly nowMs: number },
): SecretRecord {
  const run = assertPromoted(record, ticket);
  const { death, ...rest } = run;
  if (!probe.refused) return bump({ ...record, run: rest });
  const watch: DeathWatch =
    death === undefined
      ? { refusals: 1, firstRefusedAtMs: probe.nowMs }
      : { ...death, refusals: death.refusals + 1 };
  return bump({ ...record, run: { ...rest, death: watch } });
}

/**
 * The first half of a roll-back, decided on the item itself: from here on no promotion of this run can start,
 * and its keys are strays. A run that may have promoted already is left as it is.
 */
export function giveUp(record: SecretRecord, ticket: Ticket): SecretRecord {
  const run = assertHolder(record, ticket);
  if (!isBeforePromotion(run)) return record;
  const keys = record.keys.map((key) =>
    key.rotationId === ticket.rotationId && key.state !== "current"
      ? { ...key, state: "stray" as const }
      : key,
  );
  return bump({ ...record, keys, run: { ...baseOf(run), phase: "opened" } });
}

export function isBeforePromotion(run: Run): boolean {
  return run.phase === "opened" || run.phase === "staged" || run.phase === "proven";
}

// ---- waiting, holding ------------------------------------------------------------------------------------

/** Stores the wait only if nothing changed since the decision was made: no lost wake-up. */
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

export function bump(record: SecretRecord): SecretRecord {
  return { ...record, seq: record.seq + 1 };
}

// ---- small parts -----------------------------------------------------------------------------------------

function nameOf({ rotationId }: Ticket, attempt: number): string {
  return keyName({ rotationId, attempt });
}

function baseOf(run: Run): RunBase {
  const { rotationId, attempt, retiring } = run;
  return { rotationId, attempt, retiring };
}

type KeyEdit = (key: LedgerKey) => LedgerKey;

function editKey(record: SecretRecord, name: string, edit: KeyEdit): SecretRecord {
  return { ...record, keys: record.keys.map((key) => (key.name === name ? edit(key) : key)) };
}

function editById(record: SecretRecord, keyId: KeyId, edit: KeyEdit): SecretRecord {
  return { ...record, keys: record.keys.map((key) => (key.keyId === keyId ? edit(key) : key)) };
}
