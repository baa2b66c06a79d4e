import * as z from "zod";
import { KeyCompromisedSchema } from "../../events/compromise.ts";
import type { Deps } from "../deps.ts";
import { onLambda, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { peoplePart } from "../wiring/parts.ts";
import { type Raised, raiseAlerts } from "./raise.ts";

/** Called by the alert bus. Only the intake can write to that bus. */
export const raiseAlert = step({
  name: "raise-alert",
  input: z.object({ detail: KeyCompromisedSchema }),
  run: async ({ detail }, deps: Deps): Promise<Raised> => raiseAlerts(detail, deps),
});

export const handler = onLambda(raiseAlert, wiring("raise-alert", peoplePart));
