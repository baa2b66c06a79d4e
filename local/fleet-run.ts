import { setTimeout as pause } from "node:timers/promises";
import { ListExecutionsCommand, SFNClient } from "@aws-sdk/client-sfn";
import { together } from "../consumers/together.ts";
import { isoText } from "../core/utc.ts";
import type { Start } from "./demonstration.ts";
import { type Estate, type EstateSecret, openEstate } from "./estate/estate.ts";
import { showTraffic } from "./estate/traffic.ts";
import type { Screen } from "./screen.ts";
import { troubleIn } from "./summary.ts";
import { clientAs } from "./world.ts";

const accounts = 6;
const callsPerSecond = 10;
/** Its issuer answers less than the others, and nothing right after the start, because somebody else uses it up. */
const slowAccount = "openai-5";
const slowCallsPerSecond = 6;
const crowdedMs = 8_000;
/** Its issuer answers with errors only while its keys are due. A policy cannot be applied during such an outage. */
const failingAccount = "openai-6";
const consumers = 4;

const runMaxMs = 40 * 60_000;
const observeMaxMs = 5 * 60_000;
const startMaxMs = 60_000;
const pollMs = 2_000;
const atOnceMax = 16;
/** Everything falls due once `rekey apply` has surely ended: so many times as long as it ever took, and this. */
const applySpareMs = 15_000;
const applySpareTimes = 1.5;
const applyTriesMax = 4;
/** The stop comes when so many retiring keys are dead: it meets runs in every state, and ends those before promotion. */
const stopAtShare = 0.25;
const stopWithinMs = 5 * 60_000;
const stopForMs = 8_000;
/** So few runs that are still at work are named. */
const namedMax = 3;
/** What the stop kept from being rotated falls due again. */
const roundsMax = 5;

const terms = "overlap: 10m, quiet: 1s, signals: [client], soak: 1s";

/**
 * Hundreds of secrets: discovered, adopted, observed, and then rotated at one instant, with what goes wrong on such a
 * day: an account that is slow, one that fails, and a stop of everything.
 */
export async function runFleet(start: Start & { readonly keys: number }): Promise<number> {
  const { shown, ending, keys } = start;
  const startedAtMs = Date.now();
  const estate = await openEstate({
    ...{ parts: partsOf(keys), callsPerSecond, consumers },
    onProgress: (text) => shown.say(text),
    onOpen: (close) => ending.before(close),
  });
  try {
    const wrong = await takeOn(estate, shown);
    await rotateAll(estate, shown);
    const parked = await parkedIn(estate);
    const summary = await summaryOf({ estate, parked, startedAtMs });
    wrong.push(...complaintsOf({ summary, parked }, estate), ...troubleIn(estate.cloud));
    conclude({ shown, estate, summary, parked, wrong });
    return wrong.length === 0 ? 0 : 1;
  } finally {
    await estate.close();
  }
}

function partsOf(keys: number) {
  return Array.from({ length: accounts }, (_, index) => {
    const account = `openai-${index + 1}`;
    return {
      ...{ account, kind: "openai" as const, block: `mode: observe, rotate: manual, ${terms}` },
      ...{ secrets: Math.floor(keys / accounts) + (index < keys % accounts ? 1 : 0), isBudgeted: true },
      ...(account === slowAccount && { callsPerSecond: slowCallsPerSecond }),
    };
  });
}

function accountOf({ accounts: all }: Estate, name: string) {
  const found = all.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no account ${name}`);
  return found;
}

/** Discovered and observed: every secret is found and looked at, and nothing is started or changed. */
async function takeOn(estate: Estate, shown: Screen): Promise<string[]> {
  const { cloud, ledger, secrets, accounts: all } = estate;
  const found = JSON.parse(await estate.asAdministrator("--json", "discover", "--days", "0"));
  const arns = new Set((found.secrets as readonly { readonly arn: string }[]).map(({ arn }) => arn));
  const missed = secrets.filter(({ secretArn }) => !arns.has(secretArn)).length;
  shown.say(`rekey discover found ${secrets.length - missed} of them; now all are observed`);
  const before = await currentVersions(estate);
  const unseen = async () => {
    const seen = await together(secrets, { atOnceMax, work: (each) => ledger.observation(each.secretArn) });
    return seen.filter((each) => each === undefined).length;
  };
  let left = secrets.length;
  for (const untilMs = Date.now() + observeMaxMs; left > 0 && Date.now() < untilMs; left = await unseen()) {
    cloud.fire("observe-secrets");
    await pause(pollMs * 5);
  }
  const runs = await together(secrets, { atOnceMax, work: (each) => ledger.rotations(each.secretArn) });
  const made = all.reduce((sum, { fake }) => sum + fake.state().length, 0) - secrets.length;
  const after = await currentVersions(estate);
  const moved = after.filter((version, index) => version !== before[index]).length;
  shown.say(`${secrets.length - left} are observed: nothing was started, made or moved`);
  return [
    ...(missed === 0 ? [] : [`rekey discover did not find ${missed} secrets`]),
    ...(left === 0 ? [] : [`${left} secrets were never looked at while they were to be observed`]),
    ...(runs.flat().length + made + moved === 0 ? [] : ["something changed while it was only observed"]),
  ];
}

async function currentVersions({ ledger, secrets }: Estate): Promise<readonly (string | undefined)[]> {
  const records = await together(secrets, { atOnceMax, work: (each) => ledger.secret(each.secretArn) });
  return records.map(({ keys }) => keys.find(({ state }) => state === "current")?.versionId);
}

/** All fall due at one instant; a stop is ordered and lifted meanwhile; what it kept from rotating falls due again. */
async function rotateAll(estate: Estate, shown: Screen): Promise<void> {
  const untilMs = Date.now() + runMaxMs;
  const pace = { slowestMs: estate.appliedMs };
  for (let round = 1; round <= roundsMax; round += 1) {
    const left = await parkedIn(estate);
    if (round > 1 && left.every(isMeantToBe)) return;
    const due = left.map(({ secret }) => secret);
    const dueAtMs = await fallDue(estate, { due, pace });
    shown.say(`${due.length} secrets are due at ${isoText(dueAtMs)}`);
    await pause(Math.max(0, dueAtMs - Date.now()));
    await started(estate, dueAtMs);
    accountOf(estate, slowAccount).crowd(crowdedMs);
    if (round === 1) await disturb(estate, shown);
    await settled(estate, { due, shown, dueAtMs, untilMs });
  }
}

async function rotatedIn({ ledger, secrets }: Estate): Promise<ReadonlySet<EstateSecret>> {
  const runs = await together(secrets, { atOnceMax, work: (each) => ledger.rotations(each.secretArn) });
  return new Set(secrets.filter((_, index) => runs[index]?.some(({ outcome }) => outcome === "rotated")));
}

interface Falling {
  readonly due: readonly EstateSecret[];
  /** How long `rekey apply` took when it was slowest. */
  readonly pace: { slowestMs: number };
}

/** A machine under load may take so long that the time is past before all is applied: then a later one is tried. */
async function fallDue(estate: Estate, { due, pace }: Falling): Promise<number> {
  const failing = accountOf(estate, failingAccount);
  const isDue = new Set(due);
  for (let tries = 1; ; tries += 1) {
    const begunAtMs = Date.now();
    const spareMs = applySpareMs + applySpareTimes * pace.slowestMs;
    const dueAtMs = Math.ceil((begunAtMs + spareMs) / 1000) * 1000;
    const at = `{ at: "${isoText(dueAtMs).slice(0, 19)}" }`;
    estate.writePolicy((each) => `mode: rotate, rotate: ${isDue.has(each) ? at : "manual"}, ${terms}`);
    failing.heal();
    try {
      await estate.rekey("apply", estate.policyFile);
      if (Date.now() < dueAtMs || tries === applyTriesMax) return dueAtMs;
    } catch (error) {
      if (Date.now() < dueAtMs || tries === applyTriesMax) throw error;
    } finally {
      pace.slowestMs = Math.max(pace.slowestMs, Date.now() - begunAtMs);
      failing.fail();
    }
  }
}

async function disturb(estate: Estate, shown: Screen): Promise<void> {
  const { rekey, secrets, accounts: all } = estate;
  const canRotate = secrets.filter(({ account }) => account.name !== failingAccount).length;
  const dead = () => all.flatMap(({ fake }) => fake.state().filter(({ isAccepted }) => !isAccepted)).length;
  for (const untilMs = Date.now() + stopWithinMs; Date.now() < untilMs; await pause(pollMs / 10))
    if (dead() >= stopAtShare * canRotate) break;
  await rekey("stop", "--all", "--reason", "npm start: something looks wrong");
  shown.say("everything is stopped (rekey stop --all)");
  await pause(stopForMs);
  await rekey("resume", "--all");
  shown.say("the stop is lifted (rekey resume --all)");
}

interface Settling {
  readonly due: readonly EstateSecret[];
  readonly shown: Screen;
  readonly dueAtMs: number;
  readonly untilMs: number;
}

/** Until the schedules have started their runs; what they did not start falls due again. */
async function started(estate: Estate, dueAtMs: number): Promise<void> {
  for (const untilMs = dueAtMs + startMaxMs; Date.now() < untilMs; await pause(pollMs / 10)) {
    if ((await runningOf(estate)).length > 0) return;
  }
}

async function settled(estate: Estate, { due, shown, dueAtMs, untilMs }: Settling): Promise<void> {
  for (let left = due.length; left > 0; await pause(pollMs)) {
    if (Date.now() > untilMs)
      throw new Error(`${left} rotations are not over after ${runMaxMs / 60_000} min`);
    const running = await runningOf(estate);
    left = running.length;
    const last = left > 0 && left <= namedMax ? `; still at work: ${running.join(", ")}` : "";
    const text = `${due.length - left} of ${due.length} runs have ended${last}`;
    shown.step({ elapsedMs: Date.now() - dueAtMs, name: "fleet", secret: "", text });
  }
}

/** The names of the runs that have not ended. */
async function runningOf({ cloud }: Estate): Promise<readonly string[]> {
  const client = new SFNClient(clientAs(cloud, "administrator"));
  const { REKEY_ROTATION_MACHINE_ARN: stateMachineArn = "" } = cloud.env("operator");
  const asked = { stateMachineArn, statusFilter: "RUNNING" as const, maxResults: 1_000 };
  const { executions = [] } = await client.send(new ListExecutionsCommand(asked));
  return executions.flatMap(({ name }) => name ?? []);
}

interface Parked {
  readonly secret: EstateSecret;
  readonly why: string;
}

/** Every secret that is not rotated, with what `rekey history` says of its last run. */
async function parkedIn(estate: Estate): Promise<readonly Parked[]> {
  const rotated = await rotatedIn(estate);
  const { happenings } = JSON.parse(await estate.rekey("--json", "history", "--last", "10000"));
  const runs = (happenings as readonly Happening[]).filter(({ kind }) => kind === "rotation");
  const last = new Map(runs.map(({ secret, result }) => [secret, result]));
  const left = estate.secrets.filter((each) => !rotated.has(each));
  return left.map((secret) => ({ secret, why: last.get(secret.name) ?? "it was never started" }));
}

interface Happening {
  readonly kind: string;
  readonly secret: string;
  readonly result: string;
}

/** A run of the failing account ends with the issuer's errors, or with the stop that they led to. */
function isMeantToBe({ secret, why }: Parked): boolean {
  const isItsReason = why.includes("ProviderUnavailable") || why.includes(`provider/${failingAccount}`);
  return secret.account.name === failingAccount && isItsReason;
}

interface FleetSummary {
  readonly type: "fleet";
  readonly secrets: number;
  readonly rotated: number;
  readonly parked: number;
  readonly failedRequests: number;
  readonly strays: number;
  readonly overBudget: number;
  readonly ms: number;
  readonly maxRssMb: number;
}

async function summaryOf(seen: {
  readonly estate: Estate;
  readonly parked: readonly Parked[];
  readonly startedAtMs: number;
}): Promise<FleetSummary> {
  const { estate, parked, startedAtMs } = seen;
  const { secrets, accounts: all, fleet } = estate;
  return {
    ...{ type: "fleet", secrets: secrets.length, rotated: secrets.length - parked.length },
    ...{ parked: parked.length, failedRequests: fleet.tally().failed, strays: await straysIn(estate) },
    overBudget: all.reduce((sum, { overBudget }) => sum + overBudget(), 0),
    ms: Date.now() - startedAtMs,
    maxRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

/** Keys that an issuer still accepts and that are not the current one of their secret. */
async function straysIn({ ledger, secrets, accounts: all }: Estate): Promise<number> {
  const records = await together(secrets, { atOnceMax, work: (each) => ledger.secret(each.secretArn) });
  const current = new Set(
    records.flatMap(({ keys }) => keys.flatMap((key) => (key.state === "current" ? [key.keyId] : []))),
  );
  const accepted = all.flatMap(({ fake }) => fake.state().filter(({ isAccepted }) => isAccepted));
  return accepted.filter(({ keyId }) => !current.has(keyId)).length;
}

function complaintsOf(
  { summary, parked }: { readonly summary: FleetSummary; readonly parked: readonly Parked[] },
  { secrets }: Estate,
): readonly string[] {
  const failing = secrets.filter((each) => each.account.name === failingAccount).length;
  const others = parked.filter((each) => !isMeantToBe(each));
  const { failedRequests, strays, overBudget } = summary;
  return [
    ...others.map(({ secret, why }) => `${secret.name} is not rotated: ${why}`).slice(0, 5),
    ...(others.length > 5 ? [`${others.length - 5} more are not rotated`] : []),
    ...(parked.length - others.length === failing
      ? []
      : [`not all of ${failingAccount} are parked for its failure`]),
    ...(failedRequests === 0 ? [] : [`${failedRequests} requests of consumers failed`]),
    ...(strays === 0 ? [] : [`${strays} keys work that are not the current one of a secret`]),
    ...(overBudget === 0 ? [] : [`${overBudget} calls were more than their account's budget`]),
  ];
}

function conclude(end: {
  readonly shown: Screen;
  readonly estate: Estate;
  readonly summary: FleetSummary;
  readonly parked: readonly Parked[];
  readonly wrong: readonly string[];
}): void {
  const { shown, estate, summary, parked, wrong } = end;
  const { secrets, rotated, failedRequests, strays, overBudget, ms, maxRssMb } = summary;
  shown.verdict({
    isGood: parked.every(isMeantToBe),
    text: `${rotated} of ${secrets} rotated, ${parked.length} parked`,
  });
  const [first] = parked;
  if (first !== undefined) shown.say(`parked: ${first.secret.name}: ${first.why}`);
  showTraffic(shown, { estate, failedRequests, overBudget });
  const crowdedOut = accountOf(estate, slowAccount).crowdedOut();
  shown.say(`${slowAccount} refused ${crowdedOut} calls because somebody else used it up`);
  shown.verdict({ isGood: strays === 0, text: `${strays} keys work that are not current` });
  shown.say(`${(ms / 1000).toFixed(0)} s, at most ${maxRssMb} MB`);
  for (const complaint of wrong)
    shown.error(complaint, "`rekey history NAME` says why, while the cloud runs");
  shown.summary(summary);
}
