import { cutToBytes, jsonBytes } from "../bytes.ts";
import type { AlertSeen, IncidentRecord, PageSent, TimelineEntry } from "./record.ts";
import type { ScopeFindings } from "./scope-findings.ts";

/**
 * What an incident's item may hold (O1). DynamoDB refuses an item above 400 KB, and an incident whose item is refused
 * cannot be contained, waived or closed. So whatever people and alert sources say has a share of its own in bytes,
 * and gives way to what the machine needs.
 */
export const incidentLimits = {
  alerts: 40,
  placesOfAlert: 10,
  placeBytes: 300,
  notes: 200,
  pages: 100,
  timeline: 300,
} as const;

/** What is kept of the copies that are behind, for each secret: so many, of so many bytes each. */
export const copiesBehindMax = 10;
export const copyBehindBytes = 300;

/** Of one line of the timeline. */
export const detailBytesMax = 1_200;

/** Well below DynamoDB's 400 KB: a step that adds a little must never be the one that is refused. */
export const incidentBytesMax = 320 * 1024;
/** A record below this is kept as it is. */
const comfortableBytes = 128 * 1024;

const shareBytes = {
  alerts: 48 * 1024,
  timeline: 48 * 1024,
  notes: 24 * 1024,
  pages: 24 * 1024,
  scope: 48 * 1024,
} as const;

/** Tried one after the other, where the machine's own part is large. */
const shares = [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 0] as const;

/** The record as it may be stored: asked at every write, so that no way into it can be forgotten. */
export function withinLimits(record: IncidentRecord): IncidentRecord {
  if (jsonBytes(record) <= comfortableBytes) return record;
  let smaller = record;
  for (const share of shares) {
    smaller = compacted(record, share);
    if (jsonBytes(smaller) <= incidentBytesMax) return smaller;
  }
  return smaller;
}

function compacted(record: IncidentRecord, share: number): IncidentRecord {
  const { timeline, notes, pages, scope } = record;
  return {
    ...record,
    ...compactedAlerts(record, shareBytes.alerts * share),
    timeline: mostImportant(timeline, { bytesMax: shareBytes.timeline * share, rank: rankOfEntry }),
    notes: mostImportant(notes, { bytesMax: shareBytes.notes * share, rank: () => 0 }),
    pages: mostImportant(pages, { bytesMax: shareBytes.pages * share, rank: rankOfPage(pages) }),
    ...(scope && { scope: compactedScope(scope, shareBytes.scope * share) }),
  };
}

/** Those that fit: the lowest rank first, of one rank the newest, and in the order in which they were. */
function mostImportant<Entry>(
  entries: readonly Entry[],
  { bytesMax, rank }: { readonly bytesMax: number; readonly rank: (entry: Entry, index: number) => number },
): readonly Entry[] {
  const asked = entries.map((entry, index) => ({ entry, index, rank: rank(entry, index) }));
  const kept = new Set<number>();
  let bytes = 0;
  for (const { entry, index } of asked.sort((a, b) => a.rank - b.rank || b.index - a.index)) {
    bytes += jsonBytes(entry) + 1;
    if (bytes > bytesMax) break;
    kept.add(index);
  }
  return entries.filter((_, index) => kept.has(index));
}

// ---- alerts ----------------------------------------------------------------------------------------------

type Alerts = Pick<IncidentRecord, "alerts" | "alertsSeen" | "alertsDropped">;

/** What one alert may bring into a record. */
export function boundedAlert(alert: AlertSeen): AlertSeen {
  const { placesOfAlert, placeBytes } = incidentLimits;
  const where = alert.where.slice(0, placesOfAlert).map((place) => cutToBytes(place, placeBytes));
  const seen = alert.whereSeen ?? alert.where.length;
  return { ...alert, where, ...(seen > where.length && { whereSeen: seen }) };
}

/** How many came, also of those that are not kept. */
export function alertCount({ alerts, alertsSeen }: Pick<Alerts, "alerts" | "alertsSeen">): number {
  return alertsSeen ?? alerts.length;
}

export function nameOfAlert({ source, sourceId }: Pick<AlertSeen, "source" | "sourceId">): string {
  return `${source} ${sourceId}`;
}

/** Of those that go their number and, for a while, their names are kept. */
export function compactedAlerts(record: Alerts, bytesMax: number = shareBytes.alerts): Alerts {
  const { alerts } = record;
  const bearing = new Set(
    factsOfPlan.map((bears) => alerts.find(bears)).filter((alert) => alert !== undefined),
  );
  const others = mostImportant(
    alerts.filter((alert) => !bearing.has(alert)),
    { bytesMax, rank: () => 0 },
  );
  const room = incidentLimits.alerts - bearing.size;
  const kept = new Set([...bearing, ...others.slice(-room)]);
  if (alerts.every((alert) => kept.has(alert))) return alertsOf(record);
  const gone = alerts.filter((alert) => !kept.has(alert)).map(nameOfAlert);
  const names = [...(record.alertsDropped ?? []), ...gone].slice(-droppedMax);
  return {
    alerts: alerts.filter((alert) => kept.has(alert)),
    alertsSeen: alertCount(record),
    alertsDropped: mostImportant(names, { bytesMax: bytesMax * droppedShare, rank: () => 0 }),
  };
}

function alertsOf({ alerts, alertsSeen, alertsDropped }: Alerts): Alerts {
  return {
    alerts,
    ...(alertsSeen !== undefined && { alertsSeen }),
    ...(alertsDropped !== undefined && { alertsDropped }),
  };
}

const droppedMax = 500;
const droppedShare = 1 / 6;

/**
 * The plan rests on these facts, and the clock on the first alert: the first alert that states each is never dropped.
 */
const factsOfPlan: readonly ((alert: AlertSeen) => boolean)[] = [
  () => true,
  ({ exposure }) => exposure === "public",
  ({ exposure }) => exposure === "private",
  ({ source }) => source === "person",
  ({ verified }) => verified === "live",
];

// ---- the rest --------------------------------------------------------------------------------------------

/** Entries about what Rekey did are kept first: a flood consists of what others said. */
function rankOfEntry({ what }: TimelineEntry, index: number): number {
  if (index === 0) return 0;
  return what === "alertAppended" || what === "note" ? 2 : 1;
}

/** The last page of each cause says that people heard of it; without it they would be told again. */
function rankOfPage(pages: readonly PageSent[]): (page: PageSent, index: number) => number {
  const lastOf = new Map(pages.map((page, index) => [`${page.reason} ${page.severity} ${page.why}`, index]));
  const lasts = new Set(lastOf.values());
  return (_, index) => (lasts.has(index) ? 0 : 1);
}

/** The first entry says how it began; of the rest what Rekey did outlives what others said. */
export function newestEntries(timeline: readonly TimelineEntry[]): readonly TimelineEntry[] {
  if (timeline.length <= incidentLimits.timeline) return timeline;
  const said = timeline.findIndex((entry, index) => rankOfEntry(entry, index) === 2);
  return timeline.toSpliced(said === -1 ? 1 : said, 1);
}

function compactedScope(scope: ScopeFindings, bytesMax: number): ScopeFindings {
  const { readers, newKeys, keyUse, siblings, notChecked } = scope;
  const part = bytesMax / 5;
  const smaller = {
    readers: mostImportant(readers, { bytesMax: part * 2, rank: ({ known }) => (known ? 1 : 0) }),
    newKeys: mostImportant(newKeys, { bytesMax: part, rank: () => 0 }),
    keyUse: mostImportant(keyUse, { bytesMax: part, rank: () => 0 }),
    siblings: mostImportant(siblings, { bytesMax: part / 2, rank: () => 0 }),
    notChecked: mostImportant(notChecked, { bytesMax: part / 2, rank: () => 0 }),
  };
  const left = readers.length - smaller.readers.length;
  if (left === 0) return { ...scope, ...smaller };
  const said = `${left} more readers of the secret were found than this record has room for`;
  return { ...scope, ...smaller, notChecked: [...smaller.notChecked, said] };
}
