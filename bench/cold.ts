import { setTimeout as pause } from "node:timers/promises";
import { type Demonstration, startDemonstration } from "../local/demonstration.ts";
import type { Timed } from "../local/functions.ts";
import { eventsOf } from "../local/history.ts";
import { secretText, sendAlert } from "../local/send-alert.ts";
import { type LocalCloudOptions, startLocalCloud } from "../local/world.ts";
import { furtherUses } from "../statemachines/further-uses.ts";
import { criticalPath, type Visit } from "./critical-path.ts";
import { type BenchRow, rowOf } from "./row.ts";

const pairs = 3;
const runMaxMs = 600_000;
const pollMs = 50;
const settleMs = 1_000;
const addedMaxMs = 2_000;
/** A call that comes while its function is still being warmed up starts another thread, as it does on AWS. */
const threadsMax = 2;
const provider = { latencyMs: 100, dieMs: 1_000, activateMs: 0 };
const secretName = "billing-key";
/** More than three leaks an hour of one sender wait for a person. */
const deployment = { intakeLimits: { report: { keysPerHour: 1_000 } } };

/** One way from its first function's call to the revoke that the provider took. */
interface Taken {
  readonly ms: number;
  /** Of the functions in the order in which they had to be passed. */
  readonly path: readonly Timed[];
}

interface Pair {
  readonly cold: Taken;
  readonly warm: Taken;
}

type Measure = (company: Demonstration, calls: readonly Timed[]) => Promise<Taken>;

/**
 * The same leak and the same rotation over and over in one deployment, by turns with every function cold and with all
 * of them warm. A cold function's first call starts a thread, which loads the packaged bundle as a new Lambda
 * environment does. What is not in the figures: the time that AWS takes to make that environment.
 */
export async function coldRows(): Promise<BenchRow[]> {
  const calls: Timed[] = [];
  const onCall = (call: Timed) => void calls.push(call);
  const openCloud = (options: LocalCloudOptions) => startLocalCloud({ ...options, threadsMax });
  const company = await startDemonstration({
    ...{ plan: "contain-first", provider, deployment, pace: 1 },
    ...{ onCall, openCloud },
  });
  try {
    const leaks = await inTurns(leak, { company, calls });
    const rotations = await inTurns(rotation, { company, calls });
    return [
      ...rowsOf("leak: alert to revoke accepted", leaks, { budget: addedMaxMs }),
      ...rowsOf("rotation: start to revoke accepted", rotations, {}),
    ];
  } finally {
    await company.close();
  }
}

interface Bench {
  readonly company: Demonstration;
  readonly calls: Timed[];
}

async function inTurns(measure: Measure, { company, calls }: Bench): Promise<readonly Pair[]> {
  const run = async () => {
    await pause(settleMs);
    calls.length = 0;
    return measure(company, calls);
  };
  await run();
  const measured: Pair[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const warm = await run();
    await pause(settleMs);
    await company.cloud.chill();
    const cold = await run();
    process.stderr.write(`rekey: warm ${warm.ms} ms, cold ${cold.ms} ms, pair ${pair + 1} of ${pairs}\n`);
    measured.push({ warm, cold });
  }
  return measured;
}

function rowsOf(name: string, pairs: readonly Pair[], { budget }: { readonly budget?: number }): BenchRow[] {
  const figures = (pick: (pair: Pair) => number) => pairs.map(pick);
  const cpuMs = ({ path }: Taken) => path.reduce((sum, call) => sum + call.cpuMs, 0);
  return [
    rowOf(
      { name: `${name}, all warm`, unit: "ms" },
      figures(({ warm }) => warm.ms),
    ),
    rowOf(
      { name: `${name}, all cold`, unit: "ms", detail: coldOn(pairs) },
      figures(({ cold }) => cold.ms),
    ),
    rowOf(
      { name: `${name}, added by cold`, unit: "ms", ...(budget !== undefined && { budget }) },
      figures(({ cold, warm }) => cold.ms - warm.ms),
    ),
    rowOf(
      { name: `${name}, CPU added on the path`, unit: "ms" },
      figures(({ cold, warm }) => cpuMs(cold) - cpuMs(warm)),
    ),
  ];
}

/** The cold functions that most often had to be passed, each with the median time of its first call. */
function coldOn(pairs: readonly Pair[]): string {
  const first = pairs.flatMap(({ cold }) => cold.path.filter(({ isCold }) => isCold));
  const names = [...new Set(first.map(({ functionName }) => functionName))];
  const lines = names.map((name) => {
    const own = first.filter(({ functionName }) => functionName === name);
    const wall = rowOf(
      { name, unit: "ms" },
      own.map(({ fromMs, toMs }) => toMs - fromMs),
    );
    const cpu = rowOf(
      { name, unit: "ms" },
      own.map(({ cpuMs }) => cpuMs),
    );
    const often = own.length < pairs.length ? ` in ${own.length} of ${pairs.length}` : "";
    return `${nameOf(name)} ${Math.round(wall.median)} ms (CPU ${Math.round(cpu.median)})${often}`;
  });
  return lines.join(", ");
}

/** The name in serverless/functions.ts of a deployed function. */
export const nameOf = (functionName: string) => functionName.replace(/^rekey-[a-z]+-/, "");

/** The key that the programs use now leaks. */
const leak: Measure = async (company, calls) => {
  const { ledger, secretArn, cloud } = company;
  const before = new Set((await ledger.incidents.incidents()).map(({ incidentId }) => incidentId));
  const { apiKey } = JSON.parse(await secretText(cloud, secretArn));
  await sendAlert(cloud, apiKey);
  const incident = await until(async () => {
    const incidents = await ledger.incidents.incidents();
    return incidents.find(({ incidentId, status }) => !before.has(incidentId) && status === "closed");
  });
  const { keys, executionArn = "" } = incident;
  const atMs = keys[0]?.acceptedAtMs ?? Number.NaN;
  const visits = criticalPath(await eventsOf(cloud, executionArn), { state: "ContainKey", atMs });
  const alert = ["intake", "raise-alert"].map((name) => firstOf(name, calls));
  return takenBy([...alert, ...callsOf(visits, { machine: "compromise", calls })]);
};

const rotation: Measure = async (company, calls) => {
  const { ledger, secretArn, cloud } = company;
  const before = new Set((await ledger.rotations(secretArn)).map(({ rotationId }) => rotationId));
  await company.rekey("rotate", secretName, "--reason", "bench");
  const { executionArn } = await until(async () => {
    const rotations = await ledger.rotations(secretArn);
    return rotations.find(({ rotationId, outcome }) => !before.has(rotationId) && outcome === "rotated");
  });
  const revoke = { state: "RevokeKey", atMs: Number.POSITIVE_INFINITY };
  const visits = criticalPath(await eventsOf(cloud, executionArn), revoke);
  return takenBy(callsOf(visits, { machine: "rotation", calls }));
};

function takenBy(path: readonly Timed[]): Taken {
  return { ms: (path.at(-1)?.toMs ?? Number.NaN) - (path[0]?.fromMs ?? Number.NaN), path };
}

function callsOf(
  visits: readonly Visit[],
  { machine, calls }: { readonly machine: string; readonly calls: readonly Timed[] },
): readonly Timed[] {
  return visits.flatMap(({ state, isTask, enteredAtMs, exitedAtMs = Number.POSITIVE_INFINITY }) => {
    const name = furtherUses[machine]?.[state]?.calls ?? kebab(state);
    const within = ({ fromMs, toMs, functionName }: Timed) =>
      nameOf(functionName) === name && fromMs >= enteredAtMs && toMs <= exitedAtMs;
    return isTask ? calls.filter(within) : [];
  });
}

const kebab = (state: string) => state.replace(/(?!^)[A-Z]/g, "-$&").toLowerCase();

function firstOf(name: string, calls: readonly Timed[]): Timed {
  const found = calls.find(({ functionName }) => nameOf(functionName) === name);
  if (found === undefined) throw new Error(`the bench's run never called ${name}`);
  return found;
}

async function until<Found>(look: () => Promise<Found | undefined>): Promise<Found> {
  for (const untilMs = Date.now() + runMaxMs; Date.now() < untilMs; ) {
    const found = await look();
    if (found !== undefined) return found;
    await pause(pollMs);
  }
  throw new Error("the bench's run is not over");
}
