import * as z from "zod";
import { addToTimeline, changeKey } from "../../core/incident/transitions.ts";
import type { Deps } from "../deps.ts";
import { reasonOf } from "../failure-text.ts";
import { onLambda, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { changeIncident, waitSecondsFor } from "./record/change.ts";
import { keyOf, keyStepInput } from "./record/step-input.ts";

const retryAfterMs = 30_000;

/** Containment failed for longer than a step retries: people are paged now, and it is tried again soon. */
export const blockContainment = step({
  name: "block-containment",
  input: keyStepInput.extend({
    failure: z.object({ Error: z.string().max(200), Cause: z.string().max(40_000).optional() }),
  }),
  run: async ({ incidentId, ref, at, failure }, deps: Deps) => {
    const blocked = { why: reasonOf(failure), error: failure.Error };
    const record = await changeIncident(
      incidentId,
      (now) => {
        if (keyOf(now, ref).blocked?.why === blocked.why) return now;
        const next = changeKey(now, ref, (key) => ({ ...key, blocked }));
        return addToTimeline(next, { atMs: at, what: "personNeeded", detail: blocked.why });
      },
      deps,
    );
    const sinceMs = at - (record.takenUpAtMs ?? at);
    const untilMs = at + Math.max(retryAfterMs, sinceMs / 20);
    return {
      outcome: "blocked" as const,
      reason: blocked.why,
      seenSeq: record.seq,
      waitSeconds: waitSecondsFor({ record, nowMs: at, untilMs }),
    };
  },
});

export const handler = onLambda(blockContainment, wiring());
