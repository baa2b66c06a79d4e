import { alertCount, boundedAlert, compactedAlerts, incidentLimits, nameOfAlert } from "./limits.ts";
import type { AlertSeen, IncidentRecord } from "./record.ts";

export { alertCount } from "./limits.ts";

type Name = Pick<AlertSeen, "source" | "sourceId">;
type Alerts = Pick<IncidentRecord, "alerts" | "alertsSeen" | "alertsDropped">;
/** What a repeat is compared by: everything that can make Rekey act sooner. */
type Said = Name &
  Partial<Pick<AlertSeen, "exposure" | "verified" | "where" | "detectedAtMs" | "exposedAtMs">>;

/** Also true for an alert of which only the name is still kept. */
export function hadAlert({ alerts, alertsDropped = [] }: Alerts, alert: Name): boolean {
  const name = nameOfAlert(alert);
  return alerts.some((seen) => nameOfAlert(seen) === name) || alertsDropped.includes(name);
}

/** True if this alert came before and said at least as much (O3): such a repeat changes nothing. */
export function isRepeat(record: Alerts, alert: Said): boolean {
  if (!hadAlert(record, alert)) return false;
  const seen = record.alerts.find((each) => nameOfAlert(each) === nameOfAlert(alert));
  if (seen !== undefined) return !saysMore(seen, alert);
  // Only its name is kept, so it is compared with everything that is known.
  return record.alerts.some((each) => !saysMore({ ...each, where: [] }, { ...alert, where: [] }));
}

const exposures: readonly (AlertSeen["exposure"] | undefined)[] = ["unknown", "private", "public"];
const verdicts: readonly (AlertSeen["verified"] | undefined)[] = ["dead", "unknown", "live"];
const rank = <Word>(words: readonly Word[], word: Word) => Math.max(0, words.indexOf(word));

function saysMore(seen: AlertSeen, alert: Said): boolean {
  const { detectedAtMs = Number.POSITIVE_INFINITY, exposedAtMs = Number.POSITIVE_INFINITY } = alert;
  return (
    rank(exposures, alert.exposure) > rank(exposures, seen.exposure) ||
    (alert.verified === "live" && seen.verified !== "live") ||
    detectedAtMs < (seen.detectedAtMs ?? seen.receivedAtMs) ||
    exposedAtMs < (seen.exposedAtMs ?? seen.detectedAtMs ?? seen.receivedAtMs) ||
    placesBeside(seen, alert).length > 0
  );
}

/** Places that the first alert did not name, as far as there is room for them. */
function placesBeside({ where, whereSeen = 0 }: AlertSeen, alert: Said): readonly string[] {
  if (whereSeen > where.length || where.length >= incidentLimits.placesOfAlert) return [];
  return (alert.where ?? []).filter((place) => !where.includes(place));
}

/** Adds an alert, or what it says beyond an earlier one of the same id. Nothing that is known becomes weaker. */
export function withAlert(record: Alerts, alert: AlertSeen): Alerts {
  const { alerts } = record;
  const same = alerts.find((each) => nameOfAlert(each) === nameOfAlert(alert));
  if (same !== undefined) {
    const merged = boundedAlert(mergedAlerts(same, alert));
    return compactedAlerts({ ...record, alerts: alerts.map((each) => (each === same ? merged : each)) });
  }
  const isKnown = hadAlert(record, alert);
  return compactedAlerts({
    ...record,
    alerts: [...alerts, boundedAlert(alert)],
    alertsSeen: alertCount(record) + (isKnown ? 0 : 1),
  });
}

function mergedAlerts(seen: AlertSeen, alert: AlertSeen): AlertSeen {
  const detected = earliest(seen.detectedAtMs, alert.detectedAtMs);
  const exposed = earliest(seen.exposedAtMs, alert.exposedAtMs);
  return {
    ...seen,
    exposure:
      rank(exposures, alert.exposure) > rank(exposures, seen.exposure) ? alert.exposure : seen.exposure,
    verified: rank(verdicts, alert.verified) > rank(verdicts, seen.verified) ? alert.verified : seen.verified,
    where: [...seen.where, ...placesBeside(seen, alert)],
    ...(detected !== undefined && { detectedAtMs: detected }),
    ...(exposed !== undefined && { exposedAtMs: exposed }),
  };
}

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((atMs) => atMs !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
