import { RotationError } from "../../../core/errors.ts";
import { alertCount } from "../../../core/incident/alerts.ts";
import { incidentLimits } from "../../../core/incident/limits.ts";
import { isRekeysOwn, isSettled } from "../../../core/incident/plan.ts";
import type { IncidentRecord, KeyInScope } from "../../../core/incident/record.ts";
import { addToTimeline } from "../../../core/incident/transitions.ts";
import { type DuePage, isTriage, quietChannels } from "../../../core/incident/turns.ts";
import type { Policy } from "../../../core/policy.ts";
import type { Page, With } from "../../deps.ts";
import { auditIncident } from "../record/audit-incident.ts";
import { changeIncident } from "../record/change.ts";
import { policiesOf } from "../record/policies.ts";
import { runbookFor, topicOf } from "./runbook.ts";
import { stepLines, stepsToTake } from "./steps.ts";

interface Telling {
  readonly record: IncidentRecord;
  readonly due: DuePage;
  readonly atMs: number;
}

/** Sends one page through every channel and records which of them delivered it. */
export async function page({ record, due, atMs }: Telling, deps: With<"escalator">): Promise<boolean> {
  const { delivered, failed } = isToldByCampaign(record)
    ? { delivered: [`campaign ${record.campaignId}`], failed: [] }
    : await send({ record, due, atMs }, deps);
  const { reason, severity, why, error } = due;
  const isDelivered = delivered.length > 0;
  await changeIncident(
    record.incidentId,
    (now) =>
      addToTimeline(
        {
          ...now,
          pages: [
            ...now.pages,
            { atMs, reason, severity, why, ...(error !== undefined && { error }), delivered, failed },
          ].slice(-incidentLimits.pages),
        },
        {
          atMs,
          what: isDelivered ? "escalated" : "escalationFailed",
          detail: `${severity} ${reason}: ${isDelivered ? delivered.join(", ") : `no channel of ${failed.join(", ")}`}`,
        },
      ),
    deps,
  );
  const said = { reason, severity, why, delivered: delivered.join(", "), failed: failed.join(", ") };
  // A page that the log cannot take has reached people all the same.
  await auditIncident({ record, atMs, action: "IncidentPaged", detail: said }, deps).catch(
    (error: unknown) => {
      if (!(error instanceof RotationError)) throw error;
      deps.log({ step: "page", incidentId: record.incidentId, outcome: "notAudited", error: error.name });
    },
  );
  return isDelivered;
}

/** Of a thousand incidents at once a thousand pages would be read by nobody: the campaign sends one list of them all. */
function isToldByCampaign({ campaignId, keys }: IncidentRecord): boolean {
  return campaignId !== undefined && !keys.some(isRekeysOwn);
}

async function send({ record, due, atMs }: Telling, deps: With<"escalator">) {
  const quiet = quietChannels(record, due, atMs);
  return deps.escalator.page({
    ...pageOf(record, due, await policiesOf(record.secrets, deps)),
    ...(quiet.length > 0 && { quiet }),
  });
}

function pageOf(record: IncidentRecord, due: DuePage, policies: readonly Policy[]): Page {
  const { incidentId, keys, secrets, test, deadlineAtMs } = record;
  const { reason, severity, why } = due;
  const key = keys.find((each) => !isSettled(each)) ?? keys[0];
  const { provider, keyId } = key ?? {};
  // What the runbook adds by provider and id kills the key: in the wrong console, or before its consumers moved.
  const isToKill = key !== undefined && !isRekeysOwn(key) && key.currentAgain === undefined;
  const named = isToKill ? { provider, keyId } : {};
  const about = {
    ...(named.provider !== undefined && { provider: named.provider }),
    ...(named.keyId !== undefined && { keyId: named.keyId }),
    secretArns: secrets.map(({ secretArn }) => secretArn),
    deadlineAtMs,
  };
  return {
    ...{ incidentId, reason, severity, why, test, about },
    title: `${subjectOf(record, key)}: ${titleOf[reason]}`,
    steps: [...stepLines(stepsToTake({ record, policies, due })), `rekey incident show ${incidentId}`],
    runbook: runbookFor(topicOf(record, due)),
    links: record.reports.slice(-1).map(({ path }) => path),
  };
}

function subjectOf(record: IncidentRecord, key: KeyInScope | undefined): string {
  const { secrets, match } = record;
  if (isTriage(record)) return `${alertCount(record)} inexact alerts`;
  if (key !== undefined && isRekeysOwn(key)) return `${key.what ?? "a credential of Rekey's own"} leaked`;
  const where = secrets.map(({ name }) => name).join(", ") || "no secret of ours";
  return `compromised key ${key?.keyId ?? match.text} (${where})`;
}

const titleOf: Readonly<Record<DuePage["reason"], string>> = {
  opened: "containment has begun",
  notAccepted: "the provider has not accepted a revoke",
  notYetDead: "revoked, and not dead yet",
  replacementFailed: "there is no replacement",
  needsPerson: "a person has to act",
  held: "a hold applies, and containment goes on",
  deadlinePassed: "the deadline passes without proof",
  settled: "the machine stopped working on it",
  breakerOpen: "too many, so they are collected in one incident",
  testOfRealKey: "a test alert names a real key",
  liveKeyFound: "a live key stands in a file",
  asked: "somebody asked for help",
  alone: "one person ordered it alone",
  limited: "its sender may have no more contained unseen",
  cutOff: "consumers are cut off",
};
