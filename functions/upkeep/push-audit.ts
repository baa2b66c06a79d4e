import * as z from "zod";
import { type Chain, everyChain } from "../../audit/every-chain.ts";
import { ocsfEvent } from "../../audit/ocsf.ts";
import { together } from "../../consumers/together.ts";
import { RotationError } from "../../core/errors.ts";
import type { CollectorDeps, With } from "../deps.ts";
import { metricLine } from "../metrics.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { collector } from "../wiring/parts/collector.ts";

/** Firehose takes 500 records in a request, and many collectors at most a megabyte. */
const batchMax = 500;
const batchBytesMax = 900_000;
/** What one run does not reach is left to the next one. */
const budgetMs = 240_000;
/** Logs are asked this many at a time: one after another, thousands of secrets would outlast the budget. */
const logsAtOnceMax = 8;

/**
 * Sends every audit entry to the deployment's collector, each log in its order, at least once: an event's `uid` tells
 * repeats. A log is read on from the last entry that the collector took, so an outage there loses nothing.
 */
export const pushAudit = step({
  name: "push-audit",
  input: z.object({ time: stampedAt.optional() }),
  run: async (_input, deps: With<"collector">) => {
    const { outcome, pushed, behindSinceMs } =
      deps.collector === undefined
        ? { outcome: "notConfigured" as const, pushed: 0, behindSinceMs: undefined }
        : await pushAll(deps);
    const atMs = deps.clock.nowMs();
    // Said without a collector too: the alarm takes silence for a function that does not run.
    const lagMs = behindSinceMs === undefined ? 0 : atMs - behindSinceMs;
    const metrics = { AuditPushLagSeconds: Math.round(lagMs / 1_000) };
    const line = metricLine({ environment: deps.environment, atMs, metrics });
    deps.log({ step: "push-audit", outcome, pushed, ...line });
    return { outcome, pushed };
  },
});

export const handler = onLambda(pushAudit, wiring({ collector }));

interface Pushed {
  readonly outcome: "pushed" | "partly" | "failed";
  readonly pushed: number;
  /** When the oldest entry was made that the collector does not have. */
  readonly behindSinceMs: number | undefined;
}

async function pushAll(deps: With<"collector">): Promise<Pushed> {
  const { clock, ledger, log } = deps;
  const startedAtMs = clock.nowMs();
  const at = new Map((await ledger.pushed()).map(({ chain, seq }) => [chain, seq]));
  let pushed = 0;
  let outcome: Pushed["outcome"] = "pushed";
  const left: number[] = [];
  const work = async (chain: Chain) => {
    if (outcome === "pushed" && clock.nowMs() - startedAtMs > budgetMs) outcome = "partly";
    const afterSeq = at.get(chain.id) ?? 0;
    const end = await pushChain(chain, { afterSeq, canSend: () => outcome === "pushed", deps });
    pushed += end.pushed;
    if (end.oldestLeftMs !== undefined) left.push(end.oldestLeftMs);
    if (end.error === undefined) return;
    const { name: error, message: reason } = end.error;
    log({ step: "push-audit", chain: chain.id, outcome: "failed", error, reason });
    outcome = "failed";
  };
  await together(await chainsOf(deps), { atOnceMax: logsAtOnceMax, work });
  return { outcome, pushed, behindSinceMs: left.length === 0 ? undefined : Math.min(...left) };
}

async function chainsOf({ ledger }: With<"collector">): Promise<readonly Chain[]> {
  const [policies, former] = await Promise.all([ledger.policies(), ledger.formerSecrets()]);
  const { secrets, removed, own } = everyChain({ policies, former, anchored: [] });
  return [...own, ...secrets, ...removed];
}

interface Pushing {
  readonly afterSeq: number;
  /** False after a failure: the other logs are only asked how far behind they are. */
  readonly canSend: () => boolean;
  readonly deps: With<"collector">;
}

interface PushEnd {
  readonly pushed: number;
  /** When the oldest entry was made that the collector does not have. */
  readonly oldestLeftMs?: number;
  readonly error?: RotationError;
}

async function pushChain(chain: Chain, { afterSeq, canSend, deps }: Pushing): Promise<PushEnd> {
  const { collector: to, ledger } = deps;
  let pushed = 0;
  for await (const batch of batches(chain, afterSeq, to)) {
    const oldestLeftMs = batch.firstAtMs;
    if (!canSend()) return { pushed, oldestLeftMs };
    try {
      await to?.send(batch.events);
    } catch (error) {
      if (!(error instanceof RotationError)) throw error;
      return { pushed, oldestLeftMs, error };
    }
    await ledger.putPushed({ chain: chain.id, seq: batch.lastSeq });
    pushed += batch.events.length;
  }
  return { pushed };
}

interface Batch {
  readonly events: readonly string[];
  readonly firstAtMs: number;
  readonly lastSeq: number;
}

async function* batches(
  { id, name }: Chain,
  afterSeq: number,
  to: CollectorDeps | undefined,
): AsyncGenerator<Batch> {
  let events: string[] = [];
  let bytes = 0;
  let firstAtMs = 0;
  let lastSeq = afterSeq;
  for await (const entry of to?.log.entries(id, afterSeq) ?? []) {
    const event = JSON.stringify(ocsfEvent(entry, { name, id }));
    const size = Buffer.byteLength(event) + 1;
    if (events.length > 0 && (events.length === batchMax || bytes + size > batchBytesMax)) {
      yield { events, firstAtMs, lastSeq };
      events = [];
      bytes = 0;
    }
    if (events.length === 0) firstAtMs = entry.atMs;
    events.push(event);
    bytes += size;
    lastSeq = entry.seq;
  }
  if (events.length > 0) yield { events, firstAtMs, lastSeq };
}
