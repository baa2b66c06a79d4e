import * as z from "zod";
import type { With } from "../deps.ts";
import { reasonOf } from "../failure-text.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { escalator } from "../wiring/parts/escalator.ts";
import { settleIncidentRun } from "./record/settle.ts";
import { incidentIdText } from "./record/step-input.ts";

/** Ends the machine's work on an incident that it could not finish: from now on it is left to people. */
export const settleIncident = step({
  name: "settle-incident",
  input: z.object({
    incidentId: incidentIdText,
    executionArn: z.string().max(2048),
    at: stampedAt,
    failure: z.object({ Error: z.string().max(200), Cause: z.string().max(40_000).optional() }),
  }),
  run: async ({ failure, at, ...run }, deps: With<"escalator">) =>
    settleIncidentRun({ ...run, atMs: at, reason: reasonOf(failure) }, deps),
});

export const handler = onLambda(settleIncident, wiring({ escalator }));
