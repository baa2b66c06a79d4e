import type { AlertSeen, IncidentRecord } from "./record.ts";

/**
 * An incident keeps this many alerts: a flood must neither fill the item nor push out the alerts that the
 * plan rests on.
 */
const alertsMax = 100;
const droppedMax = 500;

type Name = Pick<AlertSeen, "source" | "sourceId">;
type Alerts = Pick<IncidentRecord, "alerts" | "alertsSeen" | "alertsDropped">;

/** Also true for an alert of which only the name is still kept. */
export function hadAlert({ alerts, alertsDropped = [] }: Alerts, alert: Name): boolean {
  const name = nameOf(alert);
  return alerts.some((seen) => nameOf(seen) === name) || alertsDropped.includes(name);
}

function nameOf({ source, sourceId }: Name): string {
  return `${source} ${sourceId}`;
}

/** How many alerts came, including those that are not kept. */
export function alertCount({ alerts, alertsSeen }: Pick<Alerts, "alerts" | "alertsSeen">): number {
  return alertsSeen ?? alerts.length;
}

export function withAlert(record: Alerts, alert: AlertSeen): Alerts {
  const alerts = [...record.alerts, alert];
  const alertsSeen = alertCount(record) + 1;
  if (alerts.length <= alertsMax) return { alerts, alertsSeen };
  const bearing = new Set(factsOfPlan.map((bears) => alerts.find(bears)));
  const dropped = alerts.filter((seen) => !bearing.has(seen)).slice(0, 1);
  const alertsDropped = [...(record.alertsDropped ?? []), ...dropped.map(nameOf)].slice(-droppedMax);
  return { alerts: alerts.filter((seen) => !dropped.includes(seen)), alertsSeen, alertsDropped };
}

/** Facts that decide the plan and the clock. The first alert that states each of them is never dropped. */
const factsOfPlan: readonly ((alert: AlertSeen) => boolean)[] = [
  () => true,
  ({ exposure }) => exposure === "public",
  ({ exposure }) => exposure === "private",
  ({ source }) => source === "person",
  ({ verified }) => verified === "live",
];
