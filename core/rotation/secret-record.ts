import { Aborted, Superseded } from "../errors.ts";
import type { KeyStanding, LedgerKey } from "../keys.ts";
import type { PendingOrder } from "../orders.ts";
import type { Fingerprint, KeyId, RotationId, SecretArn, VersionId } from "../ports.ts";
import type { DeathWatch, Repeats } from "./death.ts";

/**
 * Everything about one secret that must change together, in one item: lease, fence, phase and the states of
 * its live keys (S4). Each change (lease.ts, incoming.ts, retiring.ts, wait.ts) is a pure transition. The
 * ledger writes its result only if nobody else wrote meanwhile, so a check inside the transition still holds
 * at the write.
 */
export interface SecretRecord {
  readonly secretArn: SecretArn;
  /** Counts the leases. A run whose ticket has an older fence must not change anything. */
  readonly fence: number;
  /** Counts every change that may alter a decision: evidence, a hold, a policy. */
  readonly seq: number;
  /** How many of them were evidence with which the gate stays open. Absent: none. */
  readonly helped?: number;
  readonly lease?: Lease;
  readonly run?: Run;
  readonly keys: readonly LedgerKey[];
  /** The last runs that ended here: a late repeat of their first step must not open them again. */
  readonly ended: readonly RotationId[];
  readonly hold?: Hold;
  readonly wait?: Wait;
  /** The order of the run that holds the secret which another person has to approve. */
  readonly order?: PendingOrder;
  /** The run from which an incident took the secret; kept until another run opens here. */
  readonly fenced?: Fenced;
  /** The current version was changed outside Rekey: nothing is revoked until a person lifts the freeze. */
  readonly frozen?: Frozen;
  /** The run whose promotion Secrets Manager asked for, by calling finishSecret. */
  readonly finished?: RotationId;
  /** The rotation function through which a native rotation came; another one would rotate past Rekey. */
  readonly nativeFunction?: string;
  readonly queued?: QueuedRotation;
  /** The newest run that waited for its turn. It holds nothing: kept for people. */
  readonly turn?: AwaitedTurn;
  readonly refused?: RefusedRun;
}

/** The last run that failed before it held the secret; kept until another one opens here. */
export interface RefusedRun extends Owed {
  readonly rotationId: RotationId;
  readonly atMs: number;
}

/** Many rotations of one provider account were due at once, and this run begins later. */
export interface AwaitedTurn {
  readonly rotationId: RotationId;
  readonly account: string;
  readonly atMs: number;
}

/** Secrets Manager's button was pressed while something was in the way of any rotation. */
export interface QueuedRotation {
  /** Of Secrets Manager's rotation. */
  readonly token: VersionId;
  readonly atMs: number;
}

export interface Frozen {
  readonly reason: string;
  /** Nobody put this key there: an incident contained it where it was, and its replacement lifts the freeze. */
  readonly containedInPlace?: KeyId;
}

export interface Lease {
  readonly runId: string;
  readonly kind: "rotation" | "incident";
  readonly executionArn: string;
  /** The incident for which this run works; absent if the run still has the incident's own id. */
  readonly incidentId?: string;
}

export interface Hold {
  readonly by: string;
  readonly reason: string;
  /** Placed without a second person, in a deployment that asks for one. */
  readonly alone?: true;
  /** The request of `rekey leave` that is at work under it. */
  readonly leaving?: string;
}

export interface Wait {
  readonly rotationId: RotationId;
  readonly token: string;
  /** Verdict and reasons without ages: the wait ends when this text changes. */
  readonly decision: string;
}

/** What a repeated take-over has to know about the run that it ended. */
export interface Fenced {
  readonly incidentId: string;
  readonly standing: KeyStanding;
  readonly rotationId: RotationId;
  /** The incident goes on with the run's incoming key, until the provider refuses it. */
  readonly reused?: boolean;
  /** The token of the wait that the take-over ended. */
  readonly token?: string;
}

/** A key in its place: its id at the provider, its version in the store, its fingerprint. */
export interface PlacedKey {
  readonly keyId: KeyId;
  readonly versionId: VersionId;
  readonly fingerprint: Fingerprint;
}

/** Why work is still owed, in words; `error` is the name of what ended the run, such as `AdoptionOverdue`. */
export interface Owed {
  readonly reason: string;
  readonly error?: string;
}

export interface RunBase {
  readonly rotationId: RotationId;
  /** The last attempt. Attempt numbers are never reused, not even by a run that resumes this one. */
  readonly attempt: number;
  readonly retiring: PlacedKey;
  /** Set if the run ended with work still owed: the next run resumes it instead of minting. */
  readonly owed?: Owed;
  /** The roll-back has begun: a mint that is still under way must not stage its key any more. */
  readonly givenUp?: boolean;
  /** A person ordered it back to safety: no step of it changes anything any more. The run that resumes it drops this. */
  readonly aborted?: { readonly by: string; readonly reason: string };
  /** How often it went back to its check since it last waited. */
  readonly turns?: number;
}

export type Run = RunBase &
  (
    | { readonly phase: "opened" }
    | { readonly phase: "staged" | "proven" | "promoting"; readonly incoming: PlacedKey }
    | PromotedPart
  );

interface PromotedPart extends Repeats {
  readonly phase: "promoted" | "quarantined" | "revoking" | "revoked" | "dead";
  readonly incoming: PlacedKey;
  readonly promotedAtMs: number;
  readonly deadlineAtMs: number;
  readonly revokedAtMs?: number;
  readonly quarantinedAtMs?: number;
  /** A quarantine was undone because somebody still needed the key. It is not tried again. */
  readonly quarantineUndone?: boolean;
  readonly death?: DeathWatch;
}

export type PromotedRun = RunBase & PromotedPart;

/** What each step gets: the id of its run, and the fence that the run was given. */
export interface Ticket {
  readonly secretArn: SecretArn;
  readonly rotationId: RotationId;
  readonly fence: number;
}

export function emptyRecord(secretArn: SecretArn): SecretRecord {
  return { secretArn, fence: 0, seq: 0, keys: [], ended: [] };
}

/** Throws Superseded unless this ticket's run still holds the secret. */
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

/** Throws Aborted if a person has ordered the run back to safety. Asked by every transition that begins something. */
export function assertNotAborted<Some extends Run>(run: Some): Some {
  if (run.aborted === undefined) return run;
  throw new Aborted(`${run.aborted.by} aborted it: ${run.aborted.reason}`);
}

const endedMax = 8;

/** The last runs that ended here, including this one. */
export function endedWith({ ended }: Pick<SecretRecord, "ended">, runId: RotationId): readonly RotationId[] {
  return [...ended, runId].slice(-endedMax);
}

/** The incident that holds the secret now. */
export function incidentWith({ lease }: Pick<SecretRecord, "lease">): string | undefined {
  return lease?.kind === "incident" ? (lease.incidentId ?? lease.runId) : undefined;
}

export function currentKey(record: SecretRecord): LedgerKey | undefined {
  return record.keys.find((key) => key.state === "current");
}

/**
 * Makes `key` the one that the ledger takes the current version to hold. The previous current key may still
 * be in use, so it stays in the item and is revoked later (superseded.ts).
 */
export function adoptCurrent(record: SecretRecord, key: LedgerKey & PlacedKey): SecretRecord {
  const others = record.keys
    .filter(({ keyId }) => keyId !== key.keyId)
    .map((known) => (known.state === "current" ? { ...known, state: "retiring" as const } : known));
  // If a key comes back, nobody knows since when it is current again: its stored promotion is the earlier one.
  const { promotedAtMs: _before, ...returned } = key;
  const adopted = currentKey(record)?.keyId === key.keyId ? key : returned;
  return bump({ ...record, keys: [...others, { ...adopted, state: "current" }] });
}

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

export function isBeforePromotion(run: Run): boolean {
  return run.phase === "opened" || run.phase === "staged" || run.phase === "proven";
}

export function bump(record: SecretRecord): SecretRecord {
  return { ...record, seq: record.seq + 1 };
}

/** For evidence with which the gate stays open: it wakes whoever waits, and overtakes no revoke. */
export function bumpHelped(record: SecretRecord): SecretRecord {
  return { ...bump(record), helped: (record.helped ?? 0) + 1 };
}

/** Counts only what may close a gate that was open at the last look. */
export function closingSeq({ seq, helped = 0 }: SecretRecord): number {
  return seq - helped;
}

export function baseOf(run: Run): RunBase {
  const { rotationId, attempt, retiring, aborted } = run;
  return { rotationId, attempt, retiring, ...(aborted !== undefined && { aborted }) };
}

type KeyEdit = (key: LedgerKey) => LedgerKey;

export function editKey(record: SecretRecord, name: string, edit: KeyEdit): SecretRecord {
  return { ...record, keys: record.keys.map((key) => (key.name === name ? edit(key) : key)) };
}

export function editById(record: SecretRecord, keyId: KeyId, edit: KeyEdit): SecretRecord {
  return { ...record, keys: record.keys.map((key) => (key.keyId === keyId ? edit(key) : key)) };
}

export interface Opening {
  readonly rotationId: RotationId;
  readonly executionArn: string;
  readonly kind: Lease["kind"];
}
