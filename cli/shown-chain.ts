import type { AuditEntry } from "../audit/entry.ts";
import type { Chain } from "../audit/every-chain.ts";
import type { ShownChain } from "./audit-export.ts";
import type { Reach } from "./command.ts";

/** One export holds at most so many entries, more than a spreadsheet opens. A longer period is exported in parts. */
export const entriesMax = 100_000;

/** Those entries of one log that are wanted, with what proves them. */
export async function shownChain(
  { name, id }: Chain,
  isWanted: (entry: AuditEntry) => boolean,
  { audit, checkpoints }: Reach,
): Promise<ShownChain> {
  const proofs = (await checkpoints?.()) ?? audit;
  const proof = await proofs.verify(id);
  const entries: AuditEntry[] = [];
  // What comes after a break is no entry of this log.
  for await (const entry of audit.entries(id)) {
    if (entry.seq > proof.entries) break;
    if (isWanted(entry)) entries.push(entry);
    if (entries.length > entriesMax) break;
  }
  return { name, id, proof, entries };
}
