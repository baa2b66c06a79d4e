import type { IncidentRecord } from "../../core/incident/record.ts";
import { isExecutionOf } from "../../core/incident/transitions.ts";
import { endedUnsettled, hasEnded } from "../../core/rotation/sweep.ts";
import type { Deps, With } from "../deps.ts";
import { settleIncidentRun } from "../incident/record/settle.ts";

interface SweepingIncident {
  readonly incident: IncidentRecord;
  readonly nowMs: number;
  readonly dryRun: boolean;
}

/**
 * Settles an incident whose execution ended without doing so, and whose status event was lost. Returns how
 * many: one or none.
 */
export async function sweepIncident(
  { incident, nowMs, dryRun }: SweepingIncident,
  deps: With<"escalator">,
): Promise<0 | 1> {
  const { incidentId, executionArn } = incident;
  if (executionArn === undefined || !isExecutionOf(incident, executionArn)) return 0;
  const reason = await whyEnded(executionArn, deps);
  if (reason === undefined) return 0;
  const wasSettled = incident.status === "needsPerson";
  // The page is checked again even if the incident was settled: the function that settled it may have died
  // before paging.
  if (!dryRun) await settleIncidentRun({ incidentId, executionArn, atMs: nowMs, reason }, deps);
  return wasSettled ? 0 : 1;
}

/**
 * The reason with which to settle an execution that ended without settling itself; undefined while it may be
 * at work.
 */
export async function whyEnded(
  executionArn: string,
  { executions }: Pick<Deps, "executions">,
): Promise<string | undefined> {
  const state = await executions.describe(executionArn);
  return hasEnded(state) ? endedUnsettled(state) : undefined;
}
