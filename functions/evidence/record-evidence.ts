import * as z from "zod";
import type { InstanceEvidence } from "../../core/adoption/evidence.ts";
import { ConsumerReport } from "../../events/consumer-report.ts";
import type { Deps } from "../deps.ts";
import { wakeIfDecided } from "../secret/wake-run.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";

/**
 * The input from the rule of one environment's bus. The environment is a constant of the rule, account and
 * time come from the envelope, so nothing that the reporter writes can change where its report counts (S7).
 */
const ReportOnBus = z.object({
  environment: z.string().min(1).max(64),
  event: z.object({ account: z.string().regex(/^\d{12}$/), time: stampedAt, detail: ConsumerReport }),
});

export const recordEvidence = step({
  name: "record-evidence",
  input: ReportOnBus,
  run: async ({ environment, event }, deps: Deps) => {
    const { secretArn } = event.detail;
    if ((await deps.ledger.policy(secretArn)) === undefined) return { outcome: "unknownSecret" as const };
    const evidence = evidenceFrom({
      environment,
      account: event.account,
      atMs: event.time,
      report: event.detail,
    });
    const stored = await deps.ledger.putEvidence(secretArn, evidence);
    if (stored === "stillSo") return { outcome: "stillSo" as const };
    return { outcome: await wakeIfDecided({ secretArn, nowMs: event.time }, deps) };
  },
});

export const handler = onLambda(recordEvidence, wiring());

function evidenceFrom(arrived: {
  readonly environment: string;
  readonly account: string;
  readonly atMs: number;
  readonly report: ConsumerReport;
}): InstanceEvidence {
  const { environment, account, atMs, report } = arrived;
  return {
    kind: report.kind,
    consumer: report.consumer,
    instance: report.instance,
    environment,
    account,
    observedAtMs: atMs,
    sequence: report.sequence,
    maxStaleMs: report.maxStaleMs,
    holds: report.holds,
    uses: report.uses,
    ended: report.cause === "stopping",
  };
}
