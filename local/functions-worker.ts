import { parentPort, workerData } from "node:worker_threads";
import type { Context } from "aws-lambda";
import type { Handler } from "../functions/step.ts";
import type { Answer, Call, Reply } from "./functions.ts";
import { leadToStandIns, type StandInHosts } from "./stand-in-hosts.ts";

interface Given {
  readonly module: string;
  readonly exported: string;
  readonly hosts: StandInHosts;
}

const { module, exported, hosts } = workerData as Given;
if (Object.keys(hosts).length > 0) leadToStandIns(hosts);
const loaded: Readonly<Record<string, Handler | undefined>> = await import(module);
const handler = loaded[exported];
if (handler === undefined) throw new Error(`${module} exports no ${exported}`);

async function answer(run: Handler, { id, event, context }: Call): Promise<Answer> {
  try {
    const deadlineMs = context.deadlineMs;
    const given = { ...context, getRemainingTimeInMillis: () => deadlineMs - Date.now() };
    return { id, result: JSON.stringify((await run(event, given as unknown as Context)) ?? null) };
  } catch (error) {
    const { name: type, message } =
      error instanceof Error ? error : new Error("a function threw what is no error");
    return { id, error: { name: type, message } };
  }
}

let spentMs = 0;

/** Of this thread since the last answer; before the first answer it started and loaded the bundle. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  const before = spentMs;
  spentMs = (user + system) / 1000;
  return spentMs - before;
}

parentPort?.on("message", (call: Call) => {
  answer(handler, call).then(
    (given) => parentPort?.postMessage({ ...given, cpuMs: cpuMs() } satisfies Reply),
    () => process.exit(1),
  );
});
