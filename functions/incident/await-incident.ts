import * as z from "zod";
import type { Deps } from "../deps.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { parkBranch } from "./record/change.ts";
import { incidentIdText } from "./record/step-input.ts";

/** Lets one branch of an incident wait until the incident changes, or its time is up. */
export const awaitIncident = step({
  name: "await-incident",
  input: z.object({
    incidentId: incidentIdText,
    waiter: z.string().min(1).max(2048),
    token: z.string().min(1).max(2048),
    seenSeq: z.number().int().nonnegative(),
    at: stampedAt,
  }),
  run: async (input, deps: Deps) => ({ outcome: await parkBranch(input, deps) }),
});

export const handler = onLambda(awaitIncident, wiring());
