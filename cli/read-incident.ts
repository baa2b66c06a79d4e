import { incidentFacts } from "../core/incident/facts.ts";
import type { IncidentRecord } from "../core/incident/record.ts";
import { whichIncident } from "../functions/admin/incident/which-incident.ts";
import { policiesOf } from "../functions/incident/record/policies.ts";
import { CliFailure, type Reach, type Shown } from "./command.ts";
import { answersOf, type IncidentView, incidentLines } from "./incident-view.ts";

/** Reads the table directly, so it works while buses, machines and functions are down. */
export async function readIncident(named: string, { ledger, nowMs }: Reach): Promise<IncidentView> {
  const found = await whichIncident(named, { ledger });
  if ("refusal" in found)
    throw new CliFailure(found.refusal.detail, { hint: found.refusal.hint, facts: found.refusal });
  const { record } = found;
  const read = await Promise.all(
    record.checklist.flatMap(({ incidentId }) =>
      incidentId === undefined ? [] : [ledger.incidents.incident(incidentId)],
    ),
  );
  const children = read.filter((child) => child !== undefined);
  return { record, children, policies: await policiesOf(record.secrets, { ledger }), nowMs: nowMs() };
}

export function incidentShown(view: IncidentView): Shown {
  const { record, children } = view;
  return {
    json: { type: "incident", answers: answersOf(view), ...record, children: children.map(incidentSummary) },
    lines: incidentLines(view),
  };
}

export function incidentSummary(record: IncidentRecord) {
  const { incidentId, status, plan, test, detectedAtMs, deadlineAtMs, parentId } = record;
  const facts = incidentFacts(record);
  return { incidentId, status, plan, test, detectedAtMs, deadlineAtMs, parentId, facts };
}
