import type { IncidentRecord } from "../core/incident-record.ts";
import type { Deps } from "./deps.ts";

/**
 * Starts the machine for an incident that nothing works on. The execution's name counts the starts, so a repeat
 * of the same start is one execution.
 */
export async function startIncident(
  record: IncidentRecord,
  deps: Pick<Deps, "ledger" | "executions">,
): Promise<IncidentRecord> {
  const { incidentId, starts } = record;
  const name = starts === 0 ? incidentId : `${incidentId}-${starts + 1}`;
  const { executionArn } = await deps.executions.start({
    machine: "compromise",
    name,
    input: { incidentId },
  });
  return deps.ledger.incidents.changeIncident(incidentId, (now) =>
    now.starts === starts ? { ...now, starts: starts + 1, executionArn, status: statusAfter(now) } : now,
  );
}

/** The new execution may have opened the incident before its start was written down. */
function statusAfter({ status }: IncidentRecord): IncidentRecord["status"] {
  return status === "needsPerson" ? "reported" : status;
}
