import * as z from "zod";
import type { Deps } from "../deps.ts";
import { reasonOf } from "../failure-text.ts";
import { settleRun } from "../secret/settle-run.ts";
import { onLambda, secretArnText, stampedAt, step, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";

export const settleRotation = step({
  name: "settle-rotation",
  input: z.object({
    secretArn: secretArnText,
    rotationId: ticketShape.rotationId,
    executionArn: z.string().max(2048),
    at: stampedAt,
    failure: z.object({ Error: z.string().max(200), Cause: z.string().max(40_000).optional() }),
  }),
  run: async ({ at, failure, ...run }, deps: Deps) =>
    settleRun({ ...run, nowMs: at, reason: reasonOf(failure), error: failure.Error }, deps),
});

export const handler = onLambda(settleRotation, wiring());
