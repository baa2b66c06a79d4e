import * as z from "zod";
import type { Deps } from "./deps.ts";
import { settle } from "./settle.ts";
import { onLambda, stampedAt, step } from "./step.ts";
import { wiring } from "./wiring.ts";

/** Step Functions' own status event: an execution that timed out or was stopped runs no state of its own. */
export const settleClosed = step({
  name: "settle-closed",
  input: z.object({
    time: stampedAt,
    detail: z.object({
      executionArn: z.string().max(2048),
      name: z.string().max(80),
      status: z.enum(["FAILED", "TIMED_OUT", "ABORTED"]),
      input: z.string().max(300_000),
    }),
  }),
  run: async ({ time, detail }, deps: Deps) => {
    const secretArn = secretIn(detail.input);
    if (secretArn === undefined) return { outcome: "notARotation" as const };
    const { lease } = await deps.ledger.secret(secretArn);
    if (lease?.executionArn !== detail.executionArn) return { outcome: "settledBefore" as const };
    return settle(
      {
        secretArn,
        rotationId: lease.runId,
        executionArn: detail.executionArn,
        nowMs: time,
        reason: `Execution${detail.status}: it ended without settling`,
      },
      deps,
    );
  },
});

export const handler = onLambda(settleClosed, wiring("settle-closed"));

const Input = z.object({ secretArn: z.string().max(2048) });

function secretIn(input: string): string | undefined {
  try {
    return Input.safeParse(JSON.parse(input)).data?.secretArn;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
