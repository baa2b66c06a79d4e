import * as z from "zod";
import { AcknowledgementSchema } from "../../events/acknowledgement.ts";
import { KeyCompromisedSchema } from "../../events/compromise.ts";
import type { With } from "../deps.ts";
import { onLambda, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { escalator } from "../wiring/parts/escalator.ts";
import { type Acknowledged, noteAcknowledgement } from "./note-acknowledgement.ts";
import { type Raised, raiseAlerts } from "./raise.ts";

/** Called by the alert bus, also for acknowledgements of pages. Only the intake can write to that bus. */
export const raiseAlert = step({
  name: "raise-alert",
  input: z.object({ detail: z.union([KeyCompromisedSchema, AcknowledgementSchema]) }),
  run: async ({ detail }, deps: With<"escalator">): Promise<Raised | Acknowledged> =>
    "channel" in detail ? noteAcknowledgement(detail, deps) : raiseAlerts(detail, deps),
});

export const handler = onLambda(raiseAlert, wiring({ escalator }));
