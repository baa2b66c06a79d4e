import * as z from "zod";
import type { InstanceEvidence, Unproven } from "../../core/adoption/evidence.ts";
import { ConsumerReport } from "../../events/consumer-report.ts";
import { isProvenBy } from "../../events/report-proof.ts";
import { instancesIn } from "../../ledger/instances.ts";
import type { Deps } from "../deps.ts";
import { metricLine } from "../metrics.ts";
import { wakeIfDecided } from "../secret/wake-run.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { policyNamed } from "./policy-named.ts";

/**
 * The input from the rule of one environment's bus. The environment is a constant of the rule, account and
 * time come from the envelope, so nothing that the reporter writes can change where its report counts (S7).
 */
const ReportOnBus = z.object({
  environment: z.string().min(1).max(64),
  event: z.object({
    ...{ account: z.string().regex(/^\d{12}$/), time: stampedAt, detail: ConsumerReport },
    /** `rekey.consumer.<name>`: the bus's policy lets a role put only its own. */
    source: z.string().max(256).default("rekey.consumer"),
  }),
});

export const recordEvidence = step({
  name: "record-evidence",
  input: ReportOnBus,
  run: async ({ environment, event }, deps: Deps) => {
    const policy = await policyNamed(event.detail.secretArn, deps);
    if (policy === undefined) return { outcome: "unknownSecret" as const };
    const { secretArn } = policy;
    const unproven = await whyUnproven({ ...event, secretArn }, deps);
    const evidence = evidenceFrom({
      environment,
      account: event.account,
      atMs: event.time,
      report: event.detail,
      unproven,
    });
    noteReads(event, deps);
    const stored = await instancesIn(deps.ledger.documents).putInstance(secretArn, evidence, policy);
    if (stored === "stillSo") return { outcome: "stillSo" as const };
    const news = { secretArn, nowMs: event.time, report: evidence };
    return { outcome: await wakeIfDecided(news, deps) };
  },
});

export const handler = onLambda(recordEvidence, wiring());

/** How well consumers reach their secrets, for the dashboard: it decides nothing. */
function noteReads(
  { detail, time }: { readonly detail: ConsumerReport; readonly time: number },
  { log, environment }: Deps,
): void {
  const { reads, consumer } = detail;
  if (reads === undefined) return;
  const metrics = { ReadLatency: reads.ms, RefreshFailures: reads.failed };
  log({ step: "record-evidence", consumer, ...metricLine({ environment, atMs: time, metrics }) });
}

function evidenceFrom(arrived: {
  readonly environment: string;
  readonly account: string;
  readonly atMs: number;
  readonly report: ConsumerReport;
  readonly unproven: Unproven | undefined;
}): InstanceEvidence {
  const { environment, account, atMs, report, unproven } = arrived;
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
    ...(unproven !== undefined && { unproven }),
  };
}

interface Arrived {
  readonly source: string;
  readonly time: number;
  readonly detail: ConsumerReport;
}

/** A sender's clock may be wrong by a quarter of an hour (T1), and an event takes some time to the bus. */
const sentWithinMs = 20 * 60_000;

/** Why a report does not show that its writer holds the key that it names (O8); undefined if it does. */
async function whyUnproven(
  { source, time, detail, secretArn }: Arrived & { readonly secretArn: string },
  deps: Deps,
): Promise<Unproven | undefined> {
  const { proof, consumer, holds } = detail;
  if (proof === undefined) return "unsigned";
  if (source !== `rekey.consumer.${consumer}`) return "source";
  if (Math.abs(time - proof.sentAtMs) > sentWithinMs) return "late";
  const places = await deps.ledger.holders(holds.fingerprint);
  const reportKey = places.find((place) => place.secretArn === secretArn && place.reportKey)?.reportKey;
  if (reportKey === undefined) return "keyUnknown";
  return isProvenBy(detail, reportKey) ? undefined : "signature";
}
