import { isLetLive } from "../../../core/incident/plan.ts";
import type { IncidentRecord, KeyInScope } from "../../../core/incident/record.ts";
import type { Fingerprint, KeyId } from "../../../core/ports.ts";
import type { IncidentReport } from "../../../core/report/report.ts";
import type { Alert, AlertIdentity } from "../../../events/alert.ts";
import type { KeyCompromised } from "../../../events/compromise.ts";
import type { FingerprintEntry, RotationRecord } from "../../../ledger/entries.ts";
import type { FakeKeyState } from "../../../providers/openai/fake.ts";
import { forgedMark, forgery } from "../plan/hard-incident-plan.ts";
import type { Simulated } from "../run/simulated.ts";
import type { BoundaryCall, Invocation } from "../world/surroundings.ts";
import { isAlive, isExact } from "./incident-rules.ts";
import type { Witness } from "./witness.ts";

/**
 * What is promised of a leak besides the clock and the binding (incident-rules.ts): every authenticated alert is
 * heard, no other one is, nothing but the plan makes containment wait, and no report says more than was seen.
 */

/** Asked of every answer of a function. */
export function afterAnswer(watch: Witness, invocation: Invocation, output: string): void {
  const { functionName } = invocation;
  if (functionName === "contain-key") waitsForThePlanOnly(watch, invocation, output);
  if (functionName === "raise-alert") alertIsHeard(watch, invocation, output);
}

// ---- containment waits for the plan, and for nothing else ---------------------------------------------------

interface Turn {
  readonly outcome: string;
  readonly seenSeq: number;
  readonly reason: string;
}

/** A hold pages and delays nothing; nor does anything else, once the plan's own time has come. */
function waitsForThePlanOnly(watch: Witness, { input }: Invocation, output: string): void {
  const { outcome, seenSeq, reason } = JSON.parse(output) as Turn;
  const { incidentId, ref, at } = input as {
    readonly incidentId: string;
    readonly ref: string;
    readonly at: string;
  };
  const record = watch.incidents.get(incidentId);
  const key = record?.keys.find(({ keyId, fingerprint }) => (keyId ?? fingerprint) === ref);
  if (outcome !== "wait" || record === undefined || key?.state !== "waiting") return;
  // What it decided on is what is stored only if nobody wrote in between.
  if (record.seq !== seenSeq || Date.parse(at) < plannedAtMs(record, key)) return;
  const held = record.secrets.find((secret) => secret.held !== undefined);
  const why = held === undefined ? reason : `${held.name} is held`;
  watch.violate("T3", `containment of ${ref} waits although its time has come: ${why}`);
}

/** Of the design, so that a mistake in the product's own numbers shows. */
const headStartMs = 10_000;
const cooldownMs = 24 * 3_600_000;

/** Never, where a person has to speak first. */
function plannedAtMs(record: IncidentRecord, key: KeyInScope): number {
  const { match, plan, openedAtMs = 0, containByMs = 0, containNow, secrets } = record;
  if (key.keyId === undefined || isCalledOff(record, key)) return Number.POSITIVE_INFINITY;
  if (containNow !== undefined) return 0;
  if (!isExact(match.by)) return Number.POSITIVE_INFINITY;
  if (plan === "contain-first") return openedAtMs + headStartMs;
  const isCutOff = secrets.some(({ replacement }) => replacement === "failed");
  return plan === "switch-first" && !isCutOff ? containByMs : Number.POSITIVE_INFINITY;
}

/**
 * By a person, while the step slept between its quarantine and its answer: the key has been given back, which is why
 * it is called waiting. The step's next turn, at most its own wait later, finds that it is over.
 */
function isCalledOff({ status }: IncidentRecord, { waiver }: KeyInScope): boolean {
  return status === "falseAlarm" || waiver !== undefined;
}

// ---- who is heard ------------------------------------------------------------------------------------------

/** Asked when a function starts: what is known of the key by then is what it has to go by. */
export function beforeAnswer(watch: Witness, { id, functionName, input }: Invocation): void {
  if (functionName !== "raise-alert") return;
  const keyId = keyNamedBy(watch, (input as { readonly detail: KeyCompromised }).detail.alert.identity);
  if (keyId !== undefined) namedAtStart.set(watch, (namedAtStart.get(watch) ?? new Map()).set(id, keyId));
}

const namedAtStart = new WeakMap<Witness, Map<number, KeyId>>();

/** An exact alert about a key of ours ends in an incident of that key, at once, whatever else goes on. */
function alertIsHeard(watch: Witness, { id, input }: Invocation, output: string): void {
  const { detail } = input as { readonly detail: KeyCompromised };
  heard.set(watch, (heard.get(watch) ?? new Set()).add(nameOf(detail.alert)));
  const keyId = namedAtStart.get(watch)?.get(id);
  const isKnownStill = keyNamedBy(watch, detail.alert.identity) === keyId;
  if (keyId === undefined || !isKnownStill || detail.kind === "append") return;
  const { incidentIds } = JSON.parse(output) as { readonly incidentIds: readonly string[] };
  const isOne = incidentIds.some((id) => {
    const record = watch.incidents.get(id);
    return record !== undefined && isAbout(record, keyId);
  });
  if (!isOne)
    watch.violate("T3", `the alert ${detail.alert.sourceId} about ${keyId} has no incident of that key`);
}

/** The key of ours that an alert names exactly. One that somebody made by hand is nobody's but a person's. */
function keyNamedBy(watch: Witness, identity: AlertIdentity): KeyId | undefined {
  if (identity.kind === "keyId") return isInLedger(watch, identity.keyId) ? identity.keyId : undefined;
  if (identity.kind !== "fingerprint") return undefined;
  return identity.values.flatMap((value) => holderIn(watch, value) ?? [])[0];
}

/** In a secret's item, or in the record of a run that made it or found it current. */
function isInLedger({ world, secrets }: Witness, keyId: KeyId): boolean {
  const isInItem = [...secrets.values()].some(({ record }) =>
    record?.keys.some((key) => key.keyId === keyId && key.versionId !== undefined),
  );
  if (isInItem) return true;
  return world.table.dump().some(({ kind, body }) => {
    const { retiringKeyId, incomingKeyId } = body as Partial<RotationRecord>;
    return kind === "ROTATION" && (retiringKeyId === keyId || incomingKeyId === keyId);
  });
}

function holderIn({ world, byFingerprint }: Witness, fingerprint: Fingerprint): KeyId | undefined {
  const isHeld = world.table
    .dump()
    .some(
      ({ kind, id, body }) =>
        kind === "FINGERPRINT" && id === fingerprint && (body as FingerprintEntry).role === "rotated",
    );
  return isHeld ? byFingerprint.get(fingerprint) : undefined;
}

/** Bound to that key, and not to a name that nobody could match. */
function isAbout({ keys }: IncidentRecord, keyId: KeyId): boolean {
  return keys.some((key) => key.keyId === keyId && key.standing !== "unknown");
}

/** What the intake answered for was raised, also after lost events and dead functions. */
export function everyAlertWasHeard({ watch, outside }: Simulated): void {
  for (const { alert } of outside.told) {
    if (!heard.get(watch)?.has(nameOf(alert)))
      watch.violate("T3", `the intake took ${nameOf(alert)}, and nobody raised it`);
    isKeptInFull(watch, alert);
  }
}

/** O3: what a source says later under the same id is known too, wherever that alert is kept. */
function isKeptInFull(watch: Witness, alert: Alert): void {
  const records = [...watch.incidents.values()];
  // In a flood only its name may be kept: what it says is then in the alerts that bear the plan.
  if (records.some(({ alertsDropped = [] }) => alertsDropped.includes(nameOf(alert)))) return;
  const kept = records.flatMap(({ alerts }) => alerts.filter((each) => nameOf(each) === nameOf(alert)));
  const isPublicHeard = alert.exposure !== "public" || kept.some(({ exposure }) => exposure === "public");
  const isLiveHeard = alert.verified !== "live" || kept.some(({ verified }) => verified === "live");
  if (kept.length > 0 && !(isPublicHeard && isLiveHeard))
    watch.violate(
      "O3",
      `${nameOf(alert)} said ${alert.exposure} and ${alert.verified}, and that was dropped`,
    );
}

const heard = new WeakMap<Witness, Set<string>>();
const nameOf = ({ source, sourceId }: Readonly<Record<"source" | "sourceId", string>>) =>
  `${source} ${sourceId}`;

/** Asked of every write to an incident. */
export function heardRightly(
  watch: Witness,
  { before, next }: { readonly before: IncidentRecord | undefined; readonly next: IncidentRecord },
): void {
  const forged = next.alerts.find(({ sourceId }) => sourceId.startsWith(forgedMark));
  if (forged !== undefined)
    watch.violate("intake", `${next.incidentId} has the forged alert ${forged.sourceId}`);
  if (before === undefined) isFirstOfItsKey(watch, next);
  if (before === undefined && next.subject.startsWith("unmatched/")) breakerHolds(watch, next);
}

/**
 * S5: the same key again, from whatever source, is the same incident, until its cooldown is over. Where a person
 * let the key live, the decision covers what had been reported until then: what comes later is an incident of its
 * own (O2).
 */
function isFirstOfItsKey(watch: Witness, record: IncidentRecord): void {
  const { incidentId, keys, receivedAtMs } = record;
  const keyId = keys[0]?.keyId;
  if (keyId === undefined || !isAbout(record, keyId)) return;
  const other = [...watch.incidents.values()].find(
    (one) =>
      one.incidentId !== incidentId &&
      isAbout(one, keyId) &&
      one.status !== "falseAlarm" &&
      !one.keys.some(isLetLive) &&
      (one.closedAtMs === undefined || receivedAtMs < one.closedAtMs + cooldownMs),
  );
  if (other !== undefined)
    watch.violate("S5", `${incidentId} is opened for ${keyId}, which ${other.incidentId} is about`);
}

const unmatchedMax = 10;
const hourMs = 3_600_000;

function breakerHolds(watch: Witness, { receivedAtMs }: IncidentRecord): void {
  const recent = [...watch.incidents.values()].filter(
    (one) => one.subject.startsWith("unmatched/") && one.receivedAtMs > receivedAtMs - hourMs,
  );
  if (recent.length > unmatchedMax)
    watch.violate("intake", `${recent.length} alerts that name no key opened incidents within an hour`);
}

/** A request that is refused leaves its refusal in the audit log, and nothing else. */
export function forgeryLeavesNothing(watch: Witness, kind: string): void {
  const isForged = watch.call?.invocation.functionName === forgery;
  if (isForged && !kind.startsWith("AUDIT"))
    watch.violate("intake", `a forged alert writes ${kind} into the ledger`);
}

// ---- what is contained -------------------------------------------------------------------------------------

/** S2: a step of containment ends the one key that it was started for, and none that its incident has minted. */
export function containsItsKey(watch: Witness, { keyId, name }: FakeKeyState, call: BoundaryCall): void {
  if (call.invocation.functionName !== "contain-key") return;
  const { ref, incidentId } = call.invocation.input as { readonly ref: string; readonly incidentId: string };
  if (keyId !== ref) watch.violate("S2", `${incidentId} contains ${keyId} (${name}), and is about ${ref}`);
}

// ---- what is reported --------------------------------------------------------------------------------------

const readReports = new WeakMap<Witness, number>();

/** Asked before every step: what was filed since the last one says of no key more than the provider shows. */
export function reportsAreTrue(watch: Witness): void {
  const { reports } = watch.world;
  const read = readReports.get(watch) ?? 0;
  if (reports.length === read) return;
  readReports.set(watch, reports.length);
  watch.look();
  for (const { incidentId, json } of reports.slice(read)) {
    const report = JSON.parse(json) as IncidentReport;
    // Of a campaign the keys are judged as they are written.
    if (!watch.incidents.has(incidentId)) continue;
    if (report.status !== "falseAlarm") isTrue(watch, incidentId, report);
  }
}

function isTrue(watch: Witness, incidentId: string, { keys, status, clocks }: IncidentReport): void {
  for (const { keyId, how, state, deadAtMs, waiver } of keys) {
    const isCalledDead = state === "dead" || deadAtMs !== undefined || clocks.deadAtMs !== undefined;
    const isCalledContained = (status === "contained" || status === "closed") && waiver === undefined;
    if (isCalledDead && isAlive(watch, { keyId, how }))
      watch.violate("L6", `the report of ${incidentId} calls ${keyId} dead, and it is accepted`);
    else if (isCalledContained && !isCalledDead)
      watch.violate("L6", `the report of ${incidentId} is filed as ${status}, and ${keyId} is ${state}`);
  }
}
