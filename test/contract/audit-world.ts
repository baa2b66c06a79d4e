import { createHash } from "node:crypto";
import { auditLog } from "../../audit/chain.ts";
import type { Digest, Table } from "../../core/ports.ts";
import { memoryTable } from "../../ledger/memory.ts";

export const arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:team/billing-FAKE00";
export const otherArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:team/search-FAKE00";
export const digest: Digest = { sha256Hex: (text) => createHash("sha256").update(text).digest("hex") };
export const now = () => 1_700_000_000_000;

interface Told {
  readonly id: string;
  readonly hash: string;
  readonly seq: number;
}

export function newLog(table: Table = memoryTable()) {
  const log = auditLog({ table, digest, now });
  const tell = (id: string) =>
    log.append(arn, { id, actor: "rekey", action: "promote", detail: { keyId: id } });
  const told = async () => (await Array.fromAsync(log.entries(arn))) as Told[];
  return { table, log, tell, told };
}

export async function logOf(ids: readonly string[]) {
  const opened = newLog();
  for (const id of ids) await opened.tell(id);
  return opened;
}

/** Where the table keeps one entry. */
export function place(seq: number) {
  return { kind: "AUDIT", id: arn, sort: String(seq).padStart(12, "0") };
}
