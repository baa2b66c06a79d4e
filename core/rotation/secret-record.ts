import { Superseded } from "../errors.ts";
import type { KeyStanding, LedgerKey } from "../keys.ts";
import type { Fingerprint, KeyId, RotationId, SecretArn, VersionId } from "../ports.ts";

/**
 * Everything that must change together about one secret, in one item: lease, fence, phase and the states of its
 * live keys (S4). Each change (lease.ts, incoming.ts, retiring.ts, wait.ts) is a pure transition; the ledger writes
 * its result only if nobody else wrote in between, so a check made inside it holds at the instant of the write.
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
  /** The run that an incident took the secret from, until another one opens here. */
  readonly fenced?: Fenced;
  /** Somebody else's hand was seen on AWSCURRENT: no revoke until a person looked. */
  readonly frozen?: { readonly reason: string };
}

export interface Lease {
  readonly runId: string;
  readonly kind: "rotation" | "incident";
  readonly executionArn: string;
  /** Whose run it is, where an incident has the secret; absent where the run still has the incident's own name. */
  readonly incidentId?: string;
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

/** What a repeat of the take-over has to know of the run that it ended. */
export interface Fenced {
  readonly incidentId: string;
  readonly standing: KeyStanding;
  readonly rotationId: RotationId;
  /** Its incoming key goes on as the incident's, until that was refused. */
  readonly reused?: boolean;
  /** Of the wait that ends with the take-over. */
  readonly token?: string;
}

/** A key at its place: id at the provider, version in the store, fingerprint of its text. */
export interface PlacedKey {
  readonly keyId: KeyId;
  readonly versionId: VersionId;
  readonly fingerprint: Fingerprint;
}

export interface RunBase {
  readonly rotationId: RotationId;
  /** The last attempt claimed; attempts are never reused, not even by a resuming run. */
  readonly attempt: number;
  readonly retiring: PlacedKey;
  /** Set when a run ended with work still owed: the next one resumes it instead of minting. */
  readonly owed?: { readonly reason: string };
  /** Its roll-back has begun: a mint that is still under way may not place its key any more. */
  readonly givenUp?: boolean;
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

const endedMax = 8;

/** The last runs that ended here, this one included. */
export function endedWith({ ended }: Pick<SecretRecord, "ended">, runId: RotationId): readonly RotationId[] {
  return [...ended, runId].slice(-endedMax);
}

/** The incident that has the secret now. */
export function incidentWith({ lease }: Pick<SecretRecord, "lease">): string | undefined {
  return lease?.kind === "incident" ? (lease.incidentId ?? lease.runId) : undefined;
}

export function currentKey(record: SecretRecord): LedgerKey | undefined {
  return record.keys.find((key) => key.state === "current");
}

/**
 * Makes `key` the one the ledger believes AWSCURRENT to hold. Another one that was current until now may still be in
 * use, so it stays and is owed its revoke (left-behind.ts).
 */
export function adoptCurrent(record: SecretRecord, key: LedgerKey & PlacedKey): SecretRecord {
  const others = record.keys
    .filter(({ keyId }) => keyId !== key.keyId)
    .map((known) => (known.state === "current" ? { ...known, state: "retiring" as const } : known));
  // Of a key that comes back nobody knows since when it is current again: its own promotion is long ago.
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

export function baseOf(run: Run): RunBase {
  const { rotationId, attempt, retiring } = run;
  return { rotationId, attempt, retiring };
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
