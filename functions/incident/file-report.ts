import * as z from "zod";
import { whyNotClose } from "../../core/incident/plan.ts";
import type { IncidentRecord } from "../../core/incident/record.ts";
import { addToTimeline } from "../../core/incident/transitions.ts";
import { reportOf } from "../../core/report/report.ts";
import { reportJson, reportMarkdown } from "../../core/report/report-text.ts";
import type { Deps, With } from "../deps.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { reports } from "../wiring/parts/reports.ts";
import { stepsToTake } from "./paging/steps.ts";
import { auditIncident } from "./record/audit-incident.ts";
import { changeIncident } from "./record/change.ts";
import { policiesOf } from "./record/policies.ts";
import { publish } from "./record/publish.ts";
import { incidentIdText, incidentOf } from "./record/step-input.ts";

/** Files the report with what is known: at containment, and again in the same place when scoping has ended. */
export const fileReport = step({
  name: "file-report",
  input: z.object({ incidentId: incidentIdText, at: stampedAt, when: z.enum(["containment", "scoped"]) }),
  run: async ({ incidentId, at, when }, deps: With<"reports">) => {
    const known = await incidentOf({ incidentId }, deps);
    // The report of containment says that every key is dead, so it is not filed before that is true.
    if (when === "containment" && whyNotClose(known)) return { outcome: "notContained" as const };
    const record = when === "containment" ? await contained(known, at, deps) : known;
    const policies = await policiesOf(record.secrets, deps);
    const steps = stepsToTake({ record, policies });
    const report = reportOf({ incident: record, policies, nowMs: at, steps });
    const texts = { json: reportJson(report), markdown: reportMarkdown(report) };
    const { path } = await deps.reports.file(incidentId, texts);
    const sha256 = deps.digest.sha256Hex(texts.json);
    await auditIncident(
      { record, atMs: at, action: "IncidentReportFiled", detail: { path, when, sha256 } },
      deps,
    );
    await changeIncident(
      incidentId,
      (now) => {
        const reports = [...now.reports, { atMs: at, path, when }].slice(-reportsMax);
        return addToTimeline({ ...now, reports }, { atMs: at, what: "reportFiled", detail: path });
      },
      deps,
    );
    return { outcome: "filed" as const, path };
  },
});

export const handler = onLambda(fileReport, wiring({ reports }));

const reportsMax = 20;

async function contained({ incidentId }: IncidentRecord, atMs: number, deps: Deps): Promise<IncidentRecord> {
  let isFirst = false;
  const record = await changeIncident(
    incidentId,
    (now) => {
      isFirst = now.status === "open";
      return isFirst ? { ...now, status: "contained", seq: now.seq + 1 } : now;
    },
    deps,
  );
  if (isFirst) {
    const keyIds = record.keys.flatMap(({ keyId }) => keyId ?? []);
    await publish({ type: "IncidentContained", detail: { incidentId, keyIds, atMs } }, deps);
  }
  return record;
}
