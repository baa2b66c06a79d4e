import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ConsumerJob, Tally } from "./consumer.ts";

export interface Fleet {
  /** What all consumers served so far. */
  tally(): Tally;
  /** By consumer name. */
  tallies(): ReadonlyMap<string, Tally>;
  /** Programs that ended before they were told to, in words. */
  ended(): readonly string[];
  stop(): Promise<void>;
}

/** And more for each key, which a program fetches before it is ready. */
const startTimeoutMs = { least: 20_000, eachKey: 500 };
const stopTimeoutMs = 5_000;
const nothing: Tally = { requests: 0, failed: 0 };

/** Consumer programs as processes of their own, as they would be in production. */
export async function startFleet(
  jobs: readonly ConsumerJob[],
  envOf: (job: ConsumerJob) => Readonly<Record<string, string>>,
): Promise<Fleet> {
  const ended: string[] = [];
  let isStopping = false;
  const latest = new Map<string, Tally>(jobs.map(({ consumer }) => [consumer, nothing]));
  const children = jobs.map((job) =>
    spawn(job, { env: envOf(job), onTally: (tally) => latest.set(job.consumer, tally) }),
  );
  await Promise.all(children.map(({ ready }) => ready));
  for (const [index, { child }] of children.entries()) {
    child.once("exit", (code, signal) => {
      if (!isStopping) ended.push(`${jobs[index]?.consumer} ended in the middle, with ${signal ?? code}`);
    });
  }
  return {
    tallies: () => latest,
    ended: () => ended,
    tally: () =>
      [...latest.values()].reduce(
        (sum, { requests, failed }) => ({
          requests: sum.requests + requests,
          failed: sum.failed + failed,
        }),
        nothing,
      ),
    stop: async () => {
      isStopping = true;
      await Promise.all(children.map(({ child }) => stop(child)));
    },
  };
}

interface Spawned {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
}

function spawn(
  job: ConsumerJob,
  { env, onTally }: { readonly env: Readonly<Record<string, string>>; onTally(tally: Tally): void },
): Spawned {
  const child = fork(fileURLToPath(new URL("./consumer.ts", import.meta.url)), {
    env: { ...process.env, ...env },
    execArgv: ["--no-warnings"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const ready = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`consumer ${job.consumer} did not start`)),
      startTimeoutMs.least + job.keys.length * startTimeoutMs.eachKey,
    );
    child.on("message", (message: Tally | { ready: true } | { error: string }) => {
      if ("error" in message) reject(new Error(`consumer ${job.consumer}: ${message.error}`));
      else if ("ready" in message) {
        clearTimeout(timer);
        resolve();
      } else onTally(message);
    });
    child.once("exit", (code) => reject(new Error(`consumer ${job.consumer} ended with ${code}`)));
  });
  child.send(job);
  return { child, ready };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || !child.connected) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.send("stop");
  const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
  await gone;
  clearTimeout(timer);
}
