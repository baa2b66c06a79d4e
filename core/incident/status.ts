import type { IncidentRecord } from "./record.ts";

/** The incident is finished: later remarks are notes. */
export function isOver(status: IncidentRecord["status"]): boolean {
  return status === "closed" || status === "falseAlarm";
}
