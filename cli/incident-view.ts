import { refOf } from "../core/incident.ts";
import { undoableKeys } from "../core/incident-person.ts";
import { isSettled } from "../core/incident-plan.ts";
import type { IncidentRecord, KeyInScope, SecretInScope } from "../core/incident-record.ts";
import { clockTurn, containTurn } from "../core/incident-turns.ts";
import { sayDuration } from "../core/say.ts";
import { utcText } from "../core/utc.ts";
import { stepsFor } from "../functions/runbook.ts";
import { columns, plural } from "./text.ts";

const timelineShown = 8;
const notesShown = 3;

/** The answers to what somebody who was just paged asks, in the order in which they ask. */
export interface IncidentAnswers {
  readonly dead: string;
  readonly key: string;
  readonly plan: string;
  readonly failing: string;
  readonly next: string;
  readonly you: string;
  readonly undo: string;
}

export interface IncidentView {
  readonly record: IncidentRecord;
  /** The incidents of a checklist. */
  readonly children: readonly IncidentRecord[];
  readonly nowMs: number;
}

export function answersOf(view: IncidentView): IncidentAnswers {
  if (view.record.checklist.length > 0) return parentAnswers(view);
  return {
    dead: whetherDead(view),
    key: whichKey(view.record),
    plan: `${view.record.plan}: ${view.record.planWhy}`,
    failing: whoFails(view),
    next: whatNext(view),
    you: whatToDo(view.record),
    undo: whetherUndoable(view.record),
  };
}

/** One screenful: the answers first, then what happened, newest last. */
export function incidentLines(view: IncidentView): readonly string[] {
  const { record, nowMs } = view;
  const answers = answersOf(view);
  const test = record.test ? "  TEST" : "";
  const rows = [
    ["dead?", answers.dead],
    ["key", answers.key],
    ["plan", answers.plan],
    ["failing now", answers.failing],
    ["rekey does", answers.next],
    ["you", answers.you],
    ["undo?", answers.undo],
  ];
  return [
    `${record.incidentId}  ${record.status}${test}  ${clockText(view)}`,
    ...columns(rows),
    ...checklistLines(view),
    ...record.notes
      .slice(-notesShown)
      .map(({ by, text, atMs }) => `note by ${shortName(by)}, ${when(atMs, nowMs)}: ${text}`),
    ...record.timeline.slice(-timelineShown).map((entry) => {
      const by = entry.by === undefined ? "" : ` by ${shortName(entry.by)}`;
      return `  ${when(entry.atMs, nowMs)}  ${entry.what}${by}: ${entry.detail}`;
    }),
    ...record.reports.slice(-1).map(({ path }) => `report: ${path}`),
  ];
}

function clockText({ record, nowMs }: IncidentView): string {
  const { detectedAtMs, deadlineAtMs } = record;
  return `detected ${when(detectedAtMs, nowMs)}, deadline ${when(deadlineAtMs, nowMs)}`;
}

/** UTC and "ago", or how long until then. */
export function when(ms: number, nowMs: number): string {
  const distance = sayDuration(Math.abs(nowMs - ms));
  return `${utcText(ms)} (${ms <= nowMs ? `${distance} ago` : `in ${distance}`})`;
}

function shortName(principal: string): string {
  return principal.split("/").at(-1) ?? principal;
}

// ---- is it dead? -----------------------------------------------------------------------------------------

function whetherDead({ record, nowMs }: IncidentView): string {
  const { keys } = record;
  if (keys.length === 0) return "no: nobody knows yet which key it is";
  if (keys.length === 1 && keys[0] !== undefined) return ofKey(keys[0], nowMs);
  const open = keys.filter((key) => !isSettled(key));
  const lead = open.length === 0 ? "yes, every key" : `no: ${open.length} of ${keys.length} keys are not`;
  return `${lead}; ${keys.map((key) => `${refOf(key)}: ${ofKey(key, nowMs)}`).join("; ")}`;
}

function ofKey(key: KeyInScope, nowMs: number): string {
  const { acceptedAtMs, deadAtMs, quarantinedAtMs, waiver, how, probes, refusals } = key;
  const accepted = acceptedAtMs === undefined ? "" : `revoke accepted ${when(acceptedAtMs, nowMs)}`;
  if (deadAtMs !== undefined) {
    const seen =
      how === "listing"
        ? "gone from the listing"
        : how === "alreadyDead"
          ? "it was dead before"
          : `refused in a row, ${probes} probes`;
    return [`yes: observed dead ${when(deadAtMs, nowMs)} (${seen})`, accepted].filter(Boolean).join(", ");
  }
  if (waiver !== undefined) return `not proven: waived by ${shortName(waiver.by)} (${waiver.reason})`;
  if (accepted !== "")
    return `not yet: ${accepted}, still watched (${probes} probes, ${refusals} refused in a row)`;
  if (quarantinedAtMs !== undefined && key.state === "quarantined") {
    return `no: disabled ${when(quarantinedAtMs, nowMs)}, not revoked yet`;
  }
  return "no: it works, and no revoke was accepted";
}

// ---- which key? ------------------------------------------------------------------------------------------

function whichKey({ keys, match, secrets }: IncidentRecord): string {
  const matched = match.by === "none" ? `no match for ${match.text}` : `matched by ${match.by} ${match.text}`;
  const names = keys.map((key) => {
    const at = key.provider === undefined ? "" : ` at ${key.provider} (${key.account ?? "unknown account"})`;
    return `${refOf(key).slice(0, 60)}${at}, ${key.standing}`;
  });
  const held = secrets.map(({ name, environment }) => `${name} (${environment})`).join(", ");
  return [names.join("; ") || "unknown", matched, held && `held by ${held}`].filter(Boolean).join("; ");
}

// ---- who is failing? -------------------------------------------------------------------------------------

/** From the ledger alone: whoever was last seen without the incoming key, once the key has stopped. */
function whoFails({ record, nowMs }: IncidentView): string {
  const failing = record.secrets.flatMap((secret) => {
    const stoppedAtMs = stopOf(secret, record.keys);
    if (stoppedAtMs === undefined || isMoved(secret)) return [];
    const who = secret.behind.length === 0 ? `consumers of ${secret.name}` : secret.behind.join(", ");
    return [`${who}, since ${when(stoppedAtMs, nowMs)}: not on the incoming key yet`];
  });
  if (failing.length > 0) return failing.join("; ");
  const waiting = record.secrets.filter((secret) => !isMoved(secret));
  if (waiting.length === 0) return "nobody that Rekey knows of";
  const late = waiting.flatMap(({ behind, name }) => (behind.length > 0 ? behind : [name]));
  return `nobody: the key still works; not moved yet: ${late.join(", ")}`;
}

function isMoved({ replacement }: SecretInScope): boolean {
  return replacement === "adopted" || replacement === "notNeeded";
}

function stopOf(secret: SecretInScope, keys: readonly KeyInScope[]): number | undefined {
  const held = keys.filter(
    ({ keyId, secretArn }) =>
      (keyId !== undefined && keyId === secret.keyId) || secretArn === secret.secretArn,
  );
  const stops = held.flatMap((key) =>
    key.state === "quarantined" ? (key.quarantinedAtMs ?? []) : (key.acceptedAtMs ?? key.deadAtMs ?? []),
  );
  return stops.length === 0 ? undefined : Math.min(...stops);
}

// ---- what next? ------------------------------------------------------------------------------------------

function whatNext({ record, nowMs }: IncidentView): string {
  if (record.status === "closed" || record.status === "falseAlarm") return "nothing: the incident is over";
  if (record.status === "needsPerson") return `nothing any more: ${record.reason ?? "the machine has ended"}`;
  if (record.status === "reported") return "opens the incident";
  const turns = record.keys.filter((key) => !isSettled(key)).map((key) => turnText(record, { key, nowMs }));
  const replacing = record.secrets
    .filter((secret) => secret.replacement === "pending" || secret.replacement === "recovering")
    .map(({ name }) => `replaces the key of ${name}`);
  const clock = clockTurn(record, nowMs);
  const page =
    clock.turn === "escalate"
      ? ["pages now"]
      : clock.turn === "wait" && clock.untilMs !== undefined
        ? [`pages, if not dead by then, ${when(clock.untilMs, nowMs)}`]
        : [];
  const all = [...turns, ...replacing, ...page];
  return all.length === 0 ? "watches the consumers recover, then looks who used the key" : all.join("; ");
}

function turnText(
  record: IncidentRecord,
  { key, nowMs }: { readonly key: KeyInScope; readonly nowMs: number },
) {
  const turn = containTurn(record, key, nowMs);
  switch (turn.turn) {
    case "contain":
      return `revokes ${refOf(key)} now`;
    case "prove":
      return `tries ${refOf(key)} until it is refused`;
    case "wait":
      return `waits: ${turn.why}${turn.untilMs === undefined ? "" : `, until ${when(turn.untilMs, nowMs)}`}`;
    case "giveUp":
      return `gives up on ${refOf(key)}`;
    case "over":
      return `is done with ${refOf(key)}`;
  }
}

// ---- what must I do? -------------------------------------------------------------------------------------

function whatToDo(record: IncidentRecord): string {
  const { incidentId, status, keys, containNow, plan } = record;
  if (status === "closed" || status === "falseAlarm") return "nothing";
  const open = keys.filter((key) => !isSettled(key));
  if (keys.length > 0 && open.length === 0) return "nothing: read the report";
  const byHand = open.find((key) => key.byHand);
  if (byHand) return manualStep(record, byHand);
  const isKnown = open.some(({ keyId }) => keyId !== undefined);
  const isWaitingForWord = plan === "person" || plan === "replace-and-page" || status === "needsPerson";
  const hasFailed = record.secrets.some(({ replacement }) => replacement === "failed");
  if (containNow === undefined && isKnown && (isWaitingForWord || hasFailed)) {
    return `decide: rekey incident contain-now ${incidentId} --reason "..."`;
  }
  if (!isKnown) return "say which key it is: rekey compromise --key-stdin --dry-run";
  const blocked = open.find((key) => key.blocked !== undefined);
  if (blocked) return `${manualStep(record, blocked)} (${blocked.blocked})`;
  return "nothing now: Rekey goes on by itself";
}

function manualStep({ incidentId, deadlineAtMs }: IncidentRecord, { provider, keyId }: KeyInScope): string {
  const about = {
    ...(provider !== undefined && { provider }),
    ...(keyId !== undefined && { keyId }),
    ...{ secretArns: [], deadlineAtMs },
  };
  return stepsFor({ reason: "needsPerson", incidentId, steps: [], about })[0] ?? "";
}

// ---- can it be undone? -----------------------------------------------------------------------------------

function whetherUndoable(record: IncidentRecord): string {
  const { incidentId, keys, status } = record;
  if (status !== "closed" && undoableKeys(record).some(({ state }) => state === "quarantined")) {
    return `yes: rekey incident undo-quarantine ${incidentId} --reason "..."`;
  }
  const gone = keys.filter(({ state }) => state === "revoking" || state === "accepted" || state === "dead");
  if (gone.length === 0) return "nothing was done to the key yet";
  return `no: a revoke is final (${gone.map(refOf).join(", ")}); consumers go on with the incoming key`;
}

// ---- a checklist -----------------------------------------------------------------------------------------

const isOver = ({ status }: IncidentRecord): boolean => status === "closed" || status === "falseAlarm";

function parentAnswers({ record, children, nowMs }: IncidentView): IncidentAnswers {
  const keys = children.flatMap((child) => child.keys);
  const dead = keys.filter(({ deadAtMs }) => deadAtMs !== undefined).length;
  const open = children.filter((child) => !isOver(child));
  const worst = open.find(({ status }) => status === "needsPerson") ?? open[0];
  const failing = children.map((child) => whoFails({ record: child, children: [], nowMs }));
  const isAny = failing.filter((text) => !text.startsWith("nobody"));
  const left = `${plural(open.length, "incident")} of ${children.length} not over`;
  return {
    dead: `${dead} of ${keys.length} keys observed dead; ${left}`,
    key: `${record.match.text}: a checklist of ${plural(children.length, "incident")}`,
    plan: record.planWhy,
    failing: isAny.join("; ") || "nobody that Rekey knows of",
    next: open.length === 0 ? "nothing: every incident is over" : "works on each incident by itself",
    you: worst === undefined ? "nothing" : `rekey incident show ${worst.incidentId}`,
    undo: "each key by itself: see its incident",
  };
}

function checklistLines({ record, children }: IncidentView): readonly string[] {
  const rows = record.checklist.map(({ title, incidentId }) => {
    const child = children.find((each) => each.incidentId === incidentId);
    const done = child !== undefined && child.keys.length > 0 && child.keys.every(isSettled);
    return [done ? "[x]" : "[ ]", title, incidentId, child?.status ?? "unknown"];
  });
  return columns(rows);
}
