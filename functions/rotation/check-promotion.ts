import * as z from "zod";
import { promotionChangesAtMs } from "../../core/rotation/gate.ts";
import { nativeTokenOf, nativeWaitMaxMs } from "../../core/rotation/native.ts";
import { assertHolder, type SecretRecord } from "../../core/rotation/secret-record.ts";
import type { RotationRecord } from "../../ledger/entries.ts";
import type { Deps } from "../deps.ts";
import { askPromotion, type PromotionGate } from "../secret/promotion-gate.ts";
import { noteRun, policyOf } from "../secret/run-record.ts";
import { onLambda, step, type TicketInput, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";

/** Windows open every week, so a run that waits longer waits for something that does not come. */
const waitMaxMs = 8 * 24 * 3_600_000;
/** Nothing wakes the run when another secret's rotation ends, so it looks again after this. */
const lapMs = 15 * 60_000;

/** Asks every reason not to promote yet, and says for how long the answer cannot change by itself. */
export const checkPromotion = step({
  name: "check-promotion",
  input: z.object(ticketShape),
  run: async (input, deps: Deps) => {
    const policy = await policyOf(input, deps);
    // Read first: what is ordered after this raises its `seq`, and the wait is not stored.
    const record = await deps.ledger.secret(input.secretArn);
    const run = assertHolder(record, input);
    const gate = await askPromotion({ policy, record, nowMs: input.at }, deps);
    const opened = await deps.ledger.rotation(input.secretArn, input.rotationId);
    const waitMs = nativeTokenOf(input.rotationId) === undefined ? waitMaxMs : nativeWaitMaxMs;
    const untilMs = lastChanceMs({ record, waitMs, openedAtMs: opened?.openedAtMs ?? input.at, ...policy });
    // A promotion that has begun is finished, whatever came into its way since.
    const isClear = gate.blockers.length === 0 || run.phase !== "proven";
    const { decision } = gate;
    const { seq: seenSeq } = record;
    if (isClear) return { verdict: "promote" as const, decision, seenSeq, waitSeconds: 0 };
    const verdict = untilMs <= input.at ? ("overdue" as const) : ("waiting" as const);
    await tell({ input, gate, verdict, opened }, deps);
    return { verdict, decision, seenSeq, waitSeconds: secondsUntil(gate, { nowMs: input.at, untilMs }) };
  },
});

export const handler = onLambda(checkPromotion, wiring());

/** After this the incoming key would expire before its consumers are done with the change. */
function lastChanceMs(facts: {
  readonly record: SecretRecord;
  readonly openedAtMs: number;
  readonly waitMs: number;
  readonly overlapMs: number;
}): number {
  const { record, openedAtMs, overlapMs, waitMs } = facts;
  const { run } = record;
  const incoming = run?.phase === "proven" ? run.incoming.keyId : undefined;
  const expiresAtMs = record.keys.find(({ keyId }) => keyId === incoming)?.expiresAtMs;
  const waitedMs = openedAtMs + waitMs;
  return expiresAtMs === undefined ? waitedMs : Math.min(waitedMs, expiresAtMs - overlapMs);
}

function secondsUntil(
  { view }: PromotionGate,
  { nowMs, untilMs }: { readonly nowMs: number; readonly untilMs: number },
): number {
  const nextMs = Math.min(untilMs, promotionChangesAtMs(view) ?? nowMs + lapMs, nowMs + lapMs);
  return Math.max(1, Math.ceil((nextMs - nowMs) / 1000));
}

interface Telling {
  readonly input: TicketInput;
  readonly gate: PromotionGate;
  readonly verdict: "overdue" | "waiting";
  readonly opened: RotationRecord | undefined;
}

/** People are told once per reason: the rotation shows it, and one event says it. */
async function tell({ input, gate, verdict, opened }: Telling, deps: Deps): Promise<void> {
  const { secretArn, rotationId, at: askedAtMs } = input;
  const { decision, blockers } = gate;
  const isNews = opened?.gate?.decision !== decision;
  if (isNews) {
    const detail = { rotationId, reasons: blockers.slice(0, reasonsMax) };
    await deps.bus.publish({ type: "PromotionWaits", secretArn, detail });
  }
  await noteRun(
    { ticket: input, note: { gate: { verdict, decision, reasons: [], blockers, askedAtMs } } },
    deps,
  );
}

const reasonsMax = 10;
