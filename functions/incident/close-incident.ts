import * as z from "zod";
import { deploymentChain } from "../../audit/chain.ts";
import { whyNotClose } from "../../core/incident/plan.ts";
import type { IncidentRecord } from "../../core/incident/record.ts";
import { addToTimeline, refOf } from "../../core/incident/transitions.ts";
import type { Deps } from "../deps.ts";
import { metricLine } from "../metrics.ts";
import { type Certified, certificateFiled, certifiedShape, whyOwed } from "../secret/certified.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { auditIncident } from "./record/audit-incident.ts";
import { changeIncident } from "./record/change.ts";
import { publish } from "./record/publish.ts";
import { incidentIdText, incidentOf } from "./record/step-input.ts";
import { releaseSecrets } from "./takeover/release-secrets.ts";

/** Ends an incident if every key is dead or waived, and refuses otherwise. The secrets are released before that. */
export const closeIncident = step({
  name: "close-incident",
  input: z.object({ incidentId: incidentIdText, at: stampedAt, certificate: certifiedShape.optional() }),
  run: async ({ incidentId, at, certificate }, deps: Deps) => {
    const record = await incidentOf({ incidentId }, deps);
    const refusal = whyNotClose(record);
    if (refusal) return { outcome: "refused" as const, reason: `${refusal.reason}: ${refusal.detail}` };
    await releaseSecrets({ record, atMs: at, reason: `incident ${incidentId} has ended` }, deps);
    if (certificate !== undefined) await noteCertificate({ record, certificate, atMs: at }, deps);
    if (record.closedAtMs !== undefined) return { outcome: "closed" as const, reason: record.status };
    const closed = await changeIncident(
      incidentId,
      (now) => {
        if (now.closedAtMs !== undefined) return now;
        const status = now.status === "falseAlarm" ? now.status : ("closed" as const);
        return addToTimeline(
          { ...now, status, closedAtMs: at },
          { atMs: at, what: "closed", detail: status },
        );
      },
      deps,
    );
    const report = closed.reports.at(-1)?.path ?? "none";
    const keys = closed.keys.map((key) => `${refOf(key)} ${key.state}`).join(", ");
    const detail = { status: closed.status, keys, report };
    await auditIncident(
      { record: closed, atMs: closed.closedAtMs ?? at, action: "IncidentEnded", detail },
      deps,
    );
    noteTime(closed, deps);
    await publish({ type: "IncidentClosed", detail: { incidentId, status: closed.status } }, deps);
    return { outcome: "closed" as const, reason: closed.status };
  },
});

export const handler = onLambda(closeIncident, wiring());

/** From the detection until the last key was seen dead; none where one was waived or the alarm was false. */
function noteTime(
  { keys, test, detectedAtMs, closedAtMs }: IncidentRecord,
  { environment, log }: Deps,
): void {
  const dead = keys.flatMap(({ deadAtMs }) => deadAtMs ?? []);
  if (test || dead.length === 0 || dead.length < keys.length) return;
  const seconds = Math.max(0, Math.round((Math.max(...dead) - detectedAtMs) / 1_000));
  const atMs = closedAtMs ?? Math.max(...dead);
  log({ step: "close-incident", ...metricLine({ environment, atMs, metrics: { TimeToContain: seconds } }) });
}

interface Noting {
  readonly record: IncidentRecord;
  readonly certificate: Certified;
  readonly atMs: number;
}

/** The digest enters the chain of every secret in scope. What could not be certified is owed, and nothing waits. */
async function noteCertificate({ record, certificate, atMs }: Noting, deps: Deps): Promise<void> {
  if ("outcome" in certificate) return;
  const { incidentId, secrets } = record;
  const chains = secrets.length === 0 ? [deploymentChain] : secrets.map(({ secretArn }) => secretArn);
  const debt = {
    ...({ kind: "CertificateOwed", secretArn: chains[0] ?? deploymentChain } as const),
    ...{ keyId: incidentId, rotationId: incidentId },
  };
  if ("Error" in certificate) {
    await deps.ledger.putDebt({ ...debt, ...whyOwed(certificate), sinceMs: record.closedAtMs ?? atMs });
    return;
  }
  for (const chain of new Set(chains))
    await deps.audit.append(chain, certificateFiled({ runId: incidentId, certificate, atMs }));
  await deps.ledger.incidents.changeIncident(incidentId, (now) =>
    now.certificate?.sha256 === certificate.sha256 ? now : { ...now, certificate },
  );
  await deps.ledger.removeDebt(debt);
}
