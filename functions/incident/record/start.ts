import type { IncidentRecord } from "../../../core/incident/record.ts";
import { executionNameOf, takenUp } from "../../../core/incident/transitions.ts";
import type { Deps } from "../../deps.ts";

/**
 * Starts the machine for an incident that no execution works on. The start is counted first, and the
 * execution is named after the count: repeating the start gives one execution, and a late note of the start
 * does not overwrite what that execution recorded about its end.
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
