import { LedgerContended } from "../../core/errors.ts";
import { hadAlert, isRepeat } from "../../core/incident/alerts.ts";
import {
  decisionOf,
  orderPlan,
  type PersonRefusal,
  type PlanOrder,
  whyNotPlan,
} from "../../core/incident/orders.ts";
import {
  type Breaker,
  belongsTo,
  countInexact,
  isExact,
  isLetLive,
  planFor,
} from "../../core/incident/plan.ts";
import type { AlertSeen, IncidentRecord } from "../../core/incident/record.ts";
import { isOver } from "../../core/incident/status.ts";
import {
  appendAlert,
  identify,
  mayIdentify,
  refOf,
  strengthen,
  takenUp,
} from "../../core/incident/transitions.ts";
import { triageSubject } from "../../core/incident/turns.ts";
import { utcText } from "../../core/utc.ts";
import type { AlertIdentity } from "../../events/alert.ts";
import type { Deps, With } from "../deps.ts";
import { changeIncident } from "../incident/record/change.ts";
import { graceMs, planFacts, policiesOf } from "../incident/record/policies.ts";
import { startIncident } from "../incident/record/start.ts";
import { type Identified, identifyKeys } from "../key-index/identify-key.ts";
import { alertWithoutKeys } from "../key-index/without-keys.ts";
import {
  type Arrived,
  alertSeen,
  isTest,
  keysFrom,
  newIncident,
  type Raising,
  wordOf,
} from "./new-incident.ts";
import { isOverLimit } from "./sender-limit.ts";
import { warnOfTest } from "./test-of-real-key.ts";

export type { Arrived } from "./new-incident.ts";

export interface Raised {
  readonly outcome: "opened" | "appended" | "nothingToAppendTo" | "testOfRealKey" | "tooManyTests";
  readonly incidentIds: readonly string[];
  /** Those of the incidents that existed before. */
  readonly joined: readonly string[];
  /** Why nothing will happen, for each incident that ended before. */
  readonly idle: readonly string[];
  /** Incidents that cannot have the requested plan, and why. */
  readonly plansRefused: readonly { readonly incidentId: string; readonly detail: string }[];
}

/**
 * Finds the incident that an alert belongs to, or opens one. Receiving the same alert again, or late, changes
 * nothing.
 */
export async function raiseAlerts(given: Arrived, deps: With<"escalator">): Promise<Raised> {
  const arrived = { ...given, alert: await alertWithoutKeys(given.alert, deps) };
  const keys = await identifyKeys(arrived.alert.identity, deps);
  if (isTest(arrived.alert) && keys.length > 0) return refuseTest(arrived, keys, deps);
  const named = keys.length > 0 ? keys : [unmatched(arrived.alert.identity)];
  const raised: Placed[] = [];
  for (const key of named) raised.push(...(await raise({ arrived, key }, deps)));
  const isNew = raised.some((each) => each.isNew);
  // Of alerts that start an incident only tests can be dropped.
  const none = arrived.kind === "start" ? "tooManyTests" : "nothingToAppendTo";
  return {
    outcome: raised.length === 0 ? none : isNew ? "opened" : "appended",
    incidentIds: raised.map(({ incidentId }) => incidentId),
    joined: raised.flatMap((each) => (each.isNew ? [] : [each.incidentId])),
    idle: raised.flatMap(({ idle }) => idle ?? []),
    plansRefused: raised.flatMap(({ incidentId, planRefusal }) =>
      planRefusal === undefined ? [] : [{ incidentId, detail: textOf(planRefusal) }],
    ),
  };
}

function textOf({ detail, hint }: PersonRefusal): string {
  return hint === undefined ? detail : `${detail}; ${hint}`;
}

interface Placed {
  readonly incidentId: string;
  readonly isNew: boolean;
  readonly planRefusal?: PersonRefusal;
  readonly idle?: string;
}

async function refuseTest(
  arrived: Arrived,
  keys: readonly Identified[],
  deps: With<"escalator">,
): Promise<Raised> {
  const { alert, receivedAtMs, intake, principal = `intake/${intake}` } = arrived;
  await warnOfTest({ alert, keys, receivedAtMs, sender: principal }, deps);
  return { outcome: "testOfRealKey", incidentIds: [], joined: [], idle: [], plansRefused: [] };
}

function unmatched(identity: AlertIdentity): Identified {
  const match = { by: "none" as const, text: nameOf(identity) };
  if (identity.kind === "keyId")
    return { match, provider: identity.provider, keyId: identity.keyId, holders: [] };
  const [fingerprint] = identity.kind === "fingerprint" ? identity.values : [];
  return { match, ...(fingerprint !== undefined && { fingerprint }), holders: [] };
}

/** Long enough to find it by, short enough not to reveal it. */
function nameOf(identity: AlertIdentity): string {
  switch (identity.kind) {
    case "fingerprint":
      return identity.values[0] ?? "";
    case "keyId":
      return `${identity.provider} ${identity.keyId}`;
    case "hint":
      return `${identity.provider ?? "unknown"} ${identity.hint}`;
    case "location":
      return identity.url;
  }
}

async function raise(raising: Raising, deps: Deps): Promise<readonly Placed[]> {
  const subject = await subjectFor(raising, deps);
  const isLimited = await isOverLimit(raising, subject, deps);
  const alert = { ...alertSeen(raising), ...(isLimited && { overLimit: true as const }) };
  const known = await incidentAbout({ subject, alert, raising }, deps);
  if (known !== undefined && belongsTo(known, alert)) {
    const placed = await append({ record: known, alert, raising }, deps);
    if (placed !== undefined) return [placed];
  }
  if (raising.arrived.kind === "append" && !isNewsOfOurs({ known, alert })) return [];
  if (isTest(raising.arrived.alert) && (await isTooMany("tests", alert.receivedAtMs, deps))) return [];
  const record = await open({ subject, known, alert, raising }, deps);
  // Another alert about this key opened the incident first: this one is added to it like any later one.
  if (!isRepeat(record, alert)) {
    const placed = await append({ record, alert, raising }, deps);
    if (placed === undefined)
      throw new LedgerContended("a person decided about the key while it was reported");
    return [placed];
  }
  await startIncident(record, deps);
  return [{ incidentId: record.incidentId, isNew: true }];
}

/**
 * Facts to append may arrive before the alert that they belong to, or after a person let the key live. If the key is
 * surely ours, they open an incident: in the second case only when they say that the key is public or works.
 */
function isNewsOfOurs({ known, alert }: { known: IncidentRecord | undefined; alert: AlertSeen }): boolean {
  if (!isExact(alert.match.by)) return false;
  if (known === undefined) return true;
  const wasLetLive = known.status === "falseAlarm" || known.keys.some(isLetLive);
  return wasLetLive && (alert.exposure === "public" || alert.verified === "live");
}

/**
 * A key of ours has its own subject, however it was named. All other alerts may come as a flood: then they
 * join one triage incident. Tests have subjects of their own: a real alert must never be paged as a test, nor
 * may a test end a real incident.
 */
async function subjectFor({ arrived, key }: Raising, deps: Deps): Promise<string> {
  if (isTest(arrived.alert)) return `test/${subjectOf(key)}`;
  const subject = subjectOf(key);
  if (isExact(key.match.by) || arrived.kind === "append") return subject;
  const known = await incidentOf(subject, deps);
  if (known !== undefined && belongsTo(known, alertSeen({ arrived, key }))) return subject;
  const { source, exposure, verified } = arrived.alert;
  // Whoever finds such a key can use it now: it is paged, however many others there are.
  if (exposure === "public" && verified === "live") return subject;
  return (await isTooMany(`inexact/${source}`, arrived.receivedAtMs, deps)) ? triageSubject : subject;
}

/**
 * Each source is counted by itself, and tests separately: a scanner that reports too much must not send another's
 * alert to the triage incident, nor may many tests send a real one there.
 */
async function isTooMany(
  sort: `inexact/${string}` | "tests",
  receivedAtMs: number,
  deps: Deps,
): Promise<boolean> {
  let isOpen = false;
  await deps.ledger.documents.change<Breaker>({ kind: "INCIDENT", id: "breaker", sort }, (breaker) => {
    const counted = countInexact(breaker, receivedAtMs);
    isOpen = counted.isOpen;
    return counted.breaker;
  });
  return isOpen;
}

function subjectOf(key: Identified): string {
  if (key.keyId !== undefined) return `key/${key.account ?? "unknown"}/${key.keyId}`;
  if (key.fingerprint !== undefined) return `fingerprint/${key.fingerprint}`;
  return `unmatched/${key.match.text}`;
}

async function incidentOf(subject: string, deps: Deps): Promise<IncidentRecord | undefined> {
  const entry = await deps.ledger.incidents.subject(subject);
  return entry && deps.ledger.incidents.incident(entry.incidentId);
}

interface Asking extends Placing {
  readonly subject: string;
}

/** If the key was unknown at its first report, its incident has the name that it had then. */
async function incidentAbout(asking: Asking, deps: Deps): Promise<IncidentRecord | undefined> {
  const { subject, alert } = asking;
  const known = await incidentOf(subject, deps);
  if (known !== undefined && belongsTo(known, alert)) return known;
  const before = await unknownBefore(asking, deps);
  if (before === undefined) return known;
  const { incidentId } = before;
  const entry = await deps.ledger.incidents.changeSubject(subject, (stored) =>
    stored === undefined || stored.incidentId === known?.incidentId
      ? { subject, count: stored?.count ?? 0, incidentId }
      : stored,
  );
  return entry.incidentId === incidentId ? before : incidentOf(subject, deps);
}

/** Found by the same name of the key, or by the same alert, which at first had only the place. */
async function unknownBefore({ alert, raising }: Asking, deps: Deps): Promise<IncidentRecord | undefined> {
  if (alert.match.by === "none") return undefined;
  const named = await incidentOf(subjectOf(unmatched(raising.arrived.alert.identity)), deps);
  if (named !== undefined && mayIdentify(named, alert.match)) return named;
  const [place = ""] = alert.where;
  const placed = await incidentOf(subjectOf(unmatched({ kind: "location", url: place })), deps);
  if (placed === undefined || !hadAlert(placed, alert)) return undefined;
  return mayIdentify(placed, alert.match) ? placed : undefined;
}

interface Placing {
  readonly alert: AlertSeen;
  readonly raising: Raising;
}

/**
 * New facts may make the plan stronger. If no execution works on the incident, it is started again. Undefined if a
 * person decided about the key meanwhile: then the alert needs an incident of its own.
 */
async function append(
  { record, alert, raising }: Placing & { readonly record: IncidentRecord },
  deps: Deps,
): Promise<Placed | undefined> {
  const identity = {
    match: alert.match,
    keys: keysFrom(raising.key, record.subject),
    atMs: alert.receivedAtMs,
  };
  const order = await planOrder({ record, alert, raising }, deps);
  const planned = await replanned(record, alert, deps);
  let planRefusal: PersonRefusal | undefined;
  let isDecided = false;
  const grown = await changeIncident(
    record.incidentId,
    (now) => {
      isDecided = !belongsTo(now, alert);
      if (isDecided) return now;
      const known = appendAlert(identify(now, identity), alert);
      planRefusal = order && whyNotPlan(known, order.plan);
      const next =
        order === undefined || planRefusal !== undefined ? planned(known) : orderPlan(known, order);
      // In one write: if the start failed, a repeat of the alert brings nothing new and still has to start it.
      return now.status === "needsPerson" && known.alerts !== now.alerts ? takenUp(next) : next;
    },
    deps,
  );
  if (isDecided) return undefined;
  const { incidentId } = await stopStale(await goOn(grown, alert, deps), deps);
  const idle = whyIdle(grown);
  return {
    incidentId,
    isNew: false,
    ...(planRefusal && { planRefusal }),
    ...(idle !== undefined && { idle }),
  };
}

/** Set if nothing happens because of this alert: whoever gave an order must not take that for a success (O2). */
function whyIdle({ incidentId, status, keys }: IncidentRecord): string | undefined {
  const [key] = keys;
  if (!isOver(status) || key === undefined) return undefined;
  const { deadAtMs, waiver } = key;
  if (deadAtMs !== undefined)
    return `${incidentId} ended: key ${refOf(key)} was seen dead ${utcText(deadAtMs)}`;
  return `${incidentId} ended: key ${refOf(key)} ${waiver ? `was waived by ${waiver.by}` : "was a false alarm"}`;
}

async function goOn(grown: IncidentRecord, alert: AlertSeen, deps: Deps): Promise<IncidentRecord> {
  if (grown.status === "reported") return startIncident(grown, deps);
  return grown.status === "open" ? planAgain(grown, alert, deps) : grown;
}

/** In the same write as the alert: the alert alone might lead to a step that is final before a second write. */
async function planOrder(
  { record, alert, raising }: Placing & { readonly record: IncidentRecord },
  deps: Deps,
): Promise<PlanOrder | undefined> {
  const { plan } = raising.arrived;
  if (plan === undefined || alert.source !== "person") return undefined;
  const containByMs = alert.receivedAtMs + (await graceMs(record, deps));
  return { plan, word: wordOf(alert), containByMs };
}

/** Two executions would page twice, and the older one has no key to work on. */
async function stopStale(record: IncidentRecord, deps: Deps): Promise<IncidentRecord> {
  const { incidentId, staleExecutionArn } = record;
  if (staleExecutionArn === undefined) return record;
  await deps.executions.stop(staleExecutionArn, `${incidentId} is about a known key now`);
  return deps.ledger.incidents.changeIncident(incidentId, (now) => {
    const { staleExecutionArn: stopped, ...rest } = now;
    return stopped === staleExecutionArn ? rest : now;
  });
}

/** Once more, for an incident whose opening put secrets in scope after they were read for the alert's own write. */
async function planAgain(record: IncidentRecord, alert: AlertSeen, deps: Deps): Promise<IncidentRecord> {
  return changeIncident(record.incidentId, await replanned(record, alert, deps), deps);
}

/**
 * The plan that follows from everything that is known by then. It goes with the alert in one write: a function that
 * died between two would leave a public key waiting for its consumers until the bus brings the alert again.
 */
async function replanned(
  { secrets }: IncidentRecord,
  alert: AlertSeen,
  deps: Deps,
): Promise<(now: IncidentRecord) => IncidentRecord> {
  const owned = await policiesOf(secrets, deps);
  const isRead = new Set(secrets.map(({ secretArn }) => secretArn));
  return (now) => {
    const isWhole = now.status === "open" && now.secrets.every(({ secretArn }) => isRead.has(secretArn));
    return isWhole ? strengthen(now, planFor(planFacts(now, owned)), alert.receivedAtMs) : now;
  };
}

interface Opening extends Placing {
  readonly subject: string;
  readonly known: IncidentRecord | undefined;
}

/**
 * Two alerts may arrive together. The subject's entry decides which incident both belong to, and the first
 * write of that incident decides which alert opens it. If the other one did, the answer is a record without
 * this alert.
 */
async function open({ subject, known, alert, raising }: Opening, deps: Deps): Promise<IncidentRecord> {
  const digest = deps.digest.sha256Hex(subject).slice(0, idLength);
  const entry = await deps.ledger.incidents.changeSubject(subject, (stored) => {
    if (stored !== undefined && stored.incidentId !== known?.incidentId) return stored;
    const count = (stored?.count ?? 0) + 1;
    return { subject, count, incidentId: `i-${digest}-${count}` };
  });
  const before = known && decisionOf(known);
  return deps.ledger.incidents.reportIncident(
    newIncident({ subject, alert, raising, incidentId: entry.incidentId, ...(before && { before }) }),
  );
}

const idLength = 10;
