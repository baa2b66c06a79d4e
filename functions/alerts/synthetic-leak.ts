import * as z from "zod";
import { StoreUnavailable } from "../../core/errors.ts";
import { falseAlarm } from "../../core/incident/orders.ts";
import type { IncidentRecord } from "../../core/incident/record.ts";
import type { Deps, SyntheticDeps } from "../deps.ts";
import { changeIncident } from "../incident/record/change.ts";
import { metricLine } from "../metrics.ts";
import { type Handler, stampedAt } from "../step.ts";
import { intakeSecretArns } from "../wiring/settings.ts";
import { syntheticWiring } from "../wiring/synthetic-leak.ts";
import { syntheticIncident, syntheticReport } from "./synthetic-report.ts";

/** The function's time-out is 30 s. */
const waitMaxMs = 22_000;
const pollMs = 500;

const Schedule = z.object({ time: stampedAt.optional() });

export const handler: Handler = async (event) => {
  const { time } = Schedule.parse(event);
  const deps = syntheticWiring();
  if (!Object.hasOwn(intakeSecretArns(), "report")) return notSetUp(deps);
  return proveAlarm(`synthetic-${new Date(time ?? deps.clock.nowMs()).toISOString().slice(0, 13)}`, deps);
};

/** A deployment may accept no alerts. Failing every day for that reason would teach people to ignore the alarm. */
function notSetUp({ log }: Pick<Deps, "log">) {
  const reason = "intakeSecrets names no secret for reports";
  log({ step: "synthetic-leak", outcome: "notSetUp", reason });
  return { outcome: "notSetUp" as const, reason };
}

/**
 * Reports a made-up key as leaked, and waits until every channel has delivered its page in test mode. A
 * repeat after a failure has the same name, and continues with what the first try has done.
 */
export async function proveAlarm(name: string, deps: SyntheticDeps) {
  const startedMs = deps.clock.nowMs();
  const status = await deps.send(syntheticReport(name));
  // 409: an earlier try was accepted.
  if (status !== 202 && status !== 409) throw notHeard(`the intake answered ${status}`);
  const record = await pagedIncident(name, startedMs, deps);
  await end(record, deps);
  const { incidentId, pages } = record;
  const failed = [...new Set(pages.flatMap((page) => page.failed))];
  const delivered = [...new Set(pages.flatMap((page) => page.delivered))];
  if (failed.length > 0 || delivered.length === 0) {
    throw notHeard(`channels that did not deliver the page of ${incidentId}: ${failed.join(", ") || "all"}`);
  }
  const atMs = deps.clock.nowMs();
  const tookMs = atMs - startedMs;
  // If this metric is missing for a day, an alarm goes off: a real leak might not get through either.
  const point = { environment: deps.environment, atMs, metrics: { SyntheticLeakSucceeded: 1 } };
  deps.log({ step: "synthetic-leak", outcome: "heard", incidentId, tookMs, ...metricLine(point) });
  return { outcome: "heard" as const, incidentId, delivered, tookMs };
}

function notHeard(why: string): StoreUnavailable {
  return new StoreUnavailable(`the synthetic leak did not arrive: ${why}`);
}

async function pagedIncident(name: string, startedMs: number, deps: SyntheticDeps): Promise<IncidentRecord> {
  let seen: IncidentRecord | undefined;
  while (deps.clock.nowMs() - startedMs < waitMaxMs) {
    seen = await syntheticIncident(name, deps);
    if (seen !== undefined && seen.pages.length > 0) return seen;
    await deps.clock.pause(pollMs);
  }
  throw notHeard(seen === undefined ? "no incident was opened" : `${seen.incidentId} paged nobody`);
}

async function end({ incidentId }: IncidentRecord, deps: SyntheticDeps): Promise<void> {
  const word = { by: "synthetic-leak", reason: "a test of the way from the intake to people" };
  const atMs = deps.clock.nowMs();
  await changeIncident(incidentId, (now) => falseAlarm(now, { ...word, atMs }), deps);
}
