import type { Proof } from "../../audit/checkpoint.ts";
import { everyChain } from "../../audit/every-chain.ts";
import type { AuditShown, ChainEntries, ChainShown, EventRow } from "../shown.ts";
import type { Sources } from "../sources.ts";

const entriesMax = 5_000;

/** Verifies one chain after another, and gives the list again after each. */
export async function* showAudit(sources: Sources): AsyncGenerator<AuditShown> {
  const [policies, former, signed] = await Promise.all([
    sources.ledger.policies(),
    sources.ledger.formerSecrets(),
    sources.checkpoints?.(),
  ]);
  const proofs = signed ?? sources.audit;
  // A log that only its checkpoints know of was deleted with what named it: it is shown first, as broken.
  const anchored = (await signed?.chains()) ?? [];
  const { unnamed, own, secrets, removed } = everyChain({ policies, former, anchored });
  const all = [...unnamed, ...own, ...secrets, ...removed];
  const checkpointsRead = sources.checkpoints !== undefined;
  const base = { kind: "audit" as const, checkpointsRead, total: all.length };
  if (all.length === 0) yield { ...base, nowMs: sources.nowMs(), chains: [] };
  const batch = 20;
  for (let from = 0; from < all.length; from += batch) {
    const chains = await Promise.all(
      all
        .slice(from, from + batch)
        .map(async ({ id, name }) => chainShown(name, { id, ...(await proofs.verify(id)) })),
    );
    yield { ...base, nowMs: sources.nowMs(), chains };
  }
}

function chainShown(name: string, proof: Proof & { readonly id: string }): ChainShown {
  const { id, entries, verified, checkpoint } = proof;
  return {
    ...{ id, name, entries, verified },
    ...(proof.verified ? { headHash: proof.headHash } : { why: `entry ${proof.brokenAt}: ${proof.why}` }),
    ...(checkpoint !== undefined && {
      checkpoint: { seq: checkpoint.seq, atMs: checkpoint.atMs, keyId: checkpoint.keyId },
    }),
  };
}

/** A chain's entries just as they are stored; from its start, because each hash covers the one before. */
export async function chainEntries(id: string, { audit }: Sources): Promise<ChainEntries> {
  const entries: Readonly<Record<string, unknown>>[] = [];
  for await (const entry of audit.entries(id)) {
    if (entries.length === entriesMax) return { kind: "chain", id, entries, isCut: true };
    entries.push(entry);
  }
  return { kind: "chain", id, entries, isCut: false };
}

/** Keeps the end of a secret's log: each call reads only what was appended since the one before. */
export function logTail(secretArn: string, { audit }: Pick<Sources, "audit">) {
  let tail: readonly EventRow[] = [];
  return async (): Promise<readonly EventRow[]> => {
    const news: EventRow[] = [];
    for await (const { seq, atMs, action, actor, detail } of audit.entries(secretArn, tail.at(-1)?.seq)) {
      news.push({ seq, atMs, action, actor, detail });
      if (news.length > entriesMax) news.shift();
    }
    if (news.length > 0) tail = [...tail, ...news].slice(-entriesMax);
    return tail;
  };
}
