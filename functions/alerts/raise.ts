import { alertCount, hadAlert } from "../../core/incident/alerts.ts";
import { orderPlan, type PersonRefusal, type PlanOrder, whyNotPlan } from "../../core/incident/orders.ts";
import {
  type Breaker,
  belongsTo,
  clockFrom,
  countInexact,
  isExact,
  planFor,
} from "../../core/incident/plan.ts";
import type { AlertSeen, IncidentRecord, KeyInScope, PersonsOrder } from "../../core/incident/record.ts";
import {
  alertText,
  appendAlert,
  identify,
  mayIdentify,
  strengthen,
  takenUp,
} from "../../core/incident/transitions.ts";
import { triageSubject } from "../../core/incident/turns.ts";
import type { Alert, AlertIdentity } from "../../events/alert.ts";
import type { Deps } from "../deps.ts";
import { changeIncident } from "../incident/record/change.ts";
import { graceMs, planFacts, policiesOf } from "../incident/record/policies.ts";
import { startIncident } from "../incident/record/start.ts";
import { type Identified, identifyKeys } from "../key-index/identify-key.ts";
import { worstHolder } from "../key-index/own-credential.ts";
import { alertWithoutKeys } from "../key-index/without-keys.ts";
import { warnOfTest } from "./test-of-real-key.ts";

/** One alert of an authenticated sender: a source whose signature was checked, or a person. */
export interface Arrived {
  readonly alert: Alert;
  readonly kind: "start" | "append";
  readonly receivedAtMs: number;
  readonly intake: string;
  /** The AWS principal, if a person reported it. */
  readonly principal?: string;
  /** The plan that this person asked for. */
  readonly plan?: "contain-first" | "switch-first";
  readonly reason?: string;
  /** The incident of a repository, consumer or account that this one is a part of. */
  readonly parentId?: string;
}

export interface Raised {
  readonly outcome: "opened" | "appended" | "nothingToAppendTo" | "testOfRealKey" | "tooManyTests";
  readonly incidentIds: readonly string[];
  /** Those of the incidents that existed before. */
  readonly joined: readonly string[];
  /** Incidents that cannot have the requested plan, and why. */
  readonly plansRefused: readonly { readonly incidentId: string; readonly detail: string }[];
}

/**
 * Finds the incident that an alert belongs to, or opens one. Receiving the same alert again, or late, changes
 * nothing.
 */
export async function raiseAlerts(given: Arrived, deps: Deps): Promise<Raised> {
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
}

async function refuseTest(arrived: Arrived, keys: readonly Identified[], deps: Deps): Promise<Raised> {
  const { alert, receivedAtMs, intake, principal = `intake/${intake}` } = arrived;
  await warnOfTest({ alert, keys, receivedAtMs, sender: principal }, deps);
  return { outcome: "testOfRealKey", incidentIds: [], joined: [], plansRefused: [] };
}

interface Raising {
  readonly arrived: Arrived;
  readonly key: Identified;
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
  const alert = alertSeen(raising);
  const known = await incidentAbout({ subject, alert, raising }, deps);
  if (known !== undefined && belongsTo(known, alert)) {
    return [await append({ record: known, alert, raising }, deps)];
  }
  if (raising.arrived.kind === "append" && !isNewsOfOurs({ known, key: raising.key })) return [];
  if (isTest(raising.arrived.alert) && (await isTooMany("tests", alert.receivedAtMs, deps))) return [];
  const record = await open({ subject, known, alert, raising }, deps);
  // Another alert about this key opened the incident first: this one is added to it like any later one.
  if (!hadAlert(record, alert)) return [await append({ record, alert, raising }, deps)];
  await startIncident(record, deps);
  return [{ incidentId: record.incidentId, isNew: true }];
}

/**
 * Facts to append may arrive before the alert that they belong to. If the key is surely ours, they open the
 * incident.
 */
function isNewsOfOurs({ known, key }: { known: IncidentRecord | undefined; key: Identified }): boolean {
  return known === undefined && isExact(key.match.by);
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
  return (await isTooMany("inexact", arrived.receivedAtMs, deps)) ? triageSubject : subject;
}

/** Tests are counted separately: many tests must not send a real alert to the triage incident. */
async function isTooMany(sort: "inexact" | "tests", receivedAtMs: number, deps: Deps): Promise<boolean> {
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

function alertSeen({ arrived, key }: Raising): AlertSeen {
  const { alert, receivedAtMs, intake, principal, reason } = arrived;
  const { source, sourceId, detectedAtMs, exposedAtMs, exposure, verified, where } = alert;
  return {
    ...{ source, sourceId, receivedAtMs, exposure, verified, where, match: key.match },
    principal: principal ?? `intake/${intake}`,
    ...(detectedAtMs !== undefined && { detectedAtMs }),
    ...(exposedAtMs !== undefined && { exposedAtMs }),
    ...(reason !== undefined && { reason }),
  };
}

interface Placing {
  readonly alert: AlertSeen;
  readonly raising: Raising;
}

/** New facts may make the plan stronger. If no execution works on the incident, it is started again. */
async function append(
  { record, alert, raising }: Placing & { readonly record: IncidentRecord },
  deps: Deps,
): Promise<Placed> {
  const identity = {
    match: alert.match,
    keys: keysFrom(raising.key, record.subject),
    atMs: alert.receivedAtMs,
  };
  const order = await planOrder({ record, alert, raising }, deps);
  let planRefusal: PersonRefusal | undefined;
  const grown = await changeIncident(
    record.incidentId,
    (now) => {
      const known = appendAlert(identify(now, identity), alert);
      planRefusal = order && whyNotPlan(known, order.plan);
      const next = order === undefined || planRefusal !== undefined ? known : orderPlan(known, order);
      // In one write: if the start failed, a repeat of the alert brings nothing new and still has to start it.
      return now.status === "needsPerson" && alertCount(next) > alertCount(now) ? takenUp(next) : next;
    },
    deps,
  );
  const { incidentId } = await stopStale(await goOn(grown, alert, deps), deps);
  return { incidentId, isNew: false, ...(planRefusal && { planRefusal }) };
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

function wordOf({ principal, receivedAtMs, reason = "with the report" }: AlertSeen): PersonsOrder {
  return { by: principal, reason, atMs: receivedAtMs };
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

async function planAgain(record: IncidentRecord, alert: AlertSeen, deps: Deps): Promise<IncidentRecord> {
  const owned = await policiesOf(record.secrets, deps);
  return changeIncident(
    record.incidentId,
    (now) => strengthen(now, planFor(planFacts(now, owned)), alert.receivedAtMs),
    deps,
  );
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
  return deps.ledger.incidents.reportIncident(
    newIncident({ subject, alert, raising, incidentId: entry.incidentId }),
  );
}

const idLength = 10;

function newIncident({
  subject,
  alert,
  raising,
  incidentId,
}: Placing & { readonly subject: string; readonly incidentId: string }): IncidentRecord {
  const { plan, parentId, alert: reported } = raising.arrived;
  const { receivedAtMs, match, exposedAtMs, detectedAtMs } = alert;
  const clock = clockFrom({ receivedAtMs, ...(detectedAtMs !== undefined && { detectedAtMs }) });
  const isAsked = plan !== undefined && alert.source === "person";
  return {
    ...{ incidentId, subject, match, receivedAtMs, ...clock },
    status: "reported",
    seq: 1,
    starts: 0,
    test: isTest(reported),
    ...(parentId !== undefined && { parentId }),
    checklist: [],
    plan: "person",
    planWhy: "the plan is chosen when the incident opens",
    ...(isAsked && { planAsked: { ...wordOf(alert), plan } }),
    ...(exposedAtMs !== undefined && { exposedAtMs }),
    escalateAtMs: clock.deadlineAtMs,
    keys: keysFrom(raising.key, subject),
    secrets: [],
    alerts: [alert],
    timeline: [{ atMs: receivedAtMs, what: "reported", detail: alertText(alert) }],
    ...{ notes: [], pages: [], waits: [], reports: [] },
  };
}

/** A triage incident is about no particular key. */
function keysFrom(key: Identified, subject: string): readonly KeyInScope[] {
  const { match, holders, ...names } = key;
  if (subject === triageSubject) return [];
  const holder = worstHolder(holders);
  const isOurs = match.by !== "none";
  return [
    {
      ...names,
      ...(holder && { secretArn: holder.secretArn, versionId: holder.versionId, role: holder.role }),
      standing: isOurs ? "unplaced" : "unknown",
      state: isOurs ? "waiting" : "needsPerson",
      probes: 0,
      refusals: 0,
      ...(!isOurs && { blocked: "no secret under Rekey is known to hold this key" }),
    },
  ];
}

function isTest({ test }: Alert): boolean {
  return test === true;
}
