import type { IncidentRecord } from "../../../core/incident/record.ts";
import type { Policy } from "../../../core/policy.ts";
import type { KeyId } from "../../../core/ports.ts";
import { fingerprintOf } from "../../../events/fingerprint.ts";
import type { WatchedSecret } from "../rules/witness.ts";
import type { Letter, Simulated } from "../run/simulated.ts";
import { happen } from "./happenings.ts";
import {
  forgedMark,
  type HardIncident,
  type PlannedForgery,
  type PlannedLeak,
  type PlannedReport,
  type PlannedWord,
  type Word,
} from "./hard-incident-plan.ts";
import { fingerprintOfKey, untilPhase } from "./incidents.ts";
import { roughlyOutside } from "./rough-letters.ts";

const lookEveryMs = 500;
const successorMs = 50_000;
const spokenWithinMs = 40_000;
const floodBeforeMs = 1_500;
const answerEveryMs = 100_000;
const answersMax = 6;

/** What the operator declares; the leaks of one run share it. */
export function hardPolicy({ containByMs, escalateAfterMs }: HardIncident): Partial<Policy> {
  return { incident: { containByMs, escalateAfterMs } };
}

/** Sets everything of the plan in motion; `broken` hears of a harness that cannot go on. */
export function startHard(
  simulation: Simulated,
  { plan, broken }: { readonly plan: HardIncident; readonly broken: (error: unknown) => void },
): void {
  simulation.outside.open();
  const later = (atMs: number, work: () => Promise<void>) =>
    setTimeout(() => {
      if (simulation.watch.violations.length === 0) work().catch(broken);
    }, atMs);
  const leaked: Leaked = { keyId: undefined };
  const [first] = plan.leaks;
  if (first === undefined) return;
  for (const leak of plan.leaks) later(leak.atMs, () => leakThrough(simulation, { leak, leaked }));
  for (const forgery of plan.forgeries) later(forgery.atMs, () => forge(simulation, forgery));
  for (const word of plan.words) later(word.atMs, () => say(simulation, word));
  if (plan.flood > 0)
    later(Math.max(0, first.atMs - floodBeforeMs), () => simulation.outside.send(flood(plan.flood)));
  const held = simulation.secrets[first.secret]?.secretArn;
  if (plan.hold === undefined || held === undefined) return;
  const { atMs, releaseAtMs } = plan.hold;
  later(atMs, () => order(simulation, { command: "hold", secret: held, reason: "a launch" }));
  if (releaseAtMs !== undefined)
    later(releaseAtMs, () => order(simulation, { command: "release", secret: held }));
}

/** The key of the first leak: a second one may be of its successor, or of itself once more. */
interface Leaked {
  keyId: KeyId | undefined;
}

async function leakThrough(
  simulation: Simulated,
  { leak, leaked }: { readonly leak: PlannedLeak; readonly leaked: Leaked },
): Promise<void> {
  const secret = simulation.secrets[leak.secret];
  // One key in two secrets is replaced in both under one name, which S3 forbids: not simulated.
  if (secret === undefined || secret.sharesKey) return;
  await untilPhase(secret, leak.phase);
  if (leak.isRolledBack) await happen(simulation, { ...leak, kind: "rollBack" });
  const text = await textOf(simulation, { secret, leak, leaked });
  const keyId = text === undefined ? undefined : simulation.watch.keyIds.get(text);
  if (text === undefined || keyId === undefined) return;
  const { rough } = simulation.plan.hard ?? {};
  if (rough !== undefined && leaked.keyId === undefined) {
    const { status = 0, lastsMs = 0 } = rough.refusesDeletes ?? {};
    if (lastsMs > 0) simulation.storm.refusesDeletes = { status, untilMs: Date.now() + lastsMs };
    roughlyOutside(simulation, rough, { secret, text, keyId });
  }
  leaked.keyId ??= keyId;
  simulation.watch.tell(`leak of ${leak.key} of ${secret.policy.name}: ${keyId}`);
  for (const report of leak.reports)
    setTimeout(() => {
      const letter = letterAbout({ report, text, keyId, nowMs: simulation.world.time.nowMs() });
      simulation.outside.send(letter).catch((error) => simulation.watch.violate("harness", String(error)));
    }, report.afterMs);
}

interface Leaking {
  readonly secret: WatchedSecret;
  readonly leak: PlannedLeak;
  readonly leaked: Leaked;
}

/** The text of the key that leaks; none when it is not there to leak. */
async function textOf(simulation: Simulated, { secret, leak, leaked }: Leaking): Promise<string | undefined> {
  const { watch } = simulation;
  switch (leak.key) {
    case "same":
      return textOfKey(simulation, (keyId) => keyId === leaked.keyId);
    case "successor": {
      if (!(await isReplaced(secret, leaked))) return undefined;
      return textOfKey(simulation, (keyId) => keyId === secret.current.keyId);
    }
    case "incoming": {
      const run = secret.record?.run;
      if (run === undefined || run.phase === "opened") return undefined;
      return textOfKey(simulation, (keyId) => keyId === run.incoming.keyId);
    }
    default: {
      const known = await fingerprintOfKey(simulation, { secret, key: leak.key });
      return [...watch.keyIds.keys()].find((text) => fingerprintOf(text) === known);
    }
  }
}

function textOfKey({ watch }: Simulated, isIt: (keyId: KeyId) => boolean): string | undefined {
  return [...watch.keyIds].find(([, keyId]) => isIt(keyId))?.[0];
}

async function isReplaced(secret: WatchedSecret, leaked: Leaked): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < successorMs; waitedMs += lookEveryMs) {
    const first = leaked.keyId;
    if (first !== undefined && secret.current.keyId !== first) return true;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
  return false;
}

// ---- what they write ---------------------------------------------------------------------------------------

interface About {
  readonly report: PlannedReport;
  readonly text: string;
  readonly keyId: KeyId;
  readonly nowMs: number;
}

function letterAbout({ report, text, keyId, nowMs }: About): Letter {
  const { source, id, names, exposure, noticedAgoMs } = report;
  if (source === "trufflehog") {
    const visibility = exposure === "public" ? 0 : 1;
    const Data = { Github: { link: "https://example.com/leak", visibility } };
    const finding = { DetectorName: "OpenAI", Verified: true, Raw: text, SourceMetadata: { Data } };
    return { source, body: JSON.stringify(finding) };
  }
  const detectedAt = noticedAgoMs === undefined ? {} : { detectedAt: isoTime(nowMs - noticedAgoMs) };
  const alert = { id, ...namedBy({ names, text, keyId }), exposure, verified: "live", ...detectedAt };
  return { source, body: JSON.stringify({ alerts: [alert] }) };
}

const isoTime = (atMs: number) => new Date(atMs).toISOString();

function namedBy({ names, text, keyId }: Pick<About, "text" | "keyId"> & Pick<PlannedReport, "names">) {
  switch (names) {
    case "key":
      return { key: text };
    case "fingerprint":
      return { fingerprints: [fingerprintOf(text)] };
    case "keyId":
      return { keyId, provider: "openai" };
  }
}

/** Places and hints that name no key of ours: too many of them are triaged together. */
function flood(count: number): Letter {
  const alerts = Array.from({ length: count }, (_, index) => ({
    id: `flood-${index}`,
    ...(index % 2 === 0 ? { location: `https://example.com/${index}` } : { hint: `sk-…${1000 + index}` }),
    exposure: "public",
  }));
  return { source: "report", body: JSON.stringify({ alerts }) };
}

/** A stranger names a key that works. */
async function forge(simulation: Simulated, { secret: index, how }: PlannedForgery): Promise<void> {
  const secret = simulation.secrets[index];
  if (secret === undefined || secret.sharesKey) return;
  const text = textOfKey(simulation, (keyId) => keyId === secret.current.keyId);
  if (text === undefined) return;
  const alert = { id: `${forgedMark}${how}`, key: text, exposure: "public", verified: "live" };
  await simulation.outside.forge({ source: "report", body: JSON.stringify({ alerts: [alert] }) }, how);
}

// ---- what people say ---------------------------------------------------------------------------------------

async function order(simulation: Simulated, command: Readonly<Record<string, unknown>>): Promise<void> {
  await simulation.outside.order(command);
}

/** Of the incident that came last, once there is one, and for an undoing once there is something to undo. */
async function say(simulation: Simulated, { word }: PlannedWord): Promise<void> {
  for (let waitedMs = 0; waitedMs < spokenWithinMs; waitedMs += lookEveryMs) {
    const meant = [...simulation.watch.incidents.values()].findLast((record) => isMeant(record, word));
    if (meant !== undefined)
      return order(simulation, { command: word, incident: meant.incidentId, reason: "they know" });
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

/** Of a report that names no key there is nothing that one of these words would change. */
function isMeant({ status, keys, match }: IncidentRecord, word: Word): boolean {
  if (status !== "open" || match.by === "none") return false;
  return word !== "incident-undo-quarantine" || keys.some(({ state }) => state === "quarantined");
}

/**
 * People answer what only people may say, for as long as there is something: contain it, or nobody knows the key.
 * What Rekey may not contain even then somebody takes the responsibility for.
 */
export async function peopleAnswerHard(simulation: Simulated): Promise<void> {
  const { world, watch, outside } = simulation;
  const refusedMs = simulation.plan.hard?.rough?.refusesDeletes?.lastsMs ?? 0;
  const answersNeeded = answersMax + Math.ceil(refusedMs / answerEveryMs);
  for (let answers = 0; answers < answersNeeded; answers++) {
    await world.time.advance(answerEveryMs, { until: () => watch.violations.length > 0 });
    const open = [...watch.incidents.values()].filter(
      ({ status }) => status === "open" || status === "reported",
    );
    if (watch.violations.length > 0 || (open.length === 0 && outside.underWay === 0)) return;
    for (const record of open) await world.time.run(answerTo(simulation, { record, answers }));
  }
}

async function answerTo(
  { outside, storm }: Simulated,
  { record, answers }: { readonly record: IncidentRecord; readonly answers: number },
): Promise<void> {
  const about = { incident: record.incidentId, reason: "looked into it" };
  const isRefused = Date.now() < (storm.refusesDeletes?.untilMs ?? 0);
  if (answers > 0 && !isRefused && record.keys.some(({ blocked }) => blocked !== undefined)) {
    await outside.order({ command: "incident-waive", ...about });
    return;
  }
  const said = await outside.order({ command: "incident-contain-now", ...about });
  if (said?.["reason"] === "KeyUnknown") await outside.order({ command: "incident-false-alarm", ...about });
}
