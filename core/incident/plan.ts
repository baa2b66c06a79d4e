import { isRotated, type Policy } from "../policy.ts";
import type { ProviderCapabilities } from "../ports.ts";
import { isRepeat } from "./alerts.ts";
import type {
  AlertSeen,
  DecidedBefore,
  IncidentPlan,
  IncidentRecord,
  KeyInScope,
  KeyMatch,
  OwnRole,
  PersonsOrder,
} from "./record.ts";
import { isOver } from "./status.ts";

/** What the plan depends on, taken from everything that was reported about this key. */
export interface PlanFacts {
  readonly match: KeyMatch["by"];
  readonly alerts: readonly Pick<AlertSeen, "source" | "exposure" | "verified" | "overLimit">[];
  /** The policies of the secrets that hold the key, or held it. */
  readonly policies: readonly PlanPolicy[];
  readonly asked?: IncidentRecord["planAsked"];
  /** Set for one of Rekey's own credentials: what it is. */
  readonly own?: string;
  /** True for the one incident that collects inexact alerts while there are too many of them. */
  readonly isTriage?: boolean;
}

type PlanPolicy = Pick<Policy, "mode" | "incident">;

export interface PlanChoice {
  readonly plan: IncidentPlan;
  readonly why: string;
}

type PlanRow = (facts: PlanFacts) => PlanChoice | undefined;

/** The plan table: the first row that gives an answer decides. */
const planRows: readonly PlanRow[] = [
  tooManyInexactAlerts,
  aCredentialOfOurOwn,
  nobodyKnowsTheKey,
  notOursToChange,
  identityIsNotExact,
  aPersonAsked,
  operatorDeclared,
  openToEverybody,
  itsSenderIsLimited,
  aPersonReported,
];

export function planFor(facts: PlanFacts): PlanChoice {
  for (const row of planRows) {
    const choice = row(facts);
    if (choice) return choice;
  }
  return { plan: "switch-first", why: whySuspicion(facts) };
}

function tooManyInexactAlerts({ isTriage }: PlanFacts): PlanChoice | undefined {
  if (isTriage !== true) return undefined;
  const why =
    "the breaker is open: more than ten inexact alerts came in an hour, and further ones are added here";
  return { plan: "person", why };
}

/**
 * Whoever has it can make and delete every key of the account. Replacing a consumer's key does not help
 * against that.
 */
function aCredentialOfOurOwn({ own }: PlanFacts): PlanChoice | undefined {
  return own === undefined
    ? undefined
    : { plan: "person", why: `it is ${own}: a person has to replace it, now` };
}

/** An unknown key is for a person to look at. No plan is guessed. */
function nobodyKnowsTheKey({ match }: PlanFacts): PlanChoice | undefined {
  if (match !== "none") return undefined;
  return { plan: "person", why: "no secret under Rekey is known to hold this key" };
}

function notOursToChange({ policies }: PlanFacts): PlanChoice | undefined {
  if (policies.some(isRotated)) return undefined;
  return {
    plan: "person",
    why: "Rekey rotates no secret that holds this key: each is only watched, or was removed from rekey.yml",
  };
}

/** Several keys may share a hint, and a place names no key: a wrong guess would cut off the wrong consumers. */
function identityIsNotExact({ match }: PlanFacts): PlanChoice | undefined {
  if (isExact(match)) return undefined;
  return {
    plan: "replace-and-page",
    why: `the key is known by a ${match} only, so a person has to contain it`,
  };
}

function aPersonAsked({ asked }: PlanFacts): PlanChoice | undefined {
  return asked && { plan: asked.plan, why: `ordered by ${asked.by}: ${asked.reason}` };
}

function operatorDeclared({ policies }: PlanFacts): PlanChoice | undefined {
  const declared = declaredPlan(policies);
  return declared && { plan: declared, why: "declared in the policy" };
}

/**
 * What the operator declared for the secrets that Rekey rotates. Where they differ, switch-first wins: it cuts nobody
 * off before `containBy`. A secret that is only watched has no say: nothing is replaced there.
 */
export function declaredPlan(policies: readonly PlanPolicy[]): "contain-first" | "switch-first" | undefined {
  const plans = policies.filter(isRotated).map(({ incident }) => incident.plan);
  return plans.includes("switch-first") ? "switch-first" : plans.find((plan) => plan !== undefined);
}

function openToEverybody({ alerts }: PlanFacts): PlanChoice | undefined {
  const open = alerts.find(({ exposure, overLimit }) => exposure === "public" && !overLimit);
  return open && { plan: "contain-first", why: `${open.source} saw the key in public` };
}

/** Whoever has one signing secret and some public key ids must not be able to cut off every consumer. */
function itsSenderIsLimited({ alerts }: PlanFacts): PlanChoice | undefined {
  const limited = alerts.find(({ exposure, overLimit }) => exposure === "public" && overLimit);
  if (limited === undefined) return undefined;
  const why = `${limited.source} saw the key in public, and has had as many keys contained as it may unseen`;
  return { plan: "switch-first", why };
}

// ---- how much one sender may have contained unseen --------------------------------------------------------

/** What the alerts of one signing secret may have contained before a person has looked. */
export interface SenderLimit {
  readonly keysPerHour: number;
  /** Names or ARNs of secrets, or beginnings of them that end in `*`; without it, any. */
  readonly secrets?: readonly string[] | undefined;
}

/** Three keys at once are a leaked file; more is a leak that a person sees soon, or an attack with alerts. */
export const senderLimit: SenderLimit = { keysPerHour: 3 };

const limitWindowMs = 3_600_000;
const subjectsKeptMax = 200;

export interface ContainedUnseen {
  readonly sinceMs: number;
  readonly subjects: readonly string[];
}

/** Counts each key once: the repeats of an alert take nothing from the limit. */
export function countUnseen(
  counted: ContainedUnseen | undefined,
  { subject, atMs, limit }: { readonly subject: string; readonly atMs: number; readonly limit: SenderLimit },
): { readonly counted: ContainedUnseen; readonly isOver: boolean } {
  const isOld = counted === undefined || atMs - counted.sinceMs >= limitWindowMs;
  const now = isOld ? { sinceMs: atMs, subjects: [] } : counted;
  const subjects = now.subjects.includes(subject) ? now.subjects : [...now.subjects, subject];
  const isOver = subjects.indexOf(subject) >= limit.keysPerHour;
  return { counted: { ...now, subjects: subjects.slice(0, subjectsKeptMax) }, isOver };
}

/** Whether a secret, by its name or its ARN, is one that this sender may speak for. */
export function mayContain(
  { secrets }: SenderLimit,
  { name, secretArn }: Pick<Policy, "name" | "secretArn">,
): boolean {
  const isMeant = (pattern: string) =>
    [name, secretArn].some((text) =>
      pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern,
    );
  return secrets === undefined || secrets.some(isMeant);
}

function aPersonReported({ alerts }: PlanFacts): PlanChoice | undefined {
  const isPrivate = alerts.some(({ exposure }) => exposure === "private");
  if (isPrivate || !alerts.some(({ source }) => source === "person")) return undefined;
  return { plan: "contain-first", why: "an authenticated person reported the key as compromised" };
}

function whySuspicion({ alerts }: PlanFacts): string {
  const isPrivate = alerts.some(({ exposure }) => exposure === "private");
  const isLive = alerts.some(({ verified }) => verified === "live");
  const seen = isPrivate ? "the key was seen in a private place" : "nobody saw the key in public";
  return isLive ? `${seen}, though it was seen to work` : seen;
}

export function isExact(match: KeyMatch["by"]): boolean {
  return match === "fingerprint" || match === "keyId";
}

const strength: Readonly<Record<IncidentPlan, number>> = {
  person: 0,
  "replace-and-page": 1,
  "switch-first": 2,
  "contain-first": 3,
};

/** Later alerts can only make Rekey act sooner. Only a person's order can make it act later. */
export function isStronger(plan: IncidentPlan, than: IncidentPlan): boolean {
  return strength[plan] > strength[than];
}

// ---- a quarantine ----------------------------------------------------------------------------------------

/** Whether disabling the key stops it fully and can be undone exactly. If not, it is revoked at once. */
export function isQuarantinable(
  { quarantine, quarantineContains }: Pick<ProviderCapabilities, "quarantine" | "quarantineContains">,
  { hasScopes }: { readonly hasScopes: boolean },
): boolean {
  return quarantineContains && (quarantine === "yes" || (quarantine === "ifScopesKnown" && hasScopes));
}

// ---- the clock -------------------------------------------------------------------------------------------

export const deadlineAfterMs = 15 * 60_000;
/** A sender's claimed time is believed at most this far back; the deadline has passed by then in any case. */
export const claimBackMaxMs = 24 * 3_600_000;
/** Escalated at least this long before the deadline, so that a channel's retries also end before it. */
export const escalateBeforeMs = 60_000;

export interface IncidentClock {
  readonly detectedAtMs: number;
  readonly deadlineAtMs: number;
}

/** A sender may say that it noticed before we received the alert. What it says never moves the clock later. */
export function clockFrom(received: {
  readonly receivedAtMs: number;
  readonly detectedAtMs?: number;
}): IncidentClock {
  const { receivedAtMs } = received;
  const claimedAtMs = Math.max(received.detectedAtMs ?? receivedAtMs, receivedAtMs - claimBackMaxMs);
  const detectedAtMs = Math.min(claimedAtMs, receivedAtMs);
  return { detectedAtMs, deadlineAtMs: detectedAtMs + deadlineAfterMs };
}

/** If the deadline is near or past when the incident opens, there is nothing to wait for: it opens escalated. */
export function escalateAt(clock: {
  readonly openedAtMs: number;
  readonly deadlineAtMs: number;
  readonly escalateAfterMs: number;
}): number {
  const { openedAtMs, deadlineAtMs, escalateAfterMs } = clock;
  return Math.max(openedAtMs, Math.min(openedAtMs + escalateAfterMs, deadlineAtMs - escalateBeforeMs));
}

/** Time that the proof of death takes, so that the last key of a campaign is dead by the deadline that all share. */
const proveMs = 2 * 60_000;
/** A key that is started late in a campaign still gives its consumers a minute. */
const campaignGraceMinMs = 60_000;

/** When containment stops waiting for consumers under switch-first. */
export function containBy({
  openedAtMs,
  containByMs,
  campaign: { campaignId, deadlineAtMs },
}: {
  readonly openedAtMs: number;
  readonly containByMs: number;
  readonly campaign: Pick<IncidentRecord, "campaignId" | "deadlineAtMs">;
}): number {
  const byPolicyMs = openedAtMs + containByMs;
  if (campaignId === undefined) return byPolicyMs;
  return Math.min(byPolicyMs, Math.max(openedAtMs + campaignGraceMinMs, deadlineAtMs - proveMs));
}

/**
 * Until when the calls of this incident may wait for its provider account. One incident never waits; those of a
 * campaign would else be refused by the provider, all of them. Undefined where the key has to die at once.
 */
export function waitsForAccountUntil({
  campaignId,
  plan,
  planAsked,
  containNow,
  deadlineAtMs,
}: Pick<IncidentRecord, "campaignId" | "plan" | "planAsked" | "containNow" | "deadlineAtMs">):
  | number
  | undefined {
  if (campaignId === undefined || containNow !== undefined) return undefined;
  return (planAsked?.plan ?? plan) === "switch-first" ? deadlineAtMs - proveMs : undefined;
}

/** Whether the deadline was met. `none`: there was no leak, so there was no deadline. */
export type DeadlineKept = "met" | "missed" | "open" | "waived" | "none";

/** Met if the last key was seen dead in time. A waiver ends the clock and proves nothing. */
export function deadlineOf(
  { keys, status, deadlineAtMs }: Pick<IncidentRecord, "keys" | "status" | "deadlineAtMs">,
  nowMs: number,
): DeadlineKept {
  if (status === "falseAlarm") return "none";
  const ends = keys.map(({ deadAtMs, waiver }) => deadAtMs ?? waiver?.atMs ?? nowMs);
  if (Math.max(...ends, keys.length === 0 ? nowMs : 0) > deadlineAtMs) return "missed";
  if (keys.length === 0 || !keys.every(isSettled)) return "open";
  return keys.every(({ deadAtMs }) => deadAtMs !== undefined) ? "met" : "waived";
}

const containByMsMax = 10 * 60_000;
const escalateAfterMsMax = 5 * 60_000;

/** Counted from the opening: the strictest of what the policies in scope allow, and never longer than the defaults. */
export function incidentWindows(policies: readonly Pick<Policy, "incident">[]): {
  /** Under switch-first, how long consumers get before containment waits for nobody. */
  readonly containByMs: number;
  readonly escalateAfterMs: number;
} {
  return {
    containByMs: Math.min(containByMsMax, ...policies.map(({ incident }) => incident.containByMs)),
    escalateAfterMs: Math.min(
      escalateAfterMsMax,
      ...policies.map(({ incident }) => incident.escalateAfterMs),
    ),
  };
}

// ---- forged, repeated and inexact alerts -----------------------------------------------------------------

/** For this long after an incident has ended, alerts about the same key are added to it. */
export const cooldownMs = 24 * 3_600_000;

/**
 * Whether an alert belongs to the last incident with the same subject. Another key is another subject, so a
 * second leak never ends up here. After a false alarm a later alert opens a new incident.
 */
export function belongsTo(incident: EarlierIncident, alert: NewAlert): boolean {
  // An incident about an unknown key says nothing about a key that is now known.
  if (isOver(incident.status) && incident.match.by === "none" && alert.match.by !== "none") return false;
  if (isRepeat(incident, alert)) return true;
  // A person's decision covers what had been reported until then, and nothing that comes later (O2).
  if (incident.status === "falseAlarm" || incident.keys.some(isLetLive)) return false;
  return incident.closedAtMs === undefined || alert.receivedAtMs < incident.closedAtMs + cooldownMs;
}

type EarlierIncident = Pick<
  IncidentRecord,
  "status" | "closedAtMs" | "alerts" | "alertsDropped" | "match" | "keys"
>;
type NewAlert = Pick<AlertSeen, "source" | "sourceId" | "receivedAtMs" | "match"> & Partial<AlertSeen>;

/** A person took the responsibility for a key that nobody saw dead. */
export function isLetLive({ state, waiver }: Pick<KeyInScope, "state" | "waiver">): boolean {
  return waiver !== undefined && state !== "dead";
}

export interface Breaker {
  /** When inexact alerts opened incidents, newest last. */
  readonly openings: readonly number[];
}

const breakerWindowMs = 3_600_000;
const breakerOpeningsMax = 10;

/**
 * Counts an alert that would open an incident, if it is inexact or a test. `isOpen`: there were too many, so
 * an inexact alert joins the one triage incident, and a test opens nothing. Exact matches are never counted
 * here.
 */
export function countInexact(
  breaker: Breaker | undefined,
  nowMs: number,
): { readonly breaker: Breaker; readonly isOpen: boolean } {
  const recent = (breaker?.openings ?? []).filter((atMs) => atMs > nowMs - breakerWindowMs);
  if (recent.length >= breakerOpeningsMax) return { breaker: { openings: recent }, isOpen: true };
  return { breaker: { openings: [...recent, nowMs] }, isOpen: false };
}

// ---- the end ---------------------------------------------------------------------------------------------

/** An incident must not close while a key in its scope is neither dead nor waived by a person. */
export function whyNotClose(
  incident: Pick<IncidentRecord, "keys" | "status">,
): { readonly reason: string; readonly detail: string } | undefined {
  if (incident.status === "falseAlarm") return undefined;
  if (incident.keys.length === 0)
    return { reason: "NothingInScope", detail: "nobody has said which key it is" };
  const open = incident.keys.filter((key) => !isSettled(key));
  if (open.length === 0) return undefined;
  const named = open.map((key) => `${key.keyId ?? key.fingerprint ?? "an unknown key"} is ${key.state}`);
  return { reason: "KeyNotDead", detail: `neither dead nor waived: ${named.join("; ")}` };
}

/** True for a credential that Rekey itself works with: Rekey must never revoke it. */
export function isRekeysOwn<Key extends Pick<KeyInScope, "role">>(
  key: Key,
): key is Key & { readonly role: OwnRole } {
  return key.role !== undefined && key.role !== "rotated" && key.role !== "index";
}

export function isSettled(key: { readonly state: string; readonly waiver?: PersonsOrder }): boolean {
  return key.state === "dead" || key.waiver !== undefined;
}

export function decisionText({ incidentId, what, by, reason }: DecidedBefore): string {
  const did = what === "waived" ? "was waived" : "was called a false alarm";
  return `${incidentId} ${did} by ${by}: ${reason}`;
}
