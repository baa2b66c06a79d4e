import * as z from "zod";
import { endedUnsettled } from "../../core/rotation/sweep.ts";
import type { With } from "../deps.ts";
import { settleIncidentRun } from "../incident/record/settle.ts";
import { settleRun } from "../secret/settle-run.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { escalator } from "../wiring/parts/escalator.ts";
import { certifyOwed } from "./certify-owed.ts";

/** Handles Step Functions' status events: an execution that timed out or was stopped runs no further state. */
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
  run: async ({ time, detail }, deps: With<"escalator">) => {
    const { secretArn, incidentId } = subjectIn(detail.input);
    const { executionArn } = detail;
    const reason = endedUnsettled(detail);
    if (incidentId !== undefined) {
      return settleIncidentRun({ incidentId, executionArn, atMs: time, reason }, deps);
    }
    if (secretArn === undefined) return { outcome: "notARun" as const };
    const { lease } = await deps.ledger.secret(secretArn);
    if (lease?.executionArn !== executionArn) return { outcome: "settledBefore" as const };
    const rotationId = lease.runId;
    const settled = await settleRun({ secretArn, rotationId, executionArn, nowMs: time, reason }, deps);
    // Nothing of the stopped execution makes its certificate any more.
    const debts = (await deps.ledger.debts()).filter((debt) => debt.rotationId === rotationId);
    await certifyOwed({ debts, nowMs: time }, deps);
    return settled;
  },
});

export const handler = onLambda(settleClosed, wiring({ escalator }));

const Subject = z.object({
  secretArn: z.string().max(2048).optional(),
  incidentId: z.string().max(80).optional(),
});

function subjectIn(input: string): z.output<typeof Subject> {
  try {
    return Subject.safeParse(JSON.parse(input)).data ?? {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
