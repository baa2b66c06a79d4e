import type { Chain, ChainEntry } from "../../core/certificate/statement.ts";
import { InputInvalid } from "../../core/errors.ts";
import type { Parts } from "../deps.ts";

/** A run writes about ten entries; nothing older than this many belongs to what ends now. */
const entriesMax = 2_000;

/** The newest entries of a chain, once the whole of it is verified: a broken chain proves nothing. */
export async function readChain(id: string, { certificates }: Pick<Parts, "certificates">): Promise<Chain> {
  const { log } = certificates;
  const verification = await log.verify(id);
  if (!verification.verified)
    throw new InputInvalid(
      `the audit log of ${id} is broken at entry ${verification.brokenAt}: ${verification.why}`,
    );
  const entries: ChainEntry[] = [];
  for await (const { seq, atMs, actor, action, detail, hash } of log.entries(id)) {
    if (seq > verification.entries) break;
    entries.push({ seq, atMs, actor, action, detail, hash });
    if (entries.length > entriesMax) entries.shift();
  }
  return { id, head: { seq: verification.entries, hash: verification.headHash }, entries };
}

/** From the first entry that is about it: what people ordered meanwhile belongs to it too. */
export function since(chain: Chain, isAbout: (entry: ChainEntry) => boolean): Chain {
  const first = chain.entries.findIndex(isAbout);
  return { ...chain, entries: first === -1 ? [] : chain.entries.slice(first) };
}
