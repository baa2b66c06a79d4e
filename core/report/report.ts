import { alertCount } from "../incident/alerts.ts";
import { claimText } from "../incident/claim.ts";
import { type DeadlineKept, deadlineOf } from "../incident/plan.ts";
import type {
  AlertSeen,
  IncidentRecord,
  KeyInScope,
  PersonsOrder,
  SecretInScope,
  TimelineEntry,
  TimelineWhat,
} from "../incident/record.ts";
import type { ScopeFindings } from "../incident/scope-findings.ts";
import { keysHeldBy } from "../incident/transitions.ts";
import type { Policy } from "../policy.ts";
import type { KeyId, SecretArn, VersionId } from "../ports.ts";
import { type FollowUp, followUpsOf, nameOf, ownersOf } from "./follow-ups.ts";

export interface ReportView {
  readonly incident: IncidentRecord;
  /** The policies of the secrets in scope, because they name the owners. */
  readonly policies: readonly Policy[];
  readonly nowMs: number;
  /** What is left for a person: the list of the page and the screen. */
  readonly steps?: readonly { readonly what: string; readonly command?: string }[];
}

/**
 * The report about an incident, for somebody who reads it a month later. Ids, times and texts, never key
 * material.
 */
export interface IncidentReport {
  readonly schema: 1;
  readonly incidentId: string;
  readonly status: IncidentRecord["status"];
  readonly test: boolean;
  readonly filedAtMs: number;
  readonly subject: string;
  readonly plan: IncidentRecord["plan"];
  readonly planWhy: string;
  readonly match: IncidentRecord["match"];
  readonly containNow?: PersonsOrder;
  readonly reason?: string;
  readonly clocks: ReportClocks;
  readonly keys: readonly KeyInScope[];
  readonly deaths: readonly ReportedDeath[];
  readonly secrets: readonly SecretInScope[];
  readonly outages: readonly Outage[];
  readonly alerts: readonly AlertSeen[];
  /** How many came, where not all of them are kept. */
  readonly alertsSeen?: number;
  readonly scope?: ScopeFindings;
  /** The versions of secrets that hold a key of this incident. */
  readonly leakedVersionIds: readonly VersionId[];
  readonly notChecked: readonly string[];
  readonly people: readonly TimelineEntry[];
  readonly followUps: readonly FollowUp[];
  readonly steps: NonNullable<ReportView["steps"]>;
  /** Whose each secret is, as its policy says. */
  readonly owners: readonly { readonly secret: string; readonly owner: string }[];
  /** Every page, with what each channel answered, and who acknowledged. */
  readonly pages: IncidentRecord["pages"];
  readonly acknowledged: readonly PersonsOrder[];
  readonly timeline: readonly TimelineEntry[];
}

/** The two clocks are kept apart: a provider that accepted a revoke may still accept the key for a while. */
export interface ReportClocks {
  readonly exposedAtMs?: number;
  readonly detectedAtMs: number;
  /** What a sender claimed, and what it was taken for. */
  readonly claim?: string;
  readonly receivedAtMs: number;
  readonly openedAtMs?: number;
  readonly deadlineAtMs: number;
  /** Of the last key; absent until every key has such a time. */
  readonly acceptedAtMs?: number;
  readonly deadAtMs?: number;
  readonly detectedToAcceptedMs?: number;
  readonly detectedToDeadMs?: number;
  readonly exposedToDeadMs?: number;
  readonly deadline: DeadlineKept;
}

export interface ReportedDeath {
  readonly keyId?: KeyId;
  readonly fingerprint?: string;
  readonly how: NonNullable<KeyInScope["how"]>;
  readonly probes: number;
  readonly acceptedAtMs?: number;
  readonly deadAtMs: number;
}

/** The time in which consumers of one secret still held a key that Rekey had stopped, and not yet the next one. */
export interface Outage {
  readonly secretArn: SecretArn;
  readonly name: string;
  readonly environment: string;
  readonly cause: "none" | "rekey" | "deadBefore";
  readonly stoppedAtMs?: number;
  /** Absent while the outage lasts. */
  readonly endedAtMs?: number;
  /** The longest time of any consumer. Its real outage is at most this, and less if it made fewer calls. */
  readonly atMostMs: number;
  readonly consumers: readonly ConsumerOutage[];
}

export interface ConsumerOutage {
  readonly consumer: string;
  readonly atMostMs: number;
  readonly isOver: boolean;
}

export function reportOf(view: ReportView): IncidentReport {
  const { incident, nowMs } = view;
  const { incidentId, status, test, subject, plan, planWhy, match, keys, secrets, alerts, timeline } =
    incident;
  const outages = secrets.map((secret) => outageOf(secret, { keys, nowMs }));
  return {
    schema: 1,
    ...{ incidentId, status, test, filedAtMs: nowMs, subject, plan, planWhy, match },
    ...(incident.containNow && { containNow: incident.containNow }),
    ...(incident.reason !== undefined && { reason: incident.reason }),
    clocks: clocksOf(incident, nowMs),
    keys,
    deaths: keys.flatMap(deathOf),
    ...{ secrets, outages, alerts },
    ...(alertCount(incident) > alerts.length && { alertsSeen: alertCount(incident) }),
    ...(incident.scope && { scope: incident.scope }),
    leakedVersionIds: [...new Set([...keys, ...secrets].flatMap(({ versionId }) => versionId ?? []))],
    notChecked: notCheckedIn(incident),
    people: timeline.filter((entry) => neededPerson(entry, incident)),
    followUps: followUpsOf(view),
    steps: view.steps ?? [],
    owners: secrets.map((secret) => ({ secret: secret.name, owner: ownersOf(secret, view.policies) })),
    pages: incident.pages,
    acknowledged: incident.acknowledged ?? [],
    timeline,
  };
}

// ---- the clocks ------------------------------------------------------------------------------------------

function clocksOf(incident: IncidentRecord, nowMs: number): ReportClocks {
  const { exposedAtMs, detectedAtMs, receivedAtMs, openedAtMs, deadlineAtMs, keys } = incident;
  const claim = claimText(incident);
  const acceptedAtMs = lastOf(keys.map(acceptedOf));
  const deadAtMs = lastOf(keys.map((key) => key.deadAtMs));
  return {
    ...{ detectedAtMs, receivedAtMs, deadlineAtMs },
    ...(claim !== undefined && { claim }),
    ...(exposedAtMs !== undefined && { exposedAtMs }),
    ...(openedAtMs !== undefined && { openedAtMs }),
    ...(acceptedAtMs !== undefined && {
      acceptedAtMs,
      detectedToAcceptedMs: Math.max(0, acceptedAtMs - detectedAtMs),
    }),
    ...(deadAtMs !== undefined && { deadAtMs, detectedToDeadMs: Math.max(0, deadAtMs - detectedAtMs) }),
    ...(deadAtMs !== undefined &&
      exposedAtMs !== undefined && { exposedToDeadMs: Math.max(0, deadAtMs - exposedAtMs) }),
    deadline: deadlineOf(incident, nowMs),
  };
}

/** A key that was dead when the incident opened was never revoked by Rekey. */
function acceptedOf(key: KeyInScope): number | undefined {
  return key.acceptedAtMs ?? (key.how === "alreadyDead" ? key.deadAtMs : undefined);
}

/** The latest of the times, if all are known. */
function lastOf(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 || known.length < times.length ? undefined : Math.max(...known);
}

function deathOf(key: KeyInScope): readonly ReportedDeath[] {
  if (key.deadAtMs === undefined || key.how === undefined) return [];
  const { keyId, fingerprint, acceptedAtMs, how, probes, deadAtMs } = key;
  return [
    {
      ...(keyId !== undefined && { keyId }),
      ...(fingerprint !== undefined && { fingerprint }),
      ...{ how, probes, deadAtMs },
      ...(acceptedAtMs !== undefined && { acceptedAtMs }),
    },
  ];
}

// ---- the outage ------------------------------------------------------------------------------------------

function outageOf(
  secret: SecretInScope,
  { keys, nowMs }: { readonly keys: readonly KeyInScope[]; readonly nowMs: number },
): Outage {
  const { secretArn, name, environment, adoptedAtMs, replacement } = secret;
  const facts = { secretArn, name, environment };
  const held = keysHeldBy(secret, keys);
  const stops = held.flatMap((key) => key.quarantinedAtMs ?? key.acceptedAtMs ?? []);
  if (held.some(({ how, goneBefore }) => how === "alreadyDead" || goneBefore === true)) {
    return { ...facts, cause: "deadBefore", atMostMs: 0, consumers: [] };
  }
  if (stops.length === 0 || replacement === "notNeeded") {
    return { ...facts, cause: "none", atMostMs: 0, consumers: [] };
  }
  const stoppedAtMs = Math.min(...stops);
  const consumers = consumerOutages(secret, { stoppedAtMs, nowMs });
  const wholeMs = Math.max(0, (adoptedAtMs ?? nowMs) - stoppedAtMs);
  const longest = consumers.length > 0 ? Math.max(...consumers.map(({ atMostMs }) => atMostMs)) : wholeMs;
  if (longest === 0) return { ...facts, cause: "none", atMostMs: 0, consumers: [] };
  const ended = adoptedAtMs === undefined ? {} : { endedAtMs: adoptedAtMs };
  return { ...facts, cause: "rekey", stoppedAtMs, atMostMs: longest, consumers, ...ended };
}

function consumerOutages(
  { moved, behind }: SecretInScope,
  { stoppedAtMs, nowMs }: { readonly stoppedAtMs: number; readonly nowMs: number },
): readonly ConsumerOutage[] {
  const over = moved.map(({ consumer, atMs }) => ({
    ...{ consumer, isOver: true },
    atMostMs: Math.max(0, atMs - stoppedAtMs),
  }));
  const lasting = behind.map((consumer) => ({
    ...{ consumer, isOver: false },
    atMostMs: Math.max(0, nowMs - stoppedAtMs),
  }));
  return [...over, ...lasting];
}

// ---- what is left ----------------------------------------------------------------------------------------

const personalSteps: ReadonlySet<TimelineWhat> = new Set([
  "personNeeded",
  "escalationFailed",
  "waived",
  "falseAlarm",
]);

/** A page asks somebody to act; a notification does not. */
function neededPerson({ what, by, atMs }: TimelineEntry, { pages }: IncidentRecord): boolean {
  if (by !== undefined || personalSteps.has(what)) return true;
  return what === "escalated" && pages.some((sent) => sent.atMs === atMs && sent.severity === "page");
}

function notCheckedIn({ scope, keys, status }: IncidentRecord): readonly string[] {
  const unproven = keys.flatMap((key) =>
    key.state === "dead" || key.waiver === undefined
      ? []
      : [`${nameOf(key)} was waived by ${key.waiver.by}, not proven dead`],
  );
  const byListing = keys
    .filter(({ how }) => how === "listing")
    .map(
      (key) =>
        `${nameOf(key)} is gone from the provider's listing; it could not be tried, because its plaintext is not held`,
    );
  const scoping =
    scope?.notChecked ??
    (status === "falseAlarm" ? [] : ["who read the secret and what the key did: not looked up yet"]);
  return [...unproven, ...byListing, ...scoping];
}
