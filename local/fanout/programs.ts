import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Tally } from "../consumer.ts";
import type { PreparedWorld } from "../demonstration.ts";
import { environment } from "../world.ts";
import { type ProgramTally, type Restarts, restartsIn, sumOf } from "./tally.ts";

const rekey = fileURLToPath(new URL("../../bin/rekey.mjs", import.meta.url));
const program = fileURLToPath(new URL("./program.ts", import.meta.url));
const startMaxMs = 30_000;
const stopMaxMs = 5_000;

export interface Programs {
  tally(): Tally;
  /** How the hosts of the program under `rekey exec` restarted. */
  restarts(): Restarts;
  stop(): Promise<void>;
}

/** What runs under `rekey exec`, once on each of these hosts, which know nothing of each other. */
const execHosts = ["host-1", "host-2", "host-3"];

/** The consumers in `rekey.yml` that stand for two programs which nobody can change. */
export const programConsumers = { exec: "worker", agent: "gateway" } as const;
export const programInstances = { exec: execHosts.length, agent: 1 } as const;

/**
 * One program under `rekey exec` on three hosts, and one behind `rekey agent`, as processes with a consumer's
 * credentials. Who restarts next is decided by the permits that Rekey gives.
 */
export async function startPrograms(
  { cloud, secretArn, call }: PreparedWorld,
  env: Readonly<Record<string, string>>,
): Promise<Programs> {
  const folder = mkdtempSync(join(tmpdir(), "rekey-programs-"));
  const children: ChildProcess[] = [];
  const run = (name: string, args: readonly string[]) => {
    const own = { ...process.env, ...cloud.consumerEnv(name), ...env, REKEY_CONSUMER: name };
    const child = spawn(process.execPath, ["--no-warnings", ...args], {
      env: own,
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    return child;
  };
  const common = [
    ...["--secret", secretArn, "--environment", environment],
    ...["--report-bus", `rekey-reports-${environment}`, "--refresh", "1s", "--max-stale", "20s"],
  ];
  const tokenFile = join(folder, "token");
  const served = run(programConsumers.agent, [
    ...[rekey, "agent", ...common, "--port", "0", "--token-file", tokenFile],
  ]);
  const port = await portOf(served);
  const jobFor = (host: string, agent?: object) =>
    JSON.stringify({ call, host, tallyFolder: folder, ...(agent && { agent }) });
  run(programConsumers.agent, [program, jobFor("gateway", { port, tokenFile, secret: secretArn })]);
  const permits = cloud.outputs["PermitUrl"] ?? "";
  for (const host of execHosts)
    run(programConsumers.exec, [
      ...[rekey, "exec", ...common, "--env", "OPENAI_API_KEY", "--instance", host],
      ...["--permit-url", permits, "--ready", `exec:test -e '${join(folder, host)}.serving'`],
      ...["--", process.execPath, "--no-warnings", program, jobFor(host)],
    ]);
  return {
    tally: () => sumOf(tallied(folder)),
    restarts: () => restartsIn(tallied(folder), execHosts),
    async stop() {
      await Promise.all(children.map(stop));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Each start of a program has a file of its own. */
function tallied(folder: string): readonly ProgramTally[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return files.flatMap((name) => parsed(readFileSync(join(folder, name), "utf8")));
}

/** One that is being written may be empty for a moment. */
function parsed(text: string): readonly ProgramTally[] {
  return text === "" ? [] : [JSON.parse(text) as ProgramTally];
}

async function portOf(child: ChildProcess): Promise<number> {
  let out = "";
  child.stdout?.on("data", (text) => {
    out += String(text);
  });
  for (const untilMs = Date.now() + startMaxMs; Date.now() < untilMs; await pause(50)) {
    const port = /"port":(\d+)/.exec(out)?.[1];
    if (port !== undefined) return Number(port);
    if (child.exitCode !== null) break;
  }
  throw new Error("rekey agent did not start");
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), stopMaxMs);
  await gone;
  clearTimeout(timer);
}
