import { told } from "../core/incident.ts";
import type { IncidentRecord } from "../core/incident-record.ts";
import type { DuePage } from "../core/incident-turns.ts";
import type { Deps } from "./deps.ts";
import { changeIncident } from "./incident-change.ts";
import type { Page } from "./incident-ports.ts";

interface Telling {
  readonly record: IncidentRecord;
  readonly due: DuePage;
  readonly atMs: number;
}

/** Sends one page through every channel and writes down who took it. */
export async function tell({ record, due, atMs }: Telling, deps: Deps): Promise<boolean> {
  const { delivered, failed } = await deps.incident.escalator.page(pageOf(record, due));
  const { reason, severity, why } = due;
  const isDelivered = delivered.length > 0;
  await changeIncident(
    record.incidentId,
    (now) =>
      told(
        {
          ...now,
          pages: [...now.pages, { atMs, reason, severity, why, delivered, failed }].slice(-pagesMax),
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

const pagesMax = 100;

function pageOf(record: IncidentRecord, { reason, severity, why }: DuePage): Page {
  const { incidentId, keys, secrets, test, deadlineAtMs } = record;
  const key = keys.find(({ state }) => state !== "dead") ?? keys[0];
  const named = key?.keyId ?? record.match.text;
  const where = secrets.map(({ name }) => name).join(", ") || "no secret of ours";
  return {
    ...{ incidentId, reason, severity, why, test },
    title: `compromised key ${named} (${where}): ${titleOf[reason]}`,
    steps: stepsOf(record, reason),
    links: record.reports.slice(-1).map(({ path }) => path),
    about: {
      ...(key?.provider !== undefined && { provider: key.provider }),
      ...(key?.keyId !== undefined && { keyId: key.keyId }),
      secretArns: secrets.map(({ secretArn }) => secretArn),
      deadlineAtMs,
    },
  };
}

const titleOf: Readonly<Record<Page["reason"], string>> = {
  opened: "containment has begun",
  notAccepted: "the provider has not accepted a revoke",
  notYetDead: "revoked, and not dead yet",
  replacementFailed: "there is no replacement",
  needsPerson: "a person has to act",
  held: "a hold applies, and containment goes on",
  deadlinePassed: "the deadline passes without proof",
  settled: "the machine stopped working on it",
  breakerOpen: "too many inexact alerts: they are triaged together",
  asked: "somebody asked for help",
};

/** What Rekey itself takes; the channels add what the provider's console needs. */
function stepsOf({ incidentId, containNow }: IncidentRecord, reason: Page["reason"]): readonly string[] {
  switch (reason) {
    case "needsPerson":
    case "replacementFailed":
    case "settled":
      return containNow === undefined ? [`rekey incident contain-now ${incidentId}`] : [];
    case "breakerOpen":
    case "opened":
    case "notAccepted":
    case "notYetDead":
    case "held":
    case "deadlinePassed":
    case "asked":
      return [];
  }
}
