import { claimText } from "../core/incident/claim.ts";
import { deadlineOf, isSettled } from "../core/incident/plan.ts";
import type { IncidentRecord, KeyInScope, TimelineEntry } from "../core/incident/record.ts";
import { isOver } from "../core/incident/status.ts";
import { refOf } from "../core/incident/transitions.ts";
import { clockTurn, containTurn, isTriage } from "../core/incident/turns.ts";
import type { Policy } from "../core/policy.ts";
import { utcText } from "../core/utc.ts";
import type { PersonStep } from "../functions/incident/paging/person-steps.ts";
import { runbookFor, topicOf } from "../functions/incident/paging/runbook.ts";
import { stepsToTake } from "../functions/incident/paging/steps.ts";
import { whoFails } from "./incident-failing.ts";
import { whetherDead, whetherUndoable, whichKey } from "./incident-key-text.ts";
import { type Line, table } from "./table.ts";
import { plural, shortName, when } from "./text.ts";

const timelineShown = 8;
const notesShown = 3;

/** The answers to what a person asks who was just paged, in the order in which they ask. */
export interface IncidentAnswers {
  readonly dead: string;
  readonly key: string;
  readonly plan: string;
  readonly failing: string;
  readonly next: string;
  readonly you: string;
  readonly undo: string;
  /** Commands that can be pasted as they are. */
  readonly commands: { readonly you: readonly string[]; readonly undo: readonly string[] };
}

export interface IncidentView {
  readonly record: IncidentRecord;
  /** The incidents that a checklist names. */
  readonly children: readonly IncidentRecord[];
  /** The policies of the secrets in scope: they say how a key is named at its provider. */
  readonly policies: readonly Policy[];
  readonly nowMs: number;
}

/** The answers for a program: texts, with the commands in a list of their own. */
export function answersOf(view: IncidentView): IncidentAnswers {
  const { you, undo, ...answers } = answersFor(view);
  const commands = (todos: readonly PersonStep[]) => todos.flatMap(({ command }) => command ?? []);
  return {
    ...answers,
    you: you.map(({ what }) => what).join("; "),
    undo: undo.what,
    commands: { you: commands(you), undo: commands([undo]) },
  };
}

type Answers = Omit<IncidentAnswers, "you" | "undo" | "commands"> & {
  readonly you: readonly PersonStep[];
  readonly undo: PersonStep;
};

function answersFor(view: IncidentView): Answers {
  const { record } = view;
  if (record.checklist.length > 0) return parentAnswers(view);
  return {
    dead: whetherDead(view),
    key: whichKey(record),
    plan: planText(record),
    failing: whoFails(view),
    next: whatNext(view),
    you: whatToDo(view),
    undo: whetherUndoable(record),
  };
}

function planText({ plan, planWhy, containNow }: IncidentRecord): string {
  const asked = containNow && `; contain now, ordered by ${shortName(containNow.by)}: ${containNow.reason}`;
  return `${plan}: ${planWhy}${asked ?? ""}`;
}

/** One screen: the answers first, then what happened, newest last. */
export function incidentLines(view: IncidentView): readonly Line[] {
  const { record, nowMs } = view;
  const answers = answersFor(view);
  const test = record.test ? "  TEST" : "";
  const rows = [
    ["dead?", answers.dead],
    ["key", answers.key],
    ["plan", answers.plan],
    ["failing now", answers.failing],
    ["rekey does", answers.next],
    ...answers.you.flatMap((todo, index) => todoRows(index === 0 ? "you" : "", todo)),
    ...todoRows("undo?", answers.undo),
  ];
  return [
    `${record.incidentId}  ${record.status}${test}  ${clockText(view)}`,
    table(rows),
    ...checklistLines(view),
    ...record.notes
      .slice(-notesShown)
      .map(({ by, text, atMs }) => `note by ${shortName(by)}, ${when(atMs, nowMs)}: ${text}`),
    ...record.timeline.slice(-timelineShown).map((entry) => timelineLine(entry, nowMs)),
    ...record.reports.slice(-1).map(({ path }) => `report: ${path}`),
    ...runbookLines(record),
  ];
}

/** The runbook that the last page named. */
function runbookLines(record: IncidentRecord): readonly string[] {
  if (isOver(record.status)) return [];
  return record.pages.slice(-1).map((page) => `runbook: ${runbookFor(topicOf(record, page))}`);
}

/** A command has its own line, because it is pasted at three in the morning. */
function todoRows(title: string, { what, command }: PersonStep): readonly (readonly string[])[] {
  return [[title, what], ...(command === undefined ? [] : [["", command]])];
}

function timelineLine({ atMs, what, by, detail }: TimelineEntry, nowMs: number): string {
  const said = `${what}${by === undefined ? "" : ` by ${shortName(by)}`}`;
  return `  ${when(atMs, nowMs)}  ${detail === what ? said : `${said}: ${detail}`}`;
}

function clockText({ record, nowMs }: IncidentView): string {
  const { detectedAtMs, deadlineAtMs } = record;
  const kept = deadlineOf(record, nowMs);
  const deadline =
    kept === "open" ? when(deadlineAtMs, nowMs) : `${utcText(deadlineAtMs)} ${deadlineWords[kept]}`;
  const claim = claimText(record);
  const detected = `detected ${when(detectedAtMs, nowMs)}${claim === undefined ? "" : ` (${claim})`}`;
  return `${detected}, deadline ${deadline}`;
}

const deadlineWords = { met: "met", missed: "missed", waived: "waived", none: "(a false alarm)" } as const;

// ---- what next? ------------------------------------------------------------------------------------------

function whatNext({ record, nowMs }: IncidentView): string {
  if (isOver(record.status)) return "nothing: the incident is over";
  if (record.status === "needsPerson") return `nothing any more: ${record.reason ?? "the machine has ended"}`;
  if (record.status === "reported") return "opens the incident";
  if (isTriage(record)) return "collects inexact alerts here, and pages each time there are twice as many";
  const turns = record.keys.filter((key) => !isSettled(key)).map((key) => turnText(record, { key, nowMs }));
  const replacing = record.secrets
    .filter((secret) => secret.replacement === "pending" || secret.replacement === "recovering")
    .map(({ name }) => `replaces the key of ${name}`);
  const clock = clockTurn(record, nowMs);
  const page =
    clock.turn === "escalate"
      ? ["pages now"]
      : clock.turn === "wait" && clock.untilMs !== undefined && record.keys.length > 0
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

/** The list of the page, numbered where there is more than one. */
function whatToDo({ record, policies }: IncidentView): readonly PersonStep[] {
  const todos = stepsToTake({ record, policies });
  if (todos.length === 1) return todos;
  if (todos.length > 0) return todos.map((todo, index) => ({ ...todo, what: `${index + 1}. ${todo.what}` }));
  const { status, keys } = record;
  if (keys.length > 0 && keys.every(isSettled)) return [{ what: "nothing: read the report" }];
  if (isOver(status)) return [{ what: "nothing" }];
  return [{ what: "nothing now: Rekey goes on by itself" }];
}

// ---- a checklist -----------------------------------------------------------------------------------------

function parentAnswers({ record, children, nowMs }: IncidentView): Answers {
  const keys = children.flatMap((child) => child.keys);
  const dead = keys.filter(({ deadAtMs }) => deadAtMs !== undefined).length;
  const open = children.filter((child) => !isOver(child.status));
  const worst = open.find(({ status }) => status === "needsPerson") ?? open[0];
  const failing = children.map((child) => whoFails({ record: child, nowMs }));
  const isAny = failing.filter((text) => !text.startsWith("nobody"));
  const left = `${plural(open.length, "incident")} of ${children.length} not over`;
  const unreported = record.checklist.find(({ incidentId }) => incidentId === undefined);
  const isDead = unreported === undefined && keys.length > 0 && dead === keys.length;
  return {
    dead: `${isDead ? "yes" : "no"}: ${dead} of ${keys.length} keys observed dead; ${left}`,
    key: `${record.match.text}: a checklist of ${plural(children.length, "incident")}`,
    plan: record.planWhy,
    failing: isAny.join("; ") || "nobody that Rekey knows of",
    next: open.length === 0 ? "nothing: every incident is over" : "works on each incident by itself",
    you: [whatToDoAbout(unreported?.title, worst?.incidentId)],
    undo: { what: "each key by itself: see its incident" },
  };
}

/** A key that was not reported comes first, because nothing happens to it. */
function whatToDoAbout(unreported: string | undefined, worst: string | undefined): PersonStep {
  if (unreported !== undefined)
    return { what: "the report broke off: report the rest", command: `rekey compromise ${unreported}` };
  if (worst === undefined) return { what: "nothing" };
  return { what: "look at the first that is not over:", command: `rekey incident show ${worst}` };
}

function checklistLines({ record, children }: IncidentView): readonly Line[] {
  const rows = record.checklist.map(({ title, incidentId }) => {
    if (incidentId === undefined) return ["[ ]", title, "no incident", "not reported yet"];
    const child = children.find((each) => each.incidentId === incidentId);
    const done = child !== undefined && child.keys.length > 0 && child.keys.every(isSettled);
    return [done ? "[x]" : "[ ]", title, incidentId, child?.status ?? "unknown"];
  });
  return record.checklist.length === 0 ? [] : [table(rows)];
}
