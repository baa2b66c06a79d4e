import { sayDuration } from "../adoption/reason-text.ts";
import { isSettled } from "../incident/plan.ts";
import type { KeyInScope, PersonsOrder } from "../incident/record.ts";
import type { ScopeFindings } from "../incident/scope-findings.ts";
import { utcText } from "../utc.ts";
import { nameOf } from "./follow-ups.ts";
import type { IncidentReport, Outage, ReportedDeath } from "./report.ts";

const rowsMax = 200;

/** The report for people, in Markdown. Text from outside is set as code, so that it cannot format anything. */
export function reportMarkdown(report: IncidentReport): string {
  const parts = [
    head(report),
    section("Clock", clock(report)),
    section("Keys", table(["key", "standing", "state", "accepted", "seen dead"], report.keys.map(keyRow))),
    section(
      "Keys seen dead",
      list(report.deaths.map(deathText), "none: no key of this incident was seen dead"),
    ),
    section("Outage that Rekey caused", outages(report.outages)),
    section("What the sources said", list(alertLines(report), "nothing: a person reported it")),
    section("Scope", scope(report)),
    section("What was not checked", list(report.notChecked.map(said), "nothing is known to be missing")),
    section("Steps that needed a person", list(report.people.map(timelineLine), "none")),
    section("What is left for a person", list(report.steps.map(stepLine), "nothing")),
    section("Pages and acknowledgements", list(pageLines(report), "nobody was paged")),
    section(
      "Owners",
      list(
        report.owners.map(({ secret, owner }) => `${code(secret)}: ${said(owner)}`),
        "no secret was in scope",
      ),
    ),
    section("Follow-ups", table(["what", "owner", "why"], report.followUps.map(followUpRow))),
    section("Timeline", list(report.timeline.map(timelineLine), "empty")),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** Indented by two spaces, with a line end, so that a diff of two reports shows what was added. */
export function reportJson(report: IncidentReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

function head(report: IncidentReport): string {
  const { incidentId, filedAtMs, match, reason } = report;
  const title = `# ${report.test ? "TEST " : ""}Incident ${incidentId}: ${verdict(report)}`;
  const known = match.by === "none" ? "Matches no key that Rekey knows:" : `Identified by ${match.by}`;
  return [
    title,
    "",
    `Filed ${utcText(filedAtMs)}, status ${statusText(report)}. ${planOf(report)}`,
    `${known} ${code(match.text)}.`,
    ...(reason === undefined ? [] : [`Ended because: ${said(reason)}`]),
    `What happened since: \`rekey incident show ${incidentId}\`.`,
  ].join("\n");
}

/** The last report is filed just before the incident closes, because closing records that the report exists. */
function statusText({ status, scope }: IncidentReport): string {
  return status === "contained" && scope !== undefined ? "contained, and closing with this report" : status;
}

function planOf({ plan, planWhy, containNow }: IncidentReport): string {
  const asked =
    containNow === undefined
      ? ""
      : `; contain now, ordered by ${code(containNow.by)}${secondPerson(containNow)}: ${said(containNow.reason)}`;
  return `Plan ${plan}: ${said(planWhy)}${asked}`;
}

/** Who confirmed an order, or that one person gave it alone. */
function secondPerson({ approvedBy, alone }: Pick<PersonsOrder, "approvedBy" | "alone">): string {
  if (approvedBy !== undefined) return `, approved by ${code(approvedBy)}`;
  return alone ? " **alone, without a second person**" : "";
}

function verdict({ keys, clocks, status }: IncidentReport): string {
  if (status === "falseAlarm") return "a false alarm";
  if (clocks.deadAtMs !== undefined) return "every key is dead";
  const open = keys.filter((key) => !isSettled(key)).length;
  return open === 0 ? "waived, not proven dead" : `${open} of ${keys.length} keys not dead`;
}

function clock({ clocks }: IncidentReport): string {
  const { exposedAtMs, detectedAtMs, receivedAtMs, acceptedAtMs, deadAtMs, deadlineAtMs } = clocks;
  const since = (ms: number) => ageText(ms - detectedAtMs);
  const rows: [string, number | undefined][] = [
    ["exposed", exposedAtMs],
    ["detected", detectedAtMs],
    ["received", receivedAtMs],
    ["opened", clocks.openedAtMs],
    ["revoke accepted (last key)", acceptedAtMs],
    ["observed dead (last key)", deadAtMs],
    ["deadline", deadlineAtMs],
  ];
  const shown = rows.map(([what, atMs]) =>
    atMs === undefined
      ? [what, "unknown", ""]
      : [what, utcText(atMs), atMs === detectedAtMs ? "" : since(atMs)],
  );
  const claim = clocks.claim === undefined ? "" : ` Time of detection: ${said(clocks.claim)}.`;
  return `${table(["", "UTC", ""], shown)}\n\n${deadlineTexts[clocks.deadline]}${claim}`;
}

const deadlineTexts: Readonly<Record<IncidentReport["clocks"]["deadline"], string>> = {
  met: "The deadline was met.",
  missed: "The deadline was missed.",
  open: "The deadline is open.",
  waived: "A person waived the key before the deadline; it was not proven dead.",
  none: "There was no deadline to meet: it was a false alarm.",
};

function keyRow(key: KeyInScope): readonly string[] {
  const at = (ms: number | undefined) => (ms === undefined ? "no" : utcText(ms));
  const dead = key.how === undefined ? at(key.deadAtMs) : `${at(key.deadAtMs)} (${howText(key.how)})`;
  const state =
    key.waiver !== undefined && key.state !== "dead"
      ? `waived by ${code(key.waiver.by)}${secondPerson(key.waiver)}`
      : key.state;
  return [code(key.keyId ?? nameOf(key)), key.standing, state, at(key.acceptedAtMs), dead];
}

function howText(how: NonNullable<KeyInScope["how"]>): string {
  switch (how) {
    case "refused":
      return "refused in a row";
    case "listing":
      return "gone from the listing";
    case "alreadyDead":
      return "was dead before";
  }
}

function deathText(one: ReportedDeath): string {
  const accepted = one.acceptedAtMs === undefined ? "" : `, revoke accepted ${utcText(one.acceptedAtMs)}`;
  const print = one.fingerprint === undefined ? "" : `, ${code(one.fingerprint)}`;
  const seen = `${howText(one.how)}, ${one.probes} probes`;
  return `${code(one.keyId ?? nameOf(one))} was seen dead at ${utcText(one.deadAtMs)}: ${seen}${accepted}${print}`;
}

function outages(all: readonly Outage[]): string {
  const shown = list(all.map(outage), "none: no secret was in scope");
  return all.some(({ cause }) => cause === "rekey") ? `${shown}\n\n${whyAtMost}` : shown;
}

const whyAtMost = [
  "At most: from the moment the key stopped to the moment a consumer was seen with the next one.",
  "A client that refreshes and tries again when it is refused fails no request in between.",
].join(" ");

function outage({ name, environment, cause, atMostMs, endedAtMs, consumers }: Outage): string {
  const of = `${code(name)} in ${code(environment)}`;
  if (cause === "none") return `${of}: none`;
  if (cause === "deadBefore") return `${of}: none; the key was dead before Rekey touched it`;
  const lasts = endedAtMs === undefined ? ", and it lasts" : "";
  const each = consumers.map(
    (one) => `${code(one.consumer)} ${sayDuration(one.atMostMs)}${one.isOver ? "" : " so far"}`,
  );
  return `${of}: at most ${sayDuration(atMostMs)}${lasts}${each.length === 0 ? "" : ` (${each.join(", ")})`}`;
}

function alertLines({ alerts, alertsSeen = 0 }: IncidentReport): readonly string[] {
  const left = alertsSeen - alerts.length;
  const more = left > 0 ? [`${left} more alerts came, of which only the number was kept`] : [];
  return [...alerts.map(alertLine), ...more];
}

function alertLine(alert: IncidentReport["alerts"][number]): string {
  const places = alert.where.length === 0 ? "" : ` at ${alert.where.map(code).join(", ")}`;
  const { receivedAtMs, source, sourceId, exposure, verified, where, whereSeen = 0 } = alert;
  const more = whereSeen > where.length ? ` and ${whereSeen - where.length} more places` : "";
  const what = `${exposure} exposure, key ${verified}`;
  const why = alert.reason === undefined ? "" : `: ${said(alert.reason)}`;
  const by = `, reported by ${code(alert.principal)}${why}`;
  return `${utcText(receivedAtMs)} ${code(source)} ${code(sourceId)}: ${what}${places}${more}${by}`;
}

/** A command stands in a block of its own, byte for byte, to be pasted. */
function stepLine({ what, command }: IncidentReport["steps"][number]): string {
  return command === undefined
    ? said(what)
    : `${said(what)}\n\n  \`\`\`sh\n  ${oneLine(command)}\n  \`\`\`\n`;
}

function pageLines({ pages, acknowledged }: IncidentReport): readonly string[] {
  const sent = pages.map(({ atMs, reason, severity, why, delivered, failed }) => {
    const took = delivered.length === 0 ? "no channel took it" : `taken by ${delivered.join(", ")}`;
    const lost = failed.length === 0 ? "" : `; ${failed.join(", ")} did not`;
    return { atMs, text: `${severity} ${reason}: ${said(why)} (${took}${lost})` };
  });
  const heard = acknowledged.map(({ atMs, by, reason }) => ({
    ...{ atMs, text: `acknowledged by ${code(by)}: ${said(reason)}` },
  }));
  return [...sent, ...heard]
    .sort((one, other) => one.atMs - other.atMs)
    .map(({ atMs, text }) => `${utcText(atMs)} ${text}`);
}

function scope({ scope: findings, leakedVersionIds }: IncidentReport): string {
  if (findings === undefined) return "Not looked up yet.";
  const { readers, keyUse, newKeys, siblings, reachedBackToMs, ended } = findings;
  const back = reachedBackToMs === undefined ? "" : `, back to ${utcText(reachedBackToMs)}`;
  const readerRows = readers.map((reader) => [
    `${code(reader.principal)}${reader.known ? "" : " **unknown**"}`,
    versionCell(reader, leakedVersionIds),
    String(reader.reads),
    `${utcText(reader.firstAtMs)} to ${utcText(reader.lastAtMs)}`,
    (reader.addresses ?? []).map(code).join(", ") || "not said",
    (reader.agents ?? []).map(code).join(", ") || "not said",
  ]);
  const uses = keyUse.map(({ keyId, requests, costUsd, lastUsedAtMs, stillUsedBy, fromMs, toMs }) => [
    code(keyId),
    `${utcText(fromMs)} to ${utcText(toMs)}`,
    requests === undefined ? "unknown" : String(requests),
    costUsd === undefined ? "unknown" : `$${costUsd.toFixed(2)}`,
    lastUsedAtMs === undefined ? "unknown" : utcText(lastUsedAtMs),
    stillUsedBy.map(code).join(", ") || "nobody seen",
  ]);
  const made = newKeys.map(newKeyLine);
  const beside = siblings.map(({ secretArn, why }) => `${code(secretArn)}: ${said(why)}`);
  return [
    `Looked up ${ended === "complete" ? "completely" : "until the time was up"}${back}.`,
    subsection(
      "Who read the secret",
      table(["principal", "version", "reads", "when", "from", "with"], readerRows),
    ),
    subsection("What the key did", table([...useTitles], uses)),
    subsection("Keys made since the exposure that the ledger does not know", list(made, "none found")),
    subsection("Other secrets of the same readers or places", list(beside, "none found")),
  ].join("\n\n");
}

function versionCell({ versionId }: ScopeFindings["readers"][number], leaked: readonly string[]): string {
  if (versionId === undefined) return "not said";
  return leaked.includes(versionId) ? `${code(versionId)} **leaked**` : code(versionId);
}

const useTitles = ["key", "between", "requests", "cost", "last used", "used after replacement by"] as const;

function newKeyLine({ keyId, name, createdAtMs }: ScopeFindings["newKeys"][number]): string {
  const when = createdAtMs === undefined ? "at an unknown time" : utcText(createdAtMs);
  return `${code(keyId)} ${code(name)}, made ${when}: possible persistence of an attacker`;
}

function timelineLine(entry: IncidentReport["timeline"][number]): string {
  const by = entry.by === undefined ? "" : ` by ${code(entry.by)}`;
  const detail = entry.detail === entry.what ? "" : `: ${said(entry.detail)}`;
  return `${utcText(entry.atMs)} ${entry.what}${by}${detail}`;
}

function followUpRow({ what, owner, why }: IncidentReport["followUps"][number]): readonly string[] {
  return [what, owner, why].map(said);
}

// ---- Markdown --------------------------------------------------------------------------------------------

function section(title: string, body: string): string {
  return `## ${title}\n\n${body}`;
}

function subsection(title: string, body: string): string {
  return `### ${title}\n\n${body}`;
}

function list(items: readonly string[], none: string): string {
  return items.length === 0
    ? `- ${none}`
    : bounded(
        items.map((item) => `- ${item}`),
        (n) => `- and ${n} more`,
      );
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "none";
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const body = bounded(rows.map(line), (n) => line([`and ${n} more`, ...titles.slice(1).map(() => "")]));
  return [line(titles), line(titles.map(() => "---")), body].join("\n");
}

function bounded(lines: readonly string[], more: (left: number) => string): string {
  const shown = lines.slice(0, rowsMax);
  return [...shown, ...(lines.length > rowsMax ? [more(lines.length - rowsMax)] : [])].join("\n");
}

/** A name, id or place: shown on one line, with all Markdown in it escaped. */
function code(text: string): string {
  return `\`${oneLine(text).replaceAll("`", "'").replaceAll("|", "/")}\``;
}

/** A sentence of ours that may quote a name: HTML, links and table cells in it are escaped. */
export function said(text: string): string {
  return oneLine(text).replace(/[\\`*_[\]<>|#]/g, (mark) => `\\${mark}`);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ");
}

function ageText(ms: number): string {
  return ms < 0 ? `${sayDuration(-ms)} before detection` : `${sayDuration(ms)} after detection`;
}
