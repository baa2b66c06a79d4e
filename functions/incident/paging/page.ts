import { alertCount } from "../../../core/incident/alerts.ts";
import { incidentLimits } from "../../../core/incident/limits.ts";
import { isRekeysOwn, isSettled } from "../../../core/incident/plan.ts";
import type { IncidentRecord, KeyInScope } from "../../../core/incident/record.ts";
import { addToTimeline } from "../../../core/incident/transitions.ts";
import { type DuePage, isTriage } from "../../../core/incident/turns.ts";
import type { Page, With } from "../../deps.ts";
import { changeIncident } from "../record/change.ts";
import { containNowStep, personSteps } from "./person-steps.ts";
import { runbookFor, stepsFor, topicOf } from "./runbook.ts";

interface Telling {
  readonly record: IncidentRecord;
  readonly due: DuePage;
  readonly atMs: number;
}

/** Sends one page through every channel and records which of them delivered it. */
export async function page({ record, due, atMs }: Telling, deps: With<"escalator">): Promise<boolean> {
  const { delivered, failed } = await deps.escalator.page(pageOf(record, due));
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
  return isDelivered;
}

function pageOf(record: IncidentRecord, due: DuePage): Page {
  const { incidentId, keys, secrets, test, deadlineAtMs } = record;
  const { reason, severity, why } = due;
  const key = keys.find((each) => !isSettled(each)) ?? keys[0];
  const { provider, keyId } = key ?? {};
  // What the runbook adds by provider and id kills the key: in the wrong console, or before its consumers moved.
  const isToKill = key !== undefined && !isRekeysOwn(key) && key.handedOutAgain === undefined;
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
    steps: stepsFor({ incidentId, reason, about, steps: stepsOf(record, reason) }),
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
};

/** What Rekey itself takes; `stepsFor` adds what the provider's console needs. */
function stepsOf(record: IncidentRecord, reason: DuePage["reason"]): readonly string[] {
  switch (reason) {
    case "needsPerson":
    case "replacementFailed":
    case "settled":
    case "notAccepted":
    case "deadlinePassed":
    case "breakerOpen":
    case "asked":
      return stepTexts(record);
    case "opened":
    case "notYetDead":
    case "held":
    case "testOfRealKey":
    case "alone":
    case "liveKeyFound":
      return [];
  }
}

function stepTexts(record: IncidentRecord): readonly string[] {
  const own = personSteps(record);
  const steps = own.length > 0 ? own : [containNowStep(record)].filter((step) => step !== undefined);
  return steps.flatMap(({ what, command }) => (command === undefined ? [what] : [what, command]));
}
