import { alertCount } from "./alerts.ts";
import { decisionText, isExact, isRekeysOwn, isSettled } from "./plan.ts";
import type {
  Blocked,
  CurrentAgain,
  IncidentRecord,
  KeyInScope,
  PageReason,
  PageSent,
  SecretInScope,
} from "./record.ts";
import { isOver } from "./status.ts";

/** What containment does next with one key. Decided again after every change. */
export type ContainTurn =
  | { readonly turn: "over" | "contain" | "prove" | "giveUp" }
  | { readonly turn: "wait"; readonly why: string; readonly untilMs?: number };

/** What the clock does next. */
export type ClockTurn =
  | { readonly turn: "over" }
  | { readonly turn: "escalate"; readonly page: DuePage }
  | { readonly turn: "wait"; readonly untilMs?: number };

export interface DuePage {
  readonly reason: PageReason;
  readonly severity: PageSent["severity"];
  readonly why: string;
  readonly error?: string;
}

/**
 * Under contain-first, a promotion that is nearly done may take this long; after that containment does not
 * wait.
 */
export const headStartMs = 10_000;
/**
 * After this time the machine gives up on a key that is neither contained nor waived. The incident stays
 * open.
 */
export const giveUpAfterMs = 7 * 24 * 3_600_000;

// ---- containment -----------------------------------------------------------------------------------------

export function containTurn(record: IncidentRecord, key: KeyInScope, nowMs: number): ContainTurn {
  if (isOver(record.status) || key.waiver !== undefined || key.state === "dead") return { turn: "over" };
  if (nowMs - (record.takenUpAtMs ?? nowMs) > giveUpAfterMs) return { turn: "giveUp" };
  switch (key.state) {
    case "accepted":
      return { turn: "prove" };
    case "quarantining":
    case "revoking":
      return whileHandedOut(record, { key, nowMs }) ?? { turn: "contain" };
    case "needsPerson":
      return key.byHand ? { turn: "prove" } : waitForPerson(record, key);
    case "quarantined":
      return whileHandedOut(record, { key, nowMs }) ?? whenSoaked(record, { key, nowMs });
    case "waiting":
      return whileHandedOut(record, { key, nowMs }) ?? whenPlanned(record, { key, nowMs });
  }
}

/**
 * Under switch-first, a key that somebody made current again waits until the current version is looked at
 * again.
 */
function whileHandedOut(
  record: IncidentRecord,
  { key: { currentAgain }, nowMs }: Asked,
): ContainTurn | undefined {
  if (currentAgain === undefined || !isLeftToConsumers(record, nowMs)) return undefined;
  const { lookAgainAtMs } = currentAgain;
  if (nowMs >= lookAgainAtMs) return undefined;
  return { turn: "wait", why: whyCurrentAgain(record, currentAgain), untilMs: lookAgainAtMs };
}

export function whyCurrentAgain({ secrets }: IncidentRecord, { places }: CurrentAgain): string {
  const names = places.map(
    ({ secretArn }) => secrets.find((secret) => secret.secretArn === secretArn)?.name ?? secretArn,
  );
  return `the current version of ${names.join(", ")} holds the compromised key again: somebody put it back`;
}

function waitForPerson(record: IncidentRecord, key: KeyInScope): ContainTurn {
  if (record.containNow !== undefined && key.keyId !== undefined) return { turn: "contain" };
  return { turn: "wait", why: key.blocked?.why ?? record.planWhy };
}

interface Asked {
  readonly key: KeyInScope;
  readonly nowMs: number;
}

function whenPlanned(record: IncidentRecord, { key, nowMs }: Asked): ContainTurn {
  if (key.keyId === undefined) return waitForPerson(record, key);
  if (record.containNow !== undefined) return { turn: "contain" };
  if (!isExact(record.match.by)) return { turn: "wait", why: record.planWhy };
  switch (record.plan) {
    case "person":
    case "replace-and-page":
      return { turn: "wait", why: record.planWhy };
    case "contain-first":
      return whenPromoted(record, nowMs);
    case "switch-first":
      return whenMoved(record, nowMs);
  }
}

function whenPromoted(record: IncidentRecord, nowMs: number): ContainTurn {
  const untilMs = (record.openedAtMs ?? nowMs) + headStartMs;
  const isComing = record.secrets.some(
    ({ replacement, slotTries }) => replacement === "pending" && slotTries === undefined,
  );
  if (!isComing || nowMs >= untilMs) return { turn: "contain" };
  return { turn: "wait", why: "the replacement has a head start", untilMs };
}

/**
 * If the leak is only suspected, nobody is cut off because a replacement failed: people are asked, and the
 * clock goes on.
 */
function whenMoved(record: IncidentRecord, nowMs: number): ContainTurn {
  const failed = record.secrets.find(({ replacement }) => replacement === "failed");
  if (failed) return { turn: "wait", why: `${failed.name} has no replacement: containing cuts it off` };
  const untilMs = record.containByMs ?? nowMs;
  if (everybodyMoved(record) || nowMs >= untilMs) return { turn: "contain" };
  return { turn: "wait", why: "consumers are moving to the replacement", untilMs };
}

function whenSoaked(record: IncidentRecord, { key, nowMs }: Asked): ContainTurn {
  const untilMs = key.revokeAtMs ?? nowMs;
  if (record.containNow !== undefined || everybodyMoved(record) || nowMs >= untilMs)
    return { turn: "contain" };
  return {
    turn: "wait",
    why: "the key is quarantined, and stays restorable until it is clear that nobody needs it",
    untilMs,
  };
}

export function everybodyMoved({ secrets }: IncidentRecord): boolean {
  return secrets.every(({ replacement }) => replacement === "adopted" || replacement === "notNeeded");
}

/**
 * If the leak is only suspected, nobody is cut off before the time that was set, unless a person orders it.
 */
export function isLeftToConsumers(
  { plan, containNow, containByMs = 0 }: IncidentRecord,
  nowMs: number,
): boolean {
  return plan === "switch-first" && containNow === undefined && nowMs < containByMs;
}

/**
 * Reasons not to contain a key: we need its provider id, and either an exact match or a contain-now order.
 */
export function whyNotContain(record: IncidentRecord, key: KeyInScope): string | undefined {
  if (key.keyId === undefined) return "the key's id at the provider is not known";
  if (record.containNow !== undefined || isExact(record.match.by)) return undefined;
  return `the key is known by a ${record.match.by} only`;
}

// ---- the clock -------------------------------------------------------------------------------------------

/** Finds every reason to page somebody. A page that was delivered is not sent again. */
export function clockTurn(known: IncidentRecord, nowMs: number): ClockTurn {
  const record = sinceIdentified(known);
  if (isOver(record.status) || (record.keys.length > 0 && record.keys.every(isSettled)))
    return { turn: "over" };
  if (nowMs - (record.takenUpAtMs ?? nowMs) > giveUpAfterMs) return { turn: "over" };
  const due = duePages(record, nowMs).find((page) => !wasTold(record, page));
  if (due) return { turn: "escalate", page: due };
  const later = tellingTimes(record).filter((atMs) => atMs > nowMs);
  return later.length === 0 ? { turn: "wait" } : { turn: "wait", untilMs: Math.min(...later) };
}

/** Pages about the key while it was unknown do not count: people have to hear about the known key. */
function sinceIdentified(record: IncidentRecord): IncidentRecord {
  const { identifiedAtMs = 0, pages } = record;
  return { ...record, pages: pages.filter(({ atMs }) => atMs >= identifiedAtMs) };
}

/** One reason may have several causes, such as a second step that needs a person. Each cause is paged. */
function wasTold({ pages }: IncidentRecord, due: DuePage): boolean {
  return pages.some(
    (sent) =>
      sent.reason === due.reason &&
      sent.severity === due.severity &&
      sent.delivered.length > 0 &&
      causeOf(sent) === causeOf(due),
  );
}

/**
 * The message of an error may hold other figures at each try, so only its name identifies the cause.
 * Otherwise each try would page.
 */
function causeOf({ error, why }: Pick<DuePage, "error" | "why">): string {
  return error ?? why;
}

function duePages(record: IncidentRecord, nowMs: number): readonly DuePage[] {
  return [...openingPages(record), ...troublePages(record), ...timedPages(record, nowMs)];
}

function openingPages(record: IncidentRecord): readonly DuePage[] {
  const { plan, planWhy, secrets, decidedBefore } = record;
  if (plan === "switch-first" && record.alerts.some(({ overLimit }) => overLimit))
    return [{ reason: "limited", severity: "page", why: planWhy }];
  if (decidedBefore !== undefined) {
    const why = `reported again, though ${decisionText(decidedBefore)}; plan ${plan}: ${planWhy}`;
    return [{ reason: "opened", severity: "page", why }];
  }
  const isProduction = secrets.some(({ environment }) => environment === "production");
  if (plan !== "contain-first" || !isProduction) return [];
  return [{ reason: "opened", severity: "notify", why: `containing first: ${planWhy}` }];
}

function troublePages(record: IncidentRecord): readonly DuePage[] {
  const page = (reason: PageReason, why: string): DuePage => ({ reason, severity: "page", why });
  const { secrets, plan, containNow } = record;
  const isUndecided = containNow === undefined && (plan === "person" || plan === "replace-and-page");
  const stuck = record.keys.flatMap((key) => (isSettled(key) ? [] : whatStops(record, key)));
  return [
    ...stuck.map((stop) => ({ ...page("needsPerson", stop.why), ...stop })),
    // What a key waits for says more than that nobody has decided, so it is paged instead.
    ...(isUndecided && stuck.length === 0 ? [undecided(record)] : []),
    // No consumer reads one of Rekey's own credentials, so none waits for its replacement.
    ...(record.keys.some(isRekeysOwn)
      ? []
      : secrets.flatMap((secret) => secretPages(record, secret).map(([reason, why]) => page(reason, why)))),
  ];
}

function whatStops(record: IncidentRecord, { blocked, currentAgain }: KeyInScope): readonly Blocked[] {
  const isCurrent = currentAgain && { why: whyCurrentAgain(record, currentAgain) };
  return [blocked, isCurrent].filter((stop) => stop !== undefined);
}

/**
 * A flood must not page for each alert, but must not stay hidden behind its first page either: people are
 * paged when the number has doubled.
 */
function undecided(record: IncidentRecord): DuePage {
  const { planWhy, alerts } = record;
  if (!isTriage(record)) return { reason: "needsPerson", severity: "page", why: planWhy };
  const count = 2 ** Math.floor(Math.log2(Math.max(1, alertCount(record))));
  const open = alerts.some(({ exposure }) => exposure === "public") ? ", some of them in public" : "";
  return { reason: "breakerOpen", severity: "page", why: `${planWhy}: ${count} or more so far${open}` };
}

function secretPages(record: IncidentRecord, secret: SecretInScope): readonly [PageReason, string][] {
  const { name, secretArn, supplyWanted, replacement, held } = secret;
  const found: [PageReason, string][] = [];
  if (supplyWanted === true) found.push(["needsPerson", `supply a new key: rekey supply ${secretArn}`]);
  if (replacement === "failed") found.push(["replacementFailed", whyOutage(record, secret)]);
  if (held !== undefined) found.push(["held", `${name} is on hold (${held}), but containment goes on`]);
  return found;
}

/** While there are too many inexact alerts, they all join this incident, which names no key. */
export const triageSubject = "triage/inexact alerts";

export function isTriage({ subject }: IncidentRecord): boolean {
  return subject === triageSubject;
}

function whyOutage({ plan }: IncidentRecord, { name, failure }: SecretInScope): string {
  const next =
    plan === "contain-first"
      ? "the leak is proven, so it is contained"
      : "nothing is contained until you say so";
  return `${name} has no replacement (${failure ?? "no reason"}): containing is a full outage; ${next}`;
}

function timedPages(record: IncidentRecord, nowMs: number): readonly DuePage[] {
  const open = record.keys.filter((key) => !isSettled(key));
  if (open.length === 0) return [];
  const [escalateAtMs, beforeDeadlineMs] = [record.escalateAtMs, lastCallMs(record)];
  const pages: DuePage[] = [];
  if (nowMs >= escalateAtMs) {
    const unaccepted = open.some(({ acceptedAtMs }) => acceptedAtMs === undefined);
    pages.push(unaccepted ? notAccepted : nowMs > diesByMs(open) ? deadTooLate : dyingInTime);
  }
  if (nowMs >= beforeDeadlineMs) pages.push(deadlineNear);
  if (nowMs >= nextRepeatMs(record)) pages.push(stillLives(record, nowMs));
  return pages;
}

// ---- pages that repeat -----------------------------------------------------------------------------------

/** An acknowledgement keeps back repeats for this long. A page with a new reason is sent all the same. */
export const quietAfterAckMs = 10 * 60_000;

/** How far apart repeats are: in the first hour after the deadline, in the rest of the first day, and later. */
function repeatEveryMs(afterDeadlineMs: number): number {
  if (afterDeadlineMs < 3_600_000) return 5 * 60_000;
  return afterDeadlineMs < 24 * 3_600_000 ? 30 * 60_000 : 2 * 3_600_000;
}

/** After the deadline people are paged again and again, until one of them acknowledges or the key is dead (O5). */
function nextRepeatMs({ pages, deadlineAtMs, acknowledged = [] }: IncidentRecord): number {
  const heard = pages.filter(({ severity, delivered }) => severity === "page" && delivered.length > 0);
  const lastMs = heard.at(-1)?.atMs;
  if (lastMs === undefined) return Number.POSITIVE_INFINITY;
  // From Slack it keeps back only what goes to Slack: whoever took over an account there must not end the pages.
  const heardBy = acknowledged.findLast(({ channel }) => channel !== "slack");
  const quietUntilMs = (heardBy?.atMs ?? 0) + quietAfterAckMs;
  return Math.max(deadlineAtMs, lastMs + repeatEveryMs(lastMs - deadlineAtMs), quietUntilMs);
}

/** Channels that get no repeat now, because somebody acknowledged there. A page with a new reason goes to all. */
export function quietChannels({ acknowledged = [], pages }: IncidentRecord, due: DuePage, nowMs: number) {
  const isRepeat = pages.some(({ reason }) => reason === due.reason);
  if (!isRepeat || due.reason !== "deadlinePassed") return [];
  return acknowledged.flatMap(({ channel, atMs }) =>
    channel !== undefined && nowMs < atMs + quietAfterAckMs ? [channel as string] : [],
  );
}

function stillLives({ deadlineAtMs, acknowledged = [] }: IncidentRecord, nowMs: number): DuePage {
  const minutes = Math.floor((nowMs - deadlineAtMs) / 60_000);
  const last = acknowledged.at(-1);
  const heard =
    last === undefined ? "nobody has acknowledged" : `${last.by} acknowledged, and nothing has changed`;
  const why = `urgent: the deadline passed ${minutes} min ago, the key is not seen dead, and ${heard}`;
  return { reason: "deadlinePassed", severity: "page", why };
}

const notAccepted: DuePage = {
  reason: "notAccepted",
  severity: "page",
  why: "the provider has not accepted a revoke of the compromised key",
};
const deadTooLate: DuePage = {
  reason: "notYetDead",
  severity: "page",
  why: "the key still works, although its revoke was longer ago than this provider should need",
};
const dyingInTime: DuePage = {
  reason: "notYetDead",
  severity: "notify",
  why: "the provider accepted the revoke; the key is not dead yet, which is normal for this provider so soon",
};
const deadlineNear: DuePage = {
  reason: "deadlinePassed",
  severity: "page",
  why: "the key will not be proven dead before the deadline",
};

function diesByMs(keys: readonly KeyInScope[]): number {
  return Math.max(...keys.map(({ acceptedAtMs, dieMs }) => (acceptedAtMs ?? 0) + (dieMs ?? 0)));
}

/** A minute before the deadline, or with the escalation where an incident was opened so late that this is later. */
function lastCallMs({ deadlineAtMs, escalateAtMs }: IncidentRecord): number {
  return Math.max(escalateAtMs, deadlineAtMs - lastCallBeforeMs);
}

const lastCallBeforeMs = 60_000;

function tellingTimes(record: IncidentRecord): readonly number[] {
  const open = record.keys.filter((key) => !isSettled(key));
  return open.length === 0
    ? []
    : [record.escalateAtMs, lastCallMs(record), diesByMs(open) + 1, nextRepeatMs(record)].filter(
        Number.isFinite,
      );
}
