import type { IncidentRecord } from "../../../core/incident/record.ts";
import { executionNameOf, takenUp } from "../../../core/incident/transitions.ts";
import type { Deps } from "../../deps.ts";

/**
 * Starts the machine for an incident that nothing works on. The start is counted before it is made, and the
 * execution is named after the count: a repeat of the same start is one execution, and what that execution wrote
 * of its own end is not undone by a late note of its start.
 */
export async function startIncident(
  record: IncidentRecord,
  deps: Pick<Deps, "ledger" | "executions">,
): Promise<IncidentRecord> {
  const { incidentId } = record;
  const counted = await deps.ledger.incidents.changeIncident(incidentId, (now) =>
    now.starts === record.starts ? takenUp(now) : now,
  );
  if (counted.status !== "reported") return counted;
  const { starts } = counted;
  const name = executionNameOf(counted);
  const { executionArn } = await deps.executions.start({
    machine: "compromise",
    name,
    input: { incidentId },
  });
  return deps.ledger.incidents.changeIncident(incidentId, (now) =>
    now.starts === starts ? { ...now, executionArn } : now,
  );
}
