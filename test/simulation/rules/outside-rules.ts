import type { IncidentRecord } from "../../../core/incident/record.ts";
import { isOver } from "../../../core/incident/status.ts";
import type { KeyId, SecretArn } from "../../../core/ports.ts";
import type { Simulated } from "../run/simulated.ts";
import type { Invocation } from "../world/surroundings.ts";
import { reportOf, type Witness } from "./witness.ts";

/** Contact with the outside (O1 to O5): whatever is sent or ordered, the machine stays able to act. */

/** O1: nothing that is stored may become the reason why state cannot be written. */
export function stateFits(watch: Witness, { functionName }: Invocation, error: unknown): void {
  const words = error instanceof Error ? error.message : String(error);
  if (/larger than DynamoDB takes|longer than DynamoDB takes/.test(words))
    watch.violate("O1", `${functionName} cannot write its state: ${words}`);
}

/** Asked once nothing more happens. */
export function outsideIsAnswered(simulation: Simulated): void {
  const { watch } = simulation;
  for (const { keyId, atMs } of watch.ordered) orderHadAnEffect(watch, { keyId, atMs });
  for (const record of watch.incidents.values()) {
    publicKeyIsPaged(simulation, record);
    deadlinePages(simulation, record);
  }
}

/** O2: an order that answers with success has an incident of that key, or the key is dead. */
function orderHadAnEffect(
  watch: Witness,
  { keyId, atMs }: { readonly keyId: KeyId; readonly atMs: number },
): void {
  const about = [...watch.incidents.values()].filter(({ keys }) => keys.some((key) => key.keyId === keyId));
  const isWorkedOn = about.some(
    ({ closedAtMs = Number.POSITIVE_INFINITY, calledOffAtMs = Number.POSITIVE_INFINITY }) =>
      Math.min(closedAtMs, calledOffAtMs) >= atMs,
  );
  if (!isWorkedOn && watch.keyState(keyId)?.isAccepted)
    watch.violate("O2", `compromise of ${keyId} is answered with success, and no incident is open about it`);
}

/** Incidents that heard of a public key before it was seen dead. What is said of a dead one changes nothing (O4, L6). */
const publicWhileAlive = new WeakMap<Witness, Set<string>>();

/** Asked of every write to an incident. */
export function notePublic(watch: Witness, { incidentId, alerts, keys }: IncidentRecord): void {
  const isPublic = alerts.some(({ exposure, verified }) => exposure === "public" && verified === "live");
  if (!isPublic || keys.every(({ deadAtMs }) => deadAtMs !== undefined)) return;
  publicWhileAlive.set(watch, (publicWhileAlive.get(watch) ?? new Set()).add(incidentId));
}

/** O2 and O3: a living key that was reported public has a page and a clock, also if that was said only later. */
function publicKeyIsPaged({ world, watch }: Simulated, record: IncidentRecord): void {
  const { incidentId, keys, planAsked, status, plan } = record;
  const isPublic = publicWhileAlive.get(watch)?.has(incidentId) === true;
  const isOurs = keys.some(({ standing, goneBefore }) => standing !== "unknown" && goneBefore !== true);
  if (!isPublic || !isOurs || status === "falseAlarm" || keys.some(({ waiver }) => waiver !== undefined))
    return;
  const { settledAtMs = Number.POSITIVE_INFINITY, clockFaults, openedAtMs } = watch.incidentFacts(incidentId);
  // A clock's step that is frozen pages late: by then the key may be dead.
  const isOverSoon = clockFaults > 0 && settledAtMs < (openedAtMs ?? 0) + lateMs;
  if (!isOverSoon && !world.pages.some((page) => page.incidentId === incidentId))
    watch.violate("O2", `${incidentId} is about a living public key, and nobody is told`);
  const isExact = record.match.by === "fingerprint" || record.match.by === "keyId";
  if (isExact && planAsked === undefined && plan === "switch-first")
    watch.violate("O3", `${incidentId} is about a public key, and its plan is still ${plan}`);
}

/** A clock's step may be frozen and given up, and is then tried again. */
const lateMs = 4 * 60_000;

/** O5: whatever was paged before, the deadline pages while the key is not seen dead. */
function deadlinePages(simulation: Simulated, record: IncidentRecord): void {
  const { world, watch, storm } = simulation;
  const { incidentId, deadlineAtMs, openedAtMs, status, keys, acknowledged } = record;
  const { settledAtMs = Number.POSITIVE_INFINITY, clockFaults } = watch.incidentFacts(incidentId);
  if (openedAtMs === undefined || acknowledged !== undefined || storm.losesStatusEvents || clockFaults > 0)
    return;
  const passedMs = Math.max(deadlineAtMs, openedAtMs) + lateMs;
  const isOpen = settledAtMs > passedMs && world.time.nowMs() > passedMs;
  if (!isOpen || keys.length === 0 || (isOver(status) && (record.closedAtMs ?? 0) < passedMs)) return;
  const isPaged = world.pages.some(
    (page) => page.incidentId === incidentId && page.atMs >= deadlineAtMs - lateMs && page.atMs <= passedMs,
  );
  if (!isPaged)
    watch.violate("O5", `the deadline of ${incidentId} passed, its key lives, and nobody was paged`);
  const endMs = Math.min(settledAtMs, record.closedAtMs ?? settledAtMs, world.time.nowMs());
  pagesRepeat(simulation, incidentId, { fromMs: Math.max(deadlineAtMs, openedAtMs), untilMs: endMs });
}

/** Of the design, so that a mistake in the product's own numbers shows. */
const repeatEveryMs = 5 * 60_000;
const repeatsLastMs = 3_600_000;

/** O5: for the first hour after the deadline, every five minutes, while nobody acknowledges. */
function pagesRepeat(
  { world, watch }: Simulated,
  incidentId: string,
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): void {
  const endMs = Math.min(untilMs, fromMs + repeatsLastMs);
  const heard = world.pages.flatMap((page) => (page.incidentId === incidentId ? page.atMs : []));
  const times = [fromMs, ...heard.filter((atMs) => atMs > fromMs && atMs < endMs), endMs];
  const gap = times.find((atMs, nth) => atMs - (times[nth - 1] ?? atMs) > repeatEveryMs + lateMs);
  if (gap !== undefined)
    watch.violate("O5", `the key of ${incidentId} lives after its deadline, and the pages stopped`);
}

/** O2: an order about a key whose incident is over, and which is dead, is told that nothing will happen. */
export async function orderAboutTheDead({ watch, world, outside, secrets }: Simulated): Promise<void> {
  for (const { status, keys, secrets: places } of watch.incidents.values()) {
    const [key] = keys;
    const secret = secrets.find(({ secretArn }) => places.some((place) => place.secretArn === secretArn));
    const isDead = status === "closed" && key?.state === "dead" && key.keyId !== undefined;
    if (!isDead || secret === undefined) continue;
    const { secretArn } = secret;
    const order = { command: "compromise", secret: secretArn, keyId: key.keyId, reason: "they read of it" };
    const said = await world.time.run(outside.order({ ...order, exposure: "public" }, "FAKE-other"));
    if (said?.["outcome"] === "reported")
      watch.violate("O2", `compromise of ${key.keyId}, which is dead, is answered with success`);
    return;
  }
}

/** O8: what the ledger keeps as proven was sent by the instance that it names, with this number. */
export function whoTestifiesHoldsIt(watch: Witness, secretArn: SecretArn, body: object): void {
  const secret = watch.secrets.get(secretArn);
  if (secret === undefined || !isTestimony(body)) return;
  if (!secret.sent.has(reportOf(body)))
    watch.violate(
      "O8",
      `${reportOf(body)} testifies for ${secret.policy.name}, and ${body.instance} never said that`,
    );
}

function isTestimony(body: object): body is Parameters<typeof reportOf>[0] {
  return "instance" in body && "sequence" in body && !("unproven" in body);
}
