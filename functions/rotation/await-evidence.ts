import * as z from "zod";
import { markDecideAgain, storeWait } from "../../core/rotation/wait.ts";
import type { Deps } from "../deps.ts";
import { onLambda, step, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";

/**
 * Lets the run wait until something may change its decision. The token is stored only if nothing changed
 * since the decision; otherwise the wait ends at once. So no wake-up is lost.
 */
export const awaitEvidence = step({
  name: "await-evidence",
  input: z.object({
    ...ticketShape,
    token: z.string().min(1).max(2048),
    decision: z.string().max(4000),
    seenSeq: z.number().int().nonnegative(),
  }),
  run: async (input, deps: Deps) => {
    let mustDecideAgain = false;
    await deps.ledger.changeSecret(input.secretArn, (record) => {
      const stored = storeWait(record, input, input);
      mustDecideAgain = stored === "decideAgain";
      return stored === "decideAgain" ? markDecideAgain(record, input) : stored;
    });
    if (mustDecideAgain) await deps.executions.succeed(input.token, { outcome: "decideAgain" });
    return { outcome: mustDecideAgain ? ("decideAgain" as const) : ("waiting" as const) };
  },
});

export const handler = onLambda(awaitEvidence, wiring());
