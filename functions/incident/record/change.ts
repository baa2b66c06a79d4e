import type { IncidentRecord } from "../../../core/incident/record.ts";
import { endWaits, staleWaits, storeIncidentWait } from "../../../core/incident/transitions.ts";
import type { SecretArn } from "../../../core/ports.ts";
import { incidentWith } from "../../../core/rotation/secret-record.ts";
import type { Deps } from "../../deps.ts";

type Change = (record: IncidentRecord) => IncidentRecord;

/**
 * Changes an incident and wakes every branch that waits and has not seen the new record. A repeat that
 * changes nothing wakes them too, because the first try may have died before it did.
 */
export async function changeIncident(
  incidentId: string,
  change: Change,
  deps: Pick<Deps, "ledger" | "executions">,
): Promise<IncidentRecord> {
  const record = await deps.ledger.incidents.changeIncident(incidentId, change);
  const stale = staleWaits(record);
  if (stale.length === 0) return record;
  for (const { token } of stale) await deps.executions.succeed(token, { outcome: "changed" });
  const tokens = new Set(stale.map(({ token }) => token));
  return deps.ledger.incidents.changeIncident(incidentId, (now) => endWaits(now, tokens));
}

/** Stores the wait of a branch. If the branch has not seen the last change, it decides again at once. */
export async function parkBranch(
  wait: {
    readonly incidentId: string;
    readonly waiter: string;
    readonly token: string;
    readonly seenSeq: number;
  },
  deps: Pick<Deps, "ledger" | "executions">,
): Promise<"waiting" | "decideAgain"> {
  let mustDecideAgain = false;
  const { incidentId, waiter, token, seenSeq } = wait;
  await deps.ledger.incidents.changeIncident(incidentId, (record) => {
    const stored = storeIncidentWait(record, { waiter, token, seenSeq });
    mustDecideAgain = stored === "decideAgain";
    return stored === "decideAgain" ? record : stored;
  });
  if (mustDecideAgain) await deps.executions.succeed(token, { outcome: "decideAgain" });
  return mustDecideAgain ? "decideAgain" : "waiting";
}

/** Ends the wait of the incident's own run in one secret, for consumers or for a key: its branch decides anew. */
export async function endWait(
  {
    secretArn,
    incidentId,
    outcome,
  }: { readonly secretArn: SecretArn; readonly incidentId: string; readonly outcome: string },
  deps: Pick<Deps, "ledger" | "executions">,
): Promise<void> {
  const record = await deps.ledger.secret(secretArn);
  const { wait } = record;
  if (wait !== undefined && incidentWith(record) === incidentId)
    await deps.executions.succeed(wait.token, { outcome });
}

const waitSecondsMin = 1;
const idleSecondsMin = 60;
const waitSecondsMax = 6 * 3_600;
/** An execution's history holds 25,000 events, so each idle wait is this share of the time that has passed. */
const idleShare = 0.05;

/** How long a branch waits if nobody wakes it: until the next due time, or a share of the time it has waited. */
export function waitSecondsFor(wait: {
  readonly record: Pick<IncidentRecord, "takenUpAtMs">;
  readonly nowMs: number;
  readonly untilMs?: number;
}): number {
  const { record, nowMs, untilMs } = wait;
  const idleSeconds = Math.max(idleSecondsMin, ((nowMs - (record.takenUpAtMs ?? nowMs)) / 1000) * idleShare);
  const dueSeconds = untilMs === undefined ? idleSeconds : Math.ceil((untilMs - nowMs) / 1000);
  return Math.round(Math.min(waitSecondsMax, Math.max(waitSecondsMin, dueSeconds)));
}
