import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import * as z from "zod";
import { canonicalJson } from "../../audit/canonical-json.ts";
import { auditKey } from "../../audit/chain.ts";
import { type AuditEntry, auditEntry } from "../../audit/entry.ts";
import { jsonOrNothing } from "../../core/json.ts";
import type { TableRecord } from "../../core/ports.ts";
import type { KitContents } from "./contents.ts";

/** A log of one day's work with a kit; a longer one is cut into several. */
const linesMax = 20_000;

const start = z.strictObject({
  type: z.literal("kit"),
  kitId: z.string().regex(/^[\w-]{1,80}$/),
  environment: z.string().max(64),
  exportedAtMs: z.int().nonnegative(),
  /** The recipients of both groups whose identities opened it. */
  openedBy: z.array(z.string().max(200)).max(20),
});
export const signedEntry = auditEntry.extend({ type: z.literal("entry"), signature: z.string().max(200) });
const record = z.strictObject({
  ...{ type: z.literal("record"), kind: z.string(), id: z.string(), sort: z.string() },
  body: z.unknown(),
});

export type LogStart = Readonly<z.infer<typeof start>>;
export type SignedEntry = Readonly<z.infer<typeof signedEntry>>;

export interface OfflineLog {
  readonly start: LogStart;
  readonly entries: readonly SignedEntry[];
  readonly records: readonly TableRecord[];
}

/** Where every write of an offline run goes before the run goes on. */
export interface LogLines {
  append(record: TableRecord): void;
  /** What an earlier run with the same log wrote. */
  readonly earlier: readonly TableRecord[];
}

/** One JSON object a line: audit entries as `rekey audit entries --format jsonl` prints them, each signed, and records. */
export function logLines(
  kit: KitContents,
  { write, earlier }: { write(line: string): void; readonly earlier: readonly TableRecord[] },
): LogLines {
  const key = createPrivateKey({ key: Buffer.from(kit.signingKey, "base64"), format: "der", type: "pkcs8" });
  return {
    earlier,
    append({ kind, id, sort, body }) {
      const line =
        kind === "AUDIT"
          ? { type: "entry", ...(body as AuditEntry), signature: signed(body as AuditEntry, key) }
          : { type: "record", kind, id, sort, body };
      write(JSON.stringify(line));
    },
  };
}

function signed(body: AuditEntry, key: ReturnType<typeof createPrivateKey>): string {
  return sign(null, signedBytes(body), key).toString("base64");
}

/** The text at the beginning ensures that the signature can stand for nothing else. */
function signedBytes(body: AuditEntry): Uint8Array {
  return Buffer.from(`rekey-offline-entry ${canonicalJson(body)}`);
}

/** Whether somebody who had opened the kit wrote this entry. */
export function isSigned({ type: _type, signature, ...body }: SignedEntry, publicKey: string): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey, "base64"), format: "der", type: "spki" });
  return verify(null, signedBytes(body), key, Buffer.from(signature, "base64"));
}

/** The log in this text, or what is wrong with it. A line that was cut off, as the last one may be, is left out. */
export function readLog(text: string): OfflineLog | { readonly mistake: string } {
  const whole = text.split("\n").flatMap((line) => jsonOrNothing(line) ?? []);
  if (whole.length > linesMax) return { mistake: `the log has more than ${linesMax} lines` };
  const [first, ...rest] = whole;
  const begun = start.safeParse(first);
  if (!begun.success)
    return { mistake: "its first line does not name a kit: it is no log of `rekey contain`" };
  const entries: SignedEntry[] = [];
  const records: TableRecord[] = [];
  for (const [at, line] of rest.entries()) {
    const asEntry = signedEntry.safeParse(line);
    const asRecord = asEntry.success ? undefined : record.safeParse(line);
    if (asEntry.success) {
      const { type: _type, signature: _signature, ...body } = asEntry.data;
      entries.push(asEntry.data);
      records.push({ ...auditKey(body.secretArn, body.seq), revision: 1, body });
    } else if (asRecord?.success) {
      const { kind, id, sort, body } = asRecord.data;
      records.push({ kind, id, sort, revision: 1, body });
    } else return { mistake: `line ${at + 2} is neither an audit entry nor a record` };
  }
  return { start: begun.data, entries, records };
}
