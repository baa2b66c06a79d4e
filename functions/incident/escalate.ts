import * as z from "zod";
import { StoreUnavailable } from "../../core/errors.ts";
import { clockTurn } from "../../core/incident/turns.ts";
import type { With } from "../deps.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { escalator } from "../wiring/parts/escalator.ts";
import { page } from "./paging/page.ts";
import { incidentIdText, incidentOf } from "./record/step-input.ts";

/** Pages what is due. If no channel delivered the page the step fails, so that it is tried again. */
export const escalate = step({
  name: "escalate",
  input: z.object({ incidentId: incidentIdText, at: stampedAt }),
  run: async (input, deps: With<"escalator">) => {
    const record = await incidentOf(input, deps);
    const turn = clockTurn(record, input.at);
    if (turn.turn !== "escalate") return { outcome: "nothingDue" as const };
    const delivered = await page({ record, due: turn.page, atMs: input.at }, deps);
    if (!delivered) throw new StoreUnavailable(`no channel delivered the page ${turn.page.reason}`);
    return { outcome: "told" as const, reason: turn.page.reason };
  },
});

export const handler = onLambda(escalate, wiring({ escalator }));
