import { setTimeout as pause } from "node:timers/promises";
import type { IncidentRecord, TimelineEntry } from "../ledger/incidents.ts";
import type { Start } from "./demonstration.ts";
import { type Demonstration, startDemonstration } from "./demonstration.ts";
import { countUp, introduce, openingFor, showCertificate, stillThere } from "./rotation-run.ts";
import type { Screen, Tone } from "./screen.ts";
import { stay } from "./stay.ts";
import { complaintsOf, type Summary, summarize, troubleIn } from "./summary.ts";

type Plan = "contain-first" | "switch-first";

const runMaxMs = 120_000;
const pollMs = 50;
/** Traffic before the leak, to compare with. */
const beforeMs = 2_000;
const afterMs = 1_000;
/** The provider's delays for which the expected figures hold. */
const provider = { latencyMs: 100, dieMs: 1_000 };

export async function runCompromise(start: Start & { readonly plan: Plan }): Promise<number> {
  const { shown, plan } = start;
  const startedAt = Date.now();
  const company = await startDemonstration({ ...openingFor(start), plan, provider });
  try {
    introduce(company, shown);
    await pause(beforeMs);
    const report = company.leakIntoReport();
    shown.say(`a TruffleHog report with the live key arrives: rekey report ${report}`);
    await company.rekey("report", report);
    const supplied = company.supply?.();
    const incident = await closed(company, shown);
    await supplied;
    await pause(afterMs);
    const summary = await summarizeIncident({ company, incident, ms: Date.now() - startedAt });
    const complaints = [
      ...complaintsOf(summary, { outcome: "contained", mayFail: plan === "contain-first" }),
      ...(summary.incident.plan === plan ? [] : [`the plan was ${summary.incident.plan}, not ${plan}`]),
      ...failedTooEarly(company, incident),
    ];
    conclude({ shown, company, summary, complaints });
    if (start.stay) await stay(company, start);
    return complaints.length === 0 ? 0 : 1;
  } finally {
    await company.close();
  }
}

/** No plan lets a request fail while the leaked key is still to be disabled. */
function failedTooEarly({ fleet }: Demonstration, { timeline }: IncidentRecord): readonly string[] {
  const intents = timeline.filter(({ what }) => what === "quarantineIntended" || what === "revokeIntended");
  const fromMs = Math.min(...intents.map(({ atMs }) => atMs));
  const early = [...fleet.tallies()].filter(
    ([, { failed, failedFromMs = 0 }]) => failed > 0 && failedFromMs < fromMs,
  );
  return early.map(([name]) => `requests of ${name} failed before the key was to be disabled`);
}

/** Shows the incident's timeline as it grows, until the incident is over. */
async function closed(company: Demonstration, shown: Screen): Promise<IncidentRecord> {
  let told = 0;
  for (const untilMs = Date.now() + runMaxMs; Date.now() < untilMs; ) {
    const [incident] = await company.ledger.incidents.incidents();
    if (incident !== undefined) {
      for (const entry of incident.timeline.slice(told)) tell({ shown, incident, entry });
      told = incident.timeline.length;
      if (incident.status === "closed" || incident.status === "needsPerson") return incident;
    }
    stillThere(company);
    await pause(pollMs);
  }
  throw new Error(
    [`the incident is not over after ${runMaxMs / 1000} s`, ...troubleIn(company.cloud)].join("; "),
  );
}

const goodNews: ReadonlySet<TimelineEntry["what"]> = new Set([
  ...(["quarantined", "revokeAccepted", "dead", "recovered", "closed"] as const),
]);
const badNews: ReadonlySet<TimelineEntry["what"]> = new Set([
  ...(["replacementFailed", "personNeeded", "escalationFailed"] as const),
]);

function tell(news: {
  readonly shown: Screen;
  readonly incident: IncidentRecord;
  readonly entry: TimelineEntry;
}): void {
  const { shown, incident, entry } = news;
  const tone: Tone = goodNews.has(entry.what) ? "good" : badNews.has(entry.what) ? "bad" : "plain";
  const elapsedMs = Math.max(0, entry.atMs - incident.detectedAtMs);
  const secret = incident.secrets.map(({ name }) => name).join(", ");
  const text = `${entry.detail}${clockAt(incident, entry)}`;
  shown.step({ elapsedMs, name: entry.what, secret, text, tone });
}

/** A person who has to do something sees how long the incident may still take. */
function clockAt({ deadlineAtMs }: IncidentRecord, { what, atMs }: TimelineEntry): string {
  if (what !== "personNeeded") return "";
  const leftS = Math.max(0, Math.round((deadlineAtMs - atMs) / 1000));
  return `; ${Math.floor(leftS / 60)} min ${leftS % 60} s are left of its clock`;
}

interface IncidentSummary extends Summary {
  readonly incident: {
    readonly incidentId: string;
    readonly plan: string;
    /** Absent where the provider cannot disable a key, or the plan had no time to. */
    readonly detectedToQuarantineMs?: number;
    readonly detectedToRevokeMs: number | null;
    readonly detectedToDeadMs: number | null;
    readonly deadlineMs: number;
    readonly escalated: boolean;
    readonly reportPath: string | null;
  };
}

async function summarizeIncident(run: {
  readonly company: Demonstration;
  readonly incident: IncidentRecord;
  readonly ms: number;
}): Promise<IncidentSummary> {
  const { company, incident, ms } = run;
  const [key] = incident.keys;
  const [secret] = incident.secrets;
  const quarantinedAtMs = key?.quarantinedAtMs;
  const filed = incident.reports.at(-1)?.path;
  const reportPath = filed === undefined ? null : await company.saveReport(filed);
  const since = (atMs: number | undefined) => (atMs === undefined ? null : atMs - incident.detectedAtMs);
  const summary = await summarize({
    ...{ company, ms, runId: incident.incidentId, executionArn: incident.executionArn ?? "" },
    outcome: incident.status === "closed" ? "contained" : incident.status,
    probes: key?.refusals ?? 0,
    isSeenDead: key?.state === "dead",
    incoming: { keyId: secret?.incomingKeyId, versionId: secret?.incomingVersionId },
  });
  return {
    ...summary,
    incident: {
      incidentId: incident.incidentId,
      plan: incident.plan,
      ...(quarantinedAtMs !== undefined && {
        detectedToQuarantineMs: quarantinedAtMs - incident.detectedAtMs,
      }),
      detectedToRevokeMs: since(key?.acceptedAtMs),
      detectedToDeadMs: since(key?.deadAtMs),
      deadlineMs: incident.deadlineAtMs - incident.detectedAtMs,
      escalated: incident.pages.some(({ severity }) => severity === "page"),
      reportPath,
    },
  };
}

function conclude(end: {
  readonly shown: Screen;
  readonly company: Demonstration;
  readonly summary: IncidentSummary;
  readonly complaints: readonly string[];
}): void {
  const { shown, company, summary, complaints } = end;
  const { incident, retiring, traffic } = summary;
  const seconds = (ms: number | null) => (ms === null ? "never" : `${(ms / 1000).toFixed(1)} s`);
  shown.say(`${summary.outcome} under ${incident.plan}`);
  if (incident.detectedToQuarantineMs !== undefined)
    shown.verdict({
      isGood: true,
      text: `disabled after ${seconds(incident.detectedToQuarantineMs)}, which could be undone until the revoke`,
    });
  shown.verdict({
    isGood: incident.detectedToRevokeMs !== null,
    text: `revoke accepted after ${seconds(incident.detectedToRevokeMs)}`,
  });
  shown.verdict({ isGood: retiring.dead, text: `observed dead after ${seconds(incident.detectedToDeadMs)}` });
  for (const [name, { requests, failed, failedFromMs = 0, failedToMs = 0 }] of company.fleet.tallies()) {
    const outage = failed === 0 ? "no outage" : `an outage of ${seconds(failedToMs - failedFromMs)}`;
    shown.verdict({
      isGood: failed === 0,
      text: `${name}: ${requests} requests, ${failed} failed: ${outage}`,
    });
  }
  shown.verdict({
    isGood: incident.reportPath !== null,
    text: `report at ${incident.reportPath ?? "nowhere"}`,
  });
  shown.say(`${traffic.requests} requests served, ${traffic.failed} failed`);
  showCertificate(shown, summary.certificate);
  countUp(shown, summary);
  if (complaints.length > 0) shown.error(complaints, "the timeline above says what Rekey did and why");
  shown.summary(summary);
}
