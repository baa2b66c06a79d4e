import * as z from "zod";
import type { Deps } from "../deps.ts";
import { settle } from "../secret/settle-run.ts";
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
    settle({ ...run, nowMs: at, reason: reasonOf(failure) }, deps),
});

export const handler = onLambda(settleRotation, wiring("settle-rotation"));

const reasonMax = 500;

/** The cause of a Lambda error is JSON text with an `errorMessage`; anything else is kept as it is. */
export function reasonOf({
  Error: name,
  Cause: cause,
}: {
  Error: string;
  Cause?: string | undefined;
}): string {
  const detail = cause === undefined ? "" : messageIn(cause);
  return detail === "" ? name : `${name}: ${detail}`.slice(0, reasonMax);
}

function messageIn(cause: string): string {
  try {
    const parsed: unknown = JSON.parse(cause);
    if (typeof parsed === "object" && parsed !== null && "errorMessage" in parsed)
      return String(parsed.errorMessage);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return cause;
}
