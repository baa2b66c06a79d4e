import * as z from "zod";
import { KeyCompromisedSchema } from "../../events/compromise.ts";
import type { With } from "../deps.ts";
import { onLambda, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { escalator } from "../wiring/parts/escalator.ts";
import { type Raised, raiseAlerts } from "./raise.ts";

/** Called by the alert bus. Only the intake can write to that bus. */
export const raiseAlert = step({
  name: "raise-alert",
  input: z.object({ detail: KeyCompromisedSchema }),
  run: async ({ detail }, deps: With<"escalator">): Promise<Raised> => raiseAlerts(detail, deps),
});

export const handler = onLambda(raiseAlert, wiring({ escalator }));
