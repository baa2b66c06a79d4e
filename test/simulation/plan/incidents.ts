import { containNow, falseAlarm, whyNotContainNow } from "../../../core/incident/orders.ts";
import type { IncidentRecord } from "../../../core/incident/record.ts";
import { isOver } from "../../../core/incident/status.ts";
import type { Policy } from "../../../core/policy.ts";
import type { Fingerprint } from "../../../core/ports.ts";
import { promotedRun } from "../../../core/rotation/secret-record.ts";
import type { AlertIdentity } from "../../../events/alert.ts";
import { fingerprintOf } from "../../../events/fingerprint.ts";
import { aliasOfHint } from "../../../functions/key-index/identify-key.ts";
import { keyIn } from "../../../stores/value.ts";
import { sweptAtMs, taskMs, wasUndone } from "../rules/incident-rules.ts";
import type { WatchedSecret } from "../rules/witness.ts";
import type { Simulated } from "../run/simulated.ts";
import { isDisabled } from "../world/shaped.ts";
import type { World } from "../world/world.ts";
import type { LeakedKey, PlannedAlert, PlannedIncident } from "./incident-plan.ts";

const lookEveryMs = 250;
const waitForPhaseMs = 45_000;
const retryMs = 4_000;
const triesMax = 8;
/** Alerts and their repeats are on their way for so long after the weather has calmed down. */
const arriveMs = 100_000;

/** What the operator declares for an incident; seeds without one keep the defaults. */
export function incidentPolicy({ containByMs, escalateAfterMs }: PlannedIncident): Partial<Policy> {
  return { incident: { containByMs, escalateAfterMs } };
}

/** Raises the alerts of a planned incident, in the order in which they arrive. */
export async function leak(simulation: Simulated, planned: PlannedIncident): Promise<void> {
  const secret = simulation.secrets[planned.secret];
  if (secret === undefined) return;
  await untilPhase(secret, planned.phase);
  const identity = await identityOf(simulation, { secret, planned });
  simulation.watch.tell(`leak of ${planned.key} of ${secret.policy.name} by ${identity.kind}`);
  const earliestMs = Math.min(...planned.alerts.map(({ afterMs }) => afterMs));
  for (const alert of planned.alerts)
    setTimeout(
      () => deliver(simulation, detailOf(simulation, { alert, identity }), 0),
      alert.afterMs - earliestMs,
    );
}

export async function untilPhase(secret: WatchedSecret, phase: string | undefined): Promise<void> {
  for (let waitedMs = 0; phase !== undefined && waitedMs < waitForPhaseMs; waitedMs += lookEveryMs) {
    if (secret.record?.run?.phase === phase) return;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

interface Leak {
  readonly secret: WatchedSecret;
  readonly planned: PlannedIncident;
}

async function identityOf(simulation: Simulated, { secret, planned }: Leak): Promise<AlertIdentity> {
  if (planned.identity === "location") return { kind: "location", url: "https://example.com/somewhere" };
  const fingerprint = await fingerprintOfKey(simulation, { secret, key: planned.key });
  if (planned.identity === "hint") return hintAt(simulation, { secret, fingerprint });
  return { kind: "fingerprint", values: [fingerprint] };
}

/** A hint that the index knows: it names one key, and not exactly. */
async function hintAt(
  { world }: Simulated,
  { secret, fingerprint }: { readonly secret: WatchedSecret; readonly fingerprint: Fingerprint },
): Promise<AlertIdentity> {
  const hint = fingerprint.slice(-hintLength);
  const { secretArn } = secret;
  const known = secret.record?.keys.find((key) => key.fingerprint === fingerprint);
  const { keyId, versionId } = known ?? {};
  if (keyId !== undefined && versionId !== undefined)
    await world.ledger.putHolder({
      ...{ fingerprint: aliasOfHint(hint), secretArn, versionId, keyId, role: "rotated" },
    });
  return { kind: "hint", hint };
}

const hintLength = 8;

export async function fingerprintOfKey(
  { world }: Simulated,
  { secret, key }: { readonly secret: WatchedSecret; readonly key: LeakedKey },
): Promise<Fingerprint> {
  const { secretArn, policy, record } = secret;
  const run = record?.run;
  const promoted = promotedRun(run);
  if (key === "pending" && run !== undefined && run.phase !== "opened" && promoted === undefined)
    return run.incoming.fingerprint;
  if (key === "retiring" && promoted !== undefined) return promoted.retiring.fingerprint;
  const past = key === "old" ? (await world.ledger.keys(secretArn)).at(0)?.fingerprint : undefined;
  return past ?? fingerprintOf(keyIn((await world.store.read(secretArn)).text, policy.field));
}

function detailOf(
  { world }: Simulated,
  { alert, identity }: { readonly alert: PlannedAlert; readonly identity: AlertIdentity },
) {
  const { source, sourceId, exposure, noticedAgoMs, kind } = alert;
  const receivedAtMs = world.time.nowMs();
  const noticed = noticedAgoMs === undefined ? {} : { detectedAtMs: receivedAtMs - noticedAgoMs };
  const said = { schema: 1, source, sourceId, exposure, verified: "live", where: [], identity, ...noticed };
  return { alert: said, kind, intake: source, receivedAtMs };
}

/** A bus tries again for a day; here until the weather has calmed down. A function that hangs is timed out. */
export function deliver(simulation: Simulated, detail: unknown, tries: number): void {
  const timedOut = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new Error("Sandbox.Timedout")), taskMs);
  });
  Promise.race([simulation.world.invoke("raise-alert", { detail }), timedOut]).catch(() => {
    if (tries < triesMax) setTimeout(() => deliver(simulation, detail, tries + 1), retryMs);
  });
}

// ---- the end ---------------------------------------------------------------------------------------------

/** A person answers what only a person may say; what Rekey can finish alone, it has had the time to finish. */
export async function peopleAnswer(simulation: Simulated): Promise<void> {
  const { world, watch, plan } = simulation;
  if (plan.incident === undefined) return;
  await world.time.advance(arriveMs, { until: () => watch.violations.length > 0 });
  await answerOpen(simulation);
}

/** Somebody looks into every incident that is still open: its key is contained now, or it was a false alarm. */
export async function answerOpen({ world, watch }: Simulated): Promise<void> {
  for (const { incidentId, status } of watch.incidents.values()) {
    if (status !== "open" && status !== "reported") continue;
    const word = { by: "ops", reason: "looked into it", atMs: world.time.nowMs() };
    watch.tell(`a person answers ${incidentId}`);
    await world.ledger.incidents.changeIncident(incidentId, (now: IncidentRecord) =>
      whyNotContainNow(now) === undefined ? containNow(now, word) : falseAlarm(now, word),
    );
  }
}

const over = new Set<IncidentRecord["status"]>(["closed", "needsPerson", "falseAlarm"]);

/** Every incident has an end that says why, and its key was dead or a person knew of it in time (T3). */
export function incidentsEnded(simulation: Simulated): void {
  const { watch, world } = simulation;
  for (const record of watch.incidents.values()) {
    const { incidentId, status, reason } = record;
    if (!over.has(status)) watch.violate("L1", `${incidentId} is ${status} at the end: ${reason}`);
    if (status !== "closed" && (reason ?? "") === "")
      watch.violate("L1", `${incidentId} is ${status}, and nobody says why`);
    for (const key of record.keys) {
      const truth = watch.keyState(key.keyId);
      const isDone = key.state === "dead" && status === "closed";
      if (isDone && truth?.isAccepted) watch.violate("L6", `${key.keyId} is called dead and is accepted`);
      if (truth?.isListed && isDisabled(truth) && wasUndone(watch, truth.keyId) && !isRetiring(truth.keyId))
        watch.violate("L3", `the quarantine of ${key.keyId} was undone, and it is disabled still`);
    }
    wasInTime(record);
  }

  /** The run that takes up what this incident left has disabled it since. */
  function isRetiring(keyId: string): boolean {
    return simulation.secrets.some((secret) => secret.record?.run?.retiring.keyId === keyId);
  }

  function wasInTime(record: IncidentRecord): void {
    const { incidentId, keys } = record;
    const facts = watch.incidentFacts(incidentId);
    if (facts.openedAtMs === undefined) return;
    const clockMs = facts.clockMs + facts.clockFaults * faultCostsMs;
    const limitMs = unlessUnheard(simulation, { incidentId, clockMs });
    const endedAtMs = facts.settledAtMs;
    if (endedAtMs !== undefined && endedAtMs <= limitMs) return;
    if (endedAtMs === undefined && world.time.nowMs() <= limitMs) return;
    const isTold = world.pages.some((page) => tellsOf(page, record) && page.atMs <= limitMs);
    if (!isTold)
      watch.violate("T3", `${incidentId}: ${keys[0]?.keyId} is neither dead nor escalated in time`);
  }
}

/** A campaign pages for all of its incidents: by a list that names the secret, or because its deadline passes. */
function tellsOf(
  { incidentId, reason, why }: World["pages"][number],
  { incidentId: own, campaignId, secrets }: IncidentRecord,
): boolean {
  if (incidentId === own) return true;
  const isListed = secrets.some(({ name }) => why.includes(`${name}: `));
  return incidentId === campaignId && (reason === "deadlinePassed" || isListed);
}

/**
 * An execution that died before its time was up, and of whose end no event tells, is seen by the next whole sweep and
 * by nobody before it. That sweep's end counts, and no fixed allowance: a deployed sweep comes every 15 minutes, while
 * here none comes as long as people answer, and others come within seconds.
 */
function unlessUnheard(
  { watch, world, storm }: Simulated,
  { incidentId, clockMs }: { readonly incidentId: string; readonly clockMs: number },
): number {
  if (!storm.losesStatusEvents) return clockMs;
  const ended = [...world.runs.values()].filter(
    ({ input, outcome }) =>
      input["incidentId"] === incidentId && outcome !== undefined && outcome.status !== "SUCCEEDED",
  );
  return ended.reduce((limitMs, { history }) => {
    const endedAtMs = history.at(-1)?.timestamp ?? Number.POSITIVE_INFINITY;
    return endedAtMs > limitMs ? limitMs : Math.max(limitMs, sweptAtMs(watch, endedAtMs) ?? limitMs);
  }, clockMs);
}

/** A clock's step that is frozen is given up after its time-out, and tried again. */
const faultCostsMs = 75_000;

/** Keys that an incident has not let go of, or that a person took the responsibility for. */
export function keysInIncidents({ watch }: Simulated): readonly string[] {
  return [...watch.incidents.values()]
    .flatMap(({ status, keys }) => keys.filter(({ waiver }) => !isOver(status) || waiver !== undefined))
    .flatMap(({ keyId }) => keyId ?? []);
}
