import type { SecretArn } from "../ports.ts";
import type { ChecklistEntry, IncidentRecord, IncidentStatus } from "./record.ts";
import { isOver } from "./status.ts";

/**
 * A checklist of keys that leaked together. No machine runs for it, so its status is computed from its
 * incidents each time it is read.
 */
export function asItsIncidentsAre(
  parent: IncidentRecord,
  incidents: readonly IncidentRecord[],
): IncidentRecord {
  const checklist = parent.checklist.map((entry) => reportedSince({ entry, parent, incidents }));
  const listed = checklist.map(({ incidentId }) =>
    incidents.find((each) => incidentId !== undefined && each.incidentId === incidentId),
  );
  const status = worstOf(listed.map((child) => child?.status ?? "reported"));
  if (!isOver(status)) return { ...parent, checklist, status };
  const ends = listed.flatMap((child) => child?.closedAtMs ?? []);
  return { ...parent, checklist, status, ...(ends.length > 0 && { closedAtMs: Math.max(...ends) }) };
}

/** If reporting was interrupted, the same key may have been reported again: then that incident is used. */
function reportedSince({
  entry,
  parent,
  incidents,
}: {
  readonly entry: ChecklistEntry;
  readonly parent: IncidentRecord;
  readonly incidents: readonly IncidentRecord[];
}): ChecklistEntry {
  if (entry.incidentId !== undefined) return entry;
  const found = incidents.find(
    ({ executionArn, alerts, keys }) =>
      executionArn !== undefined &&
      alerts.some(({ receivedAtMs }) => receivedAtMs >= parent.receivedAtMs) &&
      keys.some(({ secretArn }) => secretArn === entry.secretArn),
  );
  return found === undefined ? entry : { ...entry, incidentId: found.incidentId };
}

/** If reporting was interrupted, a key without an incident keeps the checklist open. */
function worstOf(statuses: readonly IncidentStatus[]): IncidentStatus {
  if (statuses.includes("needsPerson")) return "needsPerson";
  if (statuses.includes("open") || statuses.includes("reported")) return "open";
  if (statuses.includes("contained")) return "contained";
  return statuses.every((status) => status === "falseAlarm") ? "falseAlarm" : "closed";
}

/** Notes the incidents that one secret's key got. A repeat changes nothing. */
export function listIncidents(
  parent: IncidentRecord,
  { secretArn, incidentIds }: { readonly secretArn: SecretArn; readonly incidentIds: readonly string[] },
): IncidentRecord {
  const isIt = (entry: ChecklistEntry) => entry.secretArn === secretArn && entry.incidentId === undefined;
  if (!parent.checklist.some(isIt) || incidentIds.length === 0) return parent;
  const checklist = parent.checklist.flatMap((entry) =>
    isIt(entry) ? incidentIds.map((incidentId) => ({ ...entry, incidentId })) : [entry],
  );
  return { ...parent, checklist, seq: parent.seq + 1 };
}
