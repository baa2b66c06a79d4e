import { alertCount, boundedAlert, compactedAlerts, nameOfAlert } from "./limits.ts";
import type { AlertSeen, IncidentRecord } from "./record.ts";

export { alertCount } from "./limits.ts";

type Name = Pick<AlertSeen, "source" | "sourceId">;
type Alerts = Pick<IncidentRecord, "alerts" | "alertsSeen" | "alertsDropped">;

/** Also true for an alert of which only the name is still kept. */
export function hadAlert({ alerts, alertsDropped = [] }: Alerts, alert: Name): boolean {
  const name = nameOfAlert(alert);
  return alerts.some((seen) => nameOfAlert(seen) === name) || alertsDropped.includes(name);
}

export function withAlert(record: Alerts, alert: AlertSeen): Alerts {
  const alerts = [...record.alerts, boundedAlert(alert)];
  return compactedAlerts({ ...alertsOf(record), alerts, alertsSeen: alertCount(record) + 1 });
}

function alertsOf({ alerts, alertsSeen, alertsDropped }: Alerts): Alerts {
  return {
    alerts,
    ...(alertsSeen !== undefined && { alertsSeen }),
    ...(alertsDropped !== undefined && { alertsDropped }),
  };
}
