import { RotationError } from "../../core/errors.ts";
import type { IncidentRecord } from "../../core/incident/record.ts";
import { containTurn } from "../../core/incident/turns.ts";
import type { Deps } from "../deps.ts";
import { onLambda, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { contain, type Turn } from "./containment/contain.ts";
import { noteLastUse } from "./containment/last-use.ts";
import { finishUndo } from "./containment/undo-containment.ts";
import { waitSecondsFor } from "./record/change.ts";
import { incidentOf, keyOf, keyStepInput, stopwatch } from "./record/step-input.ts";

/** One step of one key's containment: waits, quarantines, revokes, or goes on to the proof. */
export const containKey = step({
  name: "contain-key",
  input: keyStepInput,
  run: async (input, deps: Deps): Promise<Turn> => {
    const record = await incidentOf(input, deps);
    const key = keyOf(record, input.ref);
    const turn = containTurn(record, key, input.at);
    if (turn.turn === "contain") return contain({ input, record, key }, deps);
    await finish({ record, nowMs: input.at, ref: input.ref }, deps);
    const isWait = turn.turn === "wait";
    const nowMs = stopwatch(input.at, deps);
    if (isWait && turn.untilMs !== undefined) await noteLastUse({ record, key, nowMs: input.at }, deps);
    return {
      outcome: turn.turn,
      seenSeq: record.seq,
      waitSeconds: waitSecondsFor({ record, nowMs: nowMs(), ...(isWait && turn) }),
      reason: isWait ? turn.why : key.state,
    };
  },
});

export const handler = onLambda(containKey, wiring());

/** Longer than a function can be frozen. */
const inFlightMs = 5 * 60_000;

/** What cannot be finished now is left to the sweep: it must not delay the end of containment. */
async function finish(
  { record, nowMs, ref }: { readonly record: IncidentRecord; readonly nowMs: number; readonly ref: string },
  deps: Deps,
): Promise<void> {
  try {
    await finishUndo({ record, nowMs, forMs: inFlightMs }, deps);
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    deps.log({
      step: "contain-key",
      incidentId: record.incidentId,
      ref,
      error: error.name,
      outcome: "failed",
    });
  }
}
