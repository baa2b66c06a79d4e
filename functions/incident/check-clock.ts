import * as z from "zod";
import { clockTurn } from "../../core/incident/turns.ts";
import type { Deps } from "../deps.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { waitSecondsFor } from "./record/change.ts";
import { incidentIdText, incidentOf } from "./record/step-input.ts";

/** Checks the incident's clock: does somebody have to be paged now, and if not, when to check again. */
export const checkClock = step({
  name: "check-clock",
  input: z.object({ incidentId: incidentIdText, at: stampedAt }),
  run: async (input, deps: Deps) => {
    const record = await incidentOf(input, deps);
    const turn = clockTurn(record, input.at);
    const untilMs = turn.turn === "wait" ? turn.untilMs : undefined;
    return {
      outcome: turn.turn,
      seenSeq: record.seq,
      waitSeconds: waitSecondsFor({ record, nowMs: input.at, ...(untilMs !== undefined && { untilMs }) }),
    };
  },
});

export const handler = onLambda(checkClock, wiring());
