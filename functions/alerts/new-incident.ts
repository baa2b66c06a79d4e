import { boundedAlert } from "../../core/incident/limits.ts";
import { clockFrom, decisionText } from "../../core/incident/plan.ts";
import type {
  AlertSeen,
  DecidedBefore,
  IncidentRecord,
  KeyInScope,
  PersonsOrder,
} from "../../core/incident/record.ts";
import { alertText } from "../../core/incident/transitions.ts";
import { triageSubject } from "../../core/incident/turns.ts";
import type { Alert } from "../../events/alert.ts";
import type { Identified } from "../key-index/identify-key.ts";
import { worstHolder } from "../key-index/own-credential.ts";

/** One alert of an authenticated sender: a source whose signature was checked, or a person. */
export interface Arrived {
  readonly alert: Alert;
  readonly kind: "start" | "append";
  readonly receivedAtMs: number;
  readonly intake: string;
  /** The AWS principal, if a person reported it. */
  readonly principal?: string;
  /** The plan that this person asked for. */
  readonly plan?: "contain-first" | "switch-first";
  readonly reason?: string;
  /** The incident of a repository, consumer or account that this one is a part of. */
  readonly parentId?: string;
  readonly campaignId?: string;
}

export interface Raising {
  readonly arrived: Arrived;
  readonly key: Identified;
}

export function alertSeen({ arrived, key }: Raising): AlertSeen {
  const { alert, receivedAtMs, intake, principal, reason } = arrived;
  const { source, sourceId, detectedAtMs, exposedAtMs, exposure, verified, where } = alert;
  return {
    ...{ source, sourceId, receivedAtMs, exposure, verified, where, match: key.match },
    principal: principal ?? `intake/${intake}`,
    ...(detectedAtMs !== undefined && { detectedAtMs }),
    ...(exposedAtMs !== undefined && { exposedAtMs }),
    ...(reason !== undefined && { reason }),
  };
}

export function wordOf({ principal, receivedAtMs, reason = "with the report" }: AlertSeen): PersonsOrder {
  return { by: principal, reason, atMs: receivedAtMs };
}

/** The record of an incident that nothing has opened yet. */
export function newIncident({
  subject,
  alert,
  raising,
  incidentId,
  before,
}: {
  readonly alert: AlertSeen;
  readonly raising: Raising;
  readonly subject: string;
  readonly incidentId: string;
  readonly before?: DecidedBefore;
}): IncidentRecord {
  const { plan, parentId, campaignId, alert: reported } = raising.arrived;
  const { receivedAtMs, match, exposedAtMs, detectedAtMs } = alert;
  const clock = clockFrom({ receivedAtMs, ...(detectedAtMs !== undefined && { detectedAtMs }) });
  const isAsked = plan !== undefined && alert.source === "person";
  return {
    ...{ incidentId, subject, match, receivedAtMs, ...clock },
    status: "reported",
    seq: 1,
    starts: 0,
    test: isTest(reported),
    ...(parentId !== undefined && { parentId }),
    ...(campaignId !== undefined && { campaignId }),
    checklist: [],
    plan: "person",
    planWhy: "the plan is chosen when the incident opens",
    ...(isAsked && { planAsked: { ...wordOf(alert), plan } }),
    ...(exposedAtMs !== undefined && { exposedAtMs }),
    escalateAtMs: clock.deadlineAtMs,
    keys: keysFrom(raising.key, subject),
    secrets: [],
    alerts: [boundedAlert(alert)],
    timeline: [
      { atMs: receivedAtMs, what: "reported", detail: alertText(alert) },
      ...(before
        ? [
            {
              atMs: receivedAtMs,
              what: "decidedBefore" as const,
              detail: decisionText(before),
              by: before.by,
            },
          ]
        : []),
    ],
    ...(before && { decidedBefore: before }),
    ...{ notes: [], pages: [], waits: [], reports: [] },
  };
}

/** A triage incident is about no particular key. */
export function keysFrom(key: Identified, subject: string): readonly KeyInScope[] {
  const { match, holders, ...names } = key;
  if (subject === triageSubject) return [];
  const holder = worstHolder(holders);
  const isOurs = match.by !== "none";
  return [
    {
      ...names,
      ...holder,
      standing: isOurs ? "unplaced" : "unknown",
      state: isOurs ? "waiting" : "needsPerson",
      probes: 0,
      refusals: 0,
      ...(!isOurs && { blocked: { why: "no secret under Rekey is known to hold this key" } }),
    },
  ];
}

export function isTest({ test }: Alert): boolean {
  return test === true;
}
