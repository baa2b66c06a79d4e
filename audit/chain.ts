import { InputInvalid, LedgerContended } from "../core/errors.ts";
import type { Digest, SecretArn, Table } from "../core/ports.ts";
import { type AuditEntry, type AuditEvent, assertEvent, entryAt, entryIn, noHash } from "./entry.ts";
import { type Anchored, chainReader, type Verification } from "./verify-chain.ts";

const appendAttemptsMax = 20;
const pageSize = 500;
const pagesMax = 2_000;
const seqDigits = 12;

/** An append-only log per secret in which every entry carries the hash of the one before it. */
export interface AuditLog {
  /**
   * Appends once for each `event.id`: a repeat does nothing. Throws LedgerContended if other writers are
   * always faster.
   */
  append(secretArn: SecretArn, event: AuditEvent): Promise<void>;
  /**
   * Every entry, or those after the place `afterSeq`, oldest first. Throws InputInvalid at a record that is not an audit
   * entry.
   */
  entries(secretArn: SecretArn, afterSeq?: number): AsyncIterable<AuditEntry>;
  /** The last entry; undefined of an empty log. */
  newest(secretArn: SecretArn): Promise<AuditEntry | undefined>;
  /**
   * Recomputes the chain. The chain alone cannot show that its end was cut off or that all of it was
   * rewritten: `anchored` says which entries it is known to have held.
   */
  verify(secretArn: SecretArn, anchored?: readonly Anchored[]): Promise<Verification>;
}

export interface AuditLogOptions {
  readonly table: Table;
  readonly digest: Digest;
  readonly now: () => number;
}

export function auditLog(options: AuditLogOptions): AuditLog {
  const { table, digest } = options;
  return {
    append: (secretArn, event) => append(options, secretArn, event),
    newest: (secretArn) => headOf(table, secretArn),

    async *entries(secretArn, afterSeq = 0) {
      for await (const body of bodies(table, secretArn, afterSeq)) {
        const entry = entryIn(body);
        if (!entry)
          throw new InputInvalid(
            `the audit log of ${secretArn} contains a record that is not an entry: verify it`,
          );
        yield entry;
      }
    },

    async verify(secretArn, anchored = []) {
      const reader = chainReader({ secretArn, digest, anchored });
      for await (const body of bodies(table, secretArn)) {
        if (!reader.accepts(body)) break;
      }
      return reader.verification();
    },
  };
}

async function append(options: AuditLogOptions, secretArn: SecretArn, event: AuditEvent): Promise<void> {
  const { table, digest, now } = options;
  const dated = { atMs: now(), detail: {}, ...event };
  assertEvent(dated);
  for (let attempt = 1; attempt <= appendAttemptsMax; attempt += 1) {
    const head = await headOf(table, secretArn);
    const seq = (head?.seq ?? 0) + 1;
    const claim = await claimPlace(table, { secretArn, id: event.id, seq });
    if (claim === "appended") return;
    if (claim === "contended") continue;

    const entry = entryAt({ secretArn, seq, previousHash: head?.hash ?? noHash }, dated, digest);
    if (await table.put({ ...auditKey(secretArn, seq), revision: 1, body: entry })) return;
  }
  throw new LedgerContended(
    `the audit log of ${secretArn} is busy: ${appendAttemptsMax} appends were too late`,
  );
}

/**
 * First a claim is written that names the place of this id. The id may be written only there, and the claim
 * moves to another place only when another id has taken that one for good. So even a function that was frozen
 * meanwhile cannot write the same id twice.
 */
async function claimPlace(
  table: Table,
  { secretArn, id, seq }: { readonly secretArn: SecretArn; readonly id: string; readonly seq: number },
): Promise<"claimed" | "appended" | "contended"> {
  const key = { kind: "AUDITID", id: secretArn, sort: id };
  if (await table.put({ ...key, revision: 1, body: { seq } })) return "claimed";

  const stored = await table.get(key);
  const claimed = stored?.body as { readonly seq: number } | undefined;
  if (!stored || !claimed) return "contended";
  const taken = await entryOf(table, secretArn, claimed.seq);
  if (!taken) return "claimed";
  if (taken.id === id) return "appended";
  await table.put({ ...key, revision: stored.revision + 1, body: { seq } });
  return "contended";
}

async function headOf(table: Table, secretArn: SecretArn): Promise<AuditEntry | undefined> {
  const [newest] = await table.query({ kind: "AUDIT", id: secretArn, newestFirst: true, limit: 1 });
  return newest && soundEntry(newest.body, secretArn);
}

async function entryOf(table: Table, secretArn: SecretArn, seq: number): Promise<AuditEntry | undefined> {
  const stored = await table.get(auditKey(secretArn, seq));
  return stored && soundEntry(stored.body, secretArn);
}

function soundEntry(body: unknown, secretArn: SecretArn): AuditEntry {
  const entry = entryIn(body);
  if (!entry)
    throw new InputInvalid(`the audit log of ${secretArn} contains a record that is not an entry: verify it`);
  return entry;
}

/** Where the entry of this place is kept. */
export function auditKey(secretArn: SecretArn, seq: number) {
  return { kind: "AUDIT", id: secretArn, sort: String(seq).padStart(seqDigits, "0") };
}

async function* bodies(table: Table, secretArn: SecretArn, afterSeq = 0): AsyncGenerator<unknown> {
  let after = afterSeq === 0 ? undefined : auditKey(secretArn, afterSeq).sort;
  for (let page = 0; page < pagesMax; page += 1) {
    const from = after === undefined ? {} : { after };
    const records = await table.query({ kind: "AUDIT", id: secretArn, limit: pageSize, ...from });
    for (const record of records) yield record.body;
    if (records.length < pageSize) return;
    after = records.at(-1)?.sort;
  }
  throw new InputInvalid(`the audit log of ${secretArn} has more than ${pagesMax * pageSize} entries`);
}

/** The audit chain for what concerns no single secret. */
export const deploymentChain = "rekey";
