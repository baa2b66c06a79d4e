import type { IncidentRecord } from "../../../core/incident/record.ts";

const waitSecondsMin = 1;
const idleSecondsMin = 60;
const waitSecondsMax = 6 * 3_600;
/** An execution's history holds 25,000 events: each idle lap is this much longer than what lies behind it. */
const idleShare = 0.05;

/** How long a branch waits if nobody wakes it: until what is due, or a share of the time it has waited already. */
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
