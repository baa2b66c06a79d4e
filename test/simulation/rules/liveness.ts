import { noteOverwrite } from "../../../core/copies/note.ts";
import { parseKeyName } from "../../../core/keys.ts";
import { currentKey, type SecretRecord } from "../../../core/rotation/secret-record.ts";
import { retainedKeys, supersededKeys, supersededToResume } from "../../../core/rotation/superseded.ts";
import type { Swept } from "../../../functions/upkeep/swept.ts";
import type { Debt, RotationRecord } from "../../../ledger/entries.ts";
import { startOnce } from "../plan/happenings.ts";
import { peopleAnswerHard } from "../plan/hard-incidents.ts";
import { incidentsEnded, keysInIncidents, peopleAnswer } from "../plan/incidents.ts";
import { fleetName } from "../plan/orders-plan.ts";
import { type Plan, simulatedPropagation } from "../plan/plan.ts";
import type { Simulated } from "../run/simulated.ts";
import { fleetLooksEveryMs } from "../world/fleet.ts";
import { isDisabled } from "../world/shaped.ts";
import type { Run } from "../world/step-functions.ts";
import { campaignEnded } from "./campaign-rules.ts";
import { isLeaked, isOrdered } from "./incident-rules.ts";
import { everyAlertWasHeard } from "./leak-rules.ts";
import { isMovedLate } from "./outside-change-rules.ts";
import { orderAboutTheDead, outsideIsAnswered } from "./outside-rules.ts";
import type { WatchedSecret } from "./witness.ts";

const settleMs = 10 * 60_000;
/** A replacement that waits for a free slot asks for it ever more seldom. */
const incidentSettleMs = 3 * 3_600_000;
const supplyMaxMs = 8 * 24 * 3_600_000;
const statusEventsMs = 15_000;
const sweepEveryMs = 25 * 60_000;
const sweepsMax = 5;
const providerCallsMax = 2_500;

/** What has to be true once nothing fails any more: the rules L1 to L6, in bounded time. */
export async function endings(simulation: Simulated): Promise<void> {
  const { world } = simulation;
  await (simulation.plan.hard ? peopleAnswerHard(simulation) : peopleAnswer(simulation));
  // What the provider refuses for hours, no sweep can end before.
  const untilMs = simulation.storm.refusesDeletes?.untilMs ?? 0;
  if (untilMs > world.time.nowMs()) await world.time.advance(untilMs - world.time.nowMs());
  await untilRunsEnd(simulation);
  await peopleTidyUp(simulation);
  for (let sweeps = 0; sweeps < sweepsMax; sweeps++) {
    stopConsumers(simulation);
    await world.time.advance(sweepEveryMs);
    await startConsumers(simulation);
    await takeUpAgain(simulation);
    const hasFound = await world.time.run(sweep(simulation));
    await untilRunsEnd(simulation);
    if (isViolated(simulation)) return;
    const debts = await world.time.run(world.ledger.debts());
    if (!hasFound && simulation.secrets.every((secret) => isAtRest(secret, debts))) break;
  }
  await ask(simulation);
  if (!isViolated(simulation) && simulation.plan.hard) await orderAboutTheDead(simulation);
  if (!isViolated(simulation) && !simulation.plan.isShort) await nextRotationEnds(simulation);
}

const isViolated = ({ watch }: Simulated) => watch.violations.length > 0;

/** Whether there was anything that this sweep, or the next one, has to see to. */
async function sweep({ world, watch }: Simulated): Promise<boolean> {
  watch.tell("sweep");
  const found = (await world.invoke("sweep", { time: new Date(world.time.nowMs()).toISOString() })) as Swept;
  return found.settled + found.labels + found.resumed + found.strays + found.discarded + found.failed > 0;
}

/** A person may take half an hour to bring a key, or to approve a step. */
const isSlow = ({ incident, hard, shape, terms }: Plan) =>
  incident !== undefined || hard !== undefined || shape?.kind === "assisted" || terms !== undefined;

async function untilRunsEnd(simulation: Simulated): Promise<void> {
  const { world, watch, plan } = simulation;
  const running = () => [...world.runs.values()].filter(({ outcome }) => outcome === undefined);
  const until = () => running().length === 0 || watch.violations.length > 0;
  if (running().length > 0) await world.time.advance(isSlow(plan) ? incidentSettleMs : settleMs, { until });
  if (!until() && plan.shape?.kind === "assisted") {
    // Nobody brought the key: a run waits for it as long as its machine says, and no consumer has to be asked meanwhile.
    stopConsumers(simulation);
    await world.time.advance(supplyMaxMs, { until });
  }
  for (const { rotationId } of running()) watch.violate("L1", `${rotationId} has not ended`);
  // Status events are on their way still.
  await world.time.advance(statusEventsMs);
}

/** Holds and stops are taken back, copies are given keys of their own, and other people's unfinished rotations are over. */
async function peopleTidyUp({ world, watch, secrets }: Simulated): Promise<void> {
  for (const scope of watch.stops.keys()) await world.ledger.removeStop(scope);
  watch.stops.clear();
  watch.isTidy = true;
  world.places?.healAll();
  for (const { secretArn } of secrets)
    for (const note of await world.ledger.copyNotes(secretArn))
      await world.ledger.changeCopy({ secretArn, ...note }, noteOverwrite);
  for (const secret of secrets) {
    const { secretArn, record } = secret;
    for (const { fingerprint, copyArn, versionId } of secret.copies)
      await world.table.remove({ kind: "FINGERPRINT", id: fingerprint, sort: `${copyArn}/${versionId}` });
    if (record?.hold) await world.ledger.changeSecret(secretArn, ({ hold: _over, ...rest }) => rest);
    const ours = new Set(record?.keys.map(({ versionId }) => versionId));
    const pending = world.store.versions(secretArn).find(({ labels }) => labels.includes("AWSPENDING"));
    const isForeign = pending?.versionId.startsWith("by-hand") && !ours.has(pending.versionId);
    if (isForeign) world.store.moveByHand({ secretArn, label: "AWSPENDING" });
  }
}

/** Of a secret that somebody left, whoever has it now applies a policy again. */
async function takeUpAgain({ world, secrets }: Simulated): Promise<void> {
  for (const { secretArn, declarations, policy } of secrets)
    if ((await world.ledger.policy(secretArn)) === undefined)
      await world.ledger.putPolicy(declarations.at(-1)?.policy ?? policy);
}

function stopConsumers({ secrets }: Simulated): void {
  for (const { instances } of secrets) {
    for (const instance of instances) instance.stop({ silently: true });
    instances.length = 0;
  }
}

/** One healthy instance of each that the policy declares; a batch consumer's next run. */
async function startConsumers(simulation: Simulated): Promise<void> {
  for (const secret of simulation.secrets) {
    if (!needsConsumers(secret)) continue;
    const consumers = secret.declarations.at(-1)?.policy.consumers ?? "none";
    for (const { name, maxStaleMs } of consumers === "none" ? [] : consumers) {
      if (name === fleetName) {
        await simulation.world.fleet?.heal();
        continue;
      }
      const pace = { refreshEveryMs: 4_000, useEveryMs: 4_000, reportEveryMs: 5_000, maxStaleMs };
      await simulation.startInstanceOf(secret, { name, ...pace });
    }
  }
}

/** Nothing that another sweep could do. */
function isAtRest(secret: WatchedSecret, debts: readonly Debt[]): boolean {
  if (secret.record?.lease !== undefined) return false;
  const isOwing = debts.some(({ secretArn }) => secretArn === secret.secretArn);
  return (secret.record?.run === undefined && !isOwing && !owesLeft(secret)) || needsPerson(secret);
}

/** Time would be lost on consumers that no run waits for. */
function needsConsumers(secret: WatchedSecret): boolean {
  const { record } = secret;
  const isOwing = record?.run !== undefined || owesLeft(secret);
  return record?.lease !== undefined || (isOwing && !needsPerson(secret));
}

/** The pin of what a take-over left, or a policy keeps: it goes when that key is dead. */
function isLeftOn({ record }: WatchedSecret, versionId: string): boolean {
  if (record === undefined) return false;
  return [...supersededKeys(record), ...retainedKeys(record)].some((key) => key.versionId === versionId);
}

function owesLeft({ record }: WatchedSecret): boolean {
  return record !== undefined && supersededKeys(record).length > 0;
}

// ---- the rules -------------------------------------------------------------------------------------------

async function ask(simulation: Simulated): Promise<void> {
  const { watch, world } = simulation;
  const dump = world.table.dump();
  for (const { kind, body } of dump) {
    if (kind === "ROTATION") runEnded(simulation, body as RotationRecord);
    if (kind === "DEBT") debtHasReason(simulation, body as Debt);
  }
  for (const secret of simulation.secrets) nothingIsLeft(simulation, secret);
  everyKeyIsAccountedFor(simulation);
  incidentsEnded(simulation);
  await campaignEnded(simulation);
  everyAlertWasHeard(simulation);
  outsideIsAnswered(simulation);
  const { calls } = world.provider.counters();
  // A run that waits twenty minutes for its hours looks as often as one that waits for consumers.
  const callsMax = providerCallsMax * (simulation.plan.terms === undefined ? 1 : 4);
  if (calls - simulation.consumerCalls > callsMax)
    watch.violate("L5", `${calls} calls of the provider are more than ${callsMax}`);
}

/** L1. */
function runEnded({ watch }: Simulated, { rotationId, outcome, reason }: RotationRecord): void {
  if (outcome === "running") watch.violate("L1", `${rotationId} is still called running`);
  if (outcome === "needsHuman" && (reason ?? "") === "")
    watch.violate("L1", `${rotationId} needs a person, and nobody says why`);
}

/** L3: what is owed still is owed because only a person can say how to go on. */
function debtHasReason(simulation: Simulated, { secretArn, keyId, kind, reason }: Debt): void {
  const { watch } = simulation;
  const secret = watch.secrets.get(secretArn);
  // Somebody was paged for the incident that this key is in.
  if (keysInIncidents(simulation).includes(keyId)) return;
  if (secret !== undefined && (needsPerson(secret) || waitsForRotation(secret, keyId))) return;
  watch.violate("L3", `${kind} of ${secret?.policy.name} is owed after ${sweepsMax} sweeps: ${reason}`);
}

/** Of what AWSCURRENT holds nobody has proven anything, so a rotation replaces that first and then takes up what is left. */
function waitsForRotation({ record }: WatchedSecret, keyId: string): boolean {
  if (record === undefined || supersededToResume(record) !== undefined) return false;
  const isLeft = supersededKeys(record).some((key) => key.keyId === keyId);
  return isLeft && currentKey(record)?.rotationId === undefined;
}

/** A hand on AWSCURRENT in mid-run, a key that two secrets hold, one that the policy keeps, or a run that a person aborted. */
function needsPerson(secret: WatchedSecret): boolean {
  const { isMixedUp, record, policy, sharesKey } = secret;
  const isUndeclared = Array.isArray(policy.consumers) && policy.consumers.length === 0;
  return (
    (isMixedUp && !isSortedOut(secret)) ||
    record?.frozen !== undefined ||
    policy.retain ||
    record?.run?.aborted !== undefined ||
    sharesKey ||
    isUndeclared
  );
}

/** The hand's key has been replaced: what it displaced is left to Rekey. */
function isSortedOut({ record, current }: WatchedSecret): boolean {
  if (record === undefined || supersededToResume(record) === undefined) return false;
  return currentKey(record)?.keyId === current.keyId;
}

/** L3. */
function nothingIsLeft({ watch, world }: Simulated, secret: WatchedSecret): void {
  const { secretArn, policy, record } = secret;
  if (record?.lease) watch.violate("L3", `${record.lease.runId} still holds ${policy.name}`);
  // A promotion in doubt goes on with its pending version, once a person has set a frozen secret right.
  const isInDoubt = record?.run?.phase === "promoting" && record.frozen !== undefined;
  for (const { versionId, labels } of world.store.versions(secretArn)) {
    if (labels.includes("AWSPENDING") && !versionId.startsWith("by-hand") && !isInDoubt)
      watch.violate("L3", `AWSPENDING is left on ${versionId} of ${policy.name}`);
    const isOwed = record?.run !== undefined || isLeftOn(secret, versionId);
    if (labels.includes("REKEY_RETIRING") && !isOwed)
      watch.violate("L3", `REKEY_RETIRING is left on ${versionId} of ${policy.name}`);
  }
  const isSound = watch.isUsable(secret.current.keyId) && !isLeaked(watch, secret.current.keyId);
  if (record?.frozen && secret.handed.length === 0 && isSound)
    watch.violate("L3", `${policy.name} is frozen (${record.frozen.reason}), and nobody has touched it`);
  const current = watch.keyState(secret.current.keyId);
  const isUseless = isMovedLate(watch, secret) && !watch.isUsable(secret.current.keyId);
  const isGone = isUseless || (current !== undefined && !current.isListed);
  if (isGone && record?.frozen === undefined && !isOrdered(watch, secret.current.keyId))
    watch.violate(
      "L3",
      `AWSCURRENT of ${policy.name} holds ${secret.current.keyId}, which is gone, and nobody was paged`,
    );
}

/** L2: what the provider lists, minus what somebody uses or a run still owes. */
function everyKeyIsAccountedFor(simulation: Simulated): void {
  const { watch } = simulation;
  const accounted = new Set<string | undefined>(keysInIncidents(simulation));
  for (const { current, record, policy } of simulation.secrets) {
    accounted.add(current.keyId);
    if (policy.retain && record !== undefined)
      for (const { keyId } of retainedKeys(record)) accounted.add(keyId);
    const run = record?.run;
    if (run === undefined) continue;
    accounted.add(run.retiring.keyId);
    if (run.phase !== "opened") accounted.add(run.incoming.keyId);
  }
  for (const { keyId, name, isListed } of watch.keys) {
    const isOurs = parseKeyName(name) !== undefined || watch.wasRetiring.has(keyId);
    if (!isListed || accounted.has(keyId) || !isOurs) continue;
    if (isKept(simulation, keyId) || isLeftToPerson(simulation, keyId)) continue;
    simulation.strays += 1;
    watch.violate("L2", `${keyId} (${name}) is left at the provider`);
  }
}

/** A key that was current until a hand put another in its place: nobody said that it may go. */
function isKept({ secrets }: Simulated, keyId: string): boolean {
  return secrets.some(
    ({ record, isMixedUp }) => isMixedUp && record?.keys.some((key) => key.keyId === keyId),
  );
}

/** A take-over left it behind, and only a person can say how to go on with its secret; until then it is owed. */
function isLeftToPerson({ secrets, watch }: Simulated, keyId: string): boolean {
  const secret = secrets.find(({ record }) => record !== undefined && isLeftIn(record, keyId));
  return secret !== undefined && needsPerson(secret) && watch.isOwed(keyId);
}

function isLeftIn(record: SecretRecord, keyId: string): boolean {
  return supersededKeys(record).some((key) => key.keyId === keyId);
}

/** Nobody said for how long an unknown program keeps its key, so the gate gives it longer than these runs last. */
function hasStranger({ plan }: Simulated): boolean {
  const strange = ["impostor", "declare"];
  return (
    plan.secrets[0]?.consumers.some(({ policy }) => policy === undefined) === true ||
    plan.happenings.some(({ kind, secret }) => secret === 0 && strange.includes(kind))
  );
}

/** Where an owner has at most so many keys, a disabled one makes room; elsewhere a limit is a limit. */
function mayMint({ plan, watch }: Simulated): boolean {
  const { keysMax } = plan.provider;
  if (keysMax === undefined || plan.shape?.kind === "slots") return true;
  watch.look();
  const live = watch.keys.filter((key) => key.isListed && !isDisabled(key));
  return plan.shape?.kind === "atMost" && live.length < keysMax;
}

/**
 * A fleet that is restarted this late uses the retiring key until the quiet window no longer fits before the deadline.
 * Then the promise is that the key stays alive and a person is told.
 */
function isFleetTooLate({ plan }: Simulated): boolean {
  const { fleet, policy } = plan.secrets[0] ?? {};
  const { quietMs = 0, overlapMs = 0 } = policy ?? {};
  if (fleet === undefined) return false;
  const lastUseMs = fleet.restartAfterMs + fleetLooksEveryMs;
  return lastUseMs + quietMs + simulatedPropagation.usageLagMs > overlapMs;
}

/** L3: the next rotation starts, and ends well. */
async function nextRotationEnds(simulation: Simulated): Promise<void> {
  const { world, watch } = simulation;
  const secret = simulation.secrets[0];
  if (secret === undefined || needsPerson(secret) || !mayMint(simulation) || hasStranger(simulation)) return;
  if (isFleetTooLate(simulation)) return;
  stopConsumers(simulation);
  startOnce(simulation, { secret, name: "r-last" });
  await world.time.advance(1);
  await startConsumers(simulation);
  await untilRunsEnd(simulation);
  const run = [...world.runs.values()].find(({ rotationId }) => rotationId === "r-last");
  const stored = await world.ledger.rotation(secret.secretArn, "r-last");
  if (!isViolated(simulation) && stored?.outcome !== "rotated")
    watch.violate(
      "L3",
      `the next rotation of ${secret.policy.name} ended as ${stored?.outcome}: ${stored?.reason} ${causeOf(run)}`,
    );
}

function causeOf(run: Run | undefined): string {
  return run?.outcome?.cause ?? run?.outcome?.error ?? "";
}
