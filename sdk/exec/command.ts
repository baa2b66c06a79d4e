import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Environment } from "../client/credentials.ts";
import type { LogLine } from "../client/index.ts";
import { createInstance } from "../client/instance.ts";
import type { Manual } from "../host/arguments.ts";
import { HostFailure, unreadable } from "../host/failure.ts";
import { hostTransport } from "../host/transport.ts";
import { environmentFor } from "./environment.ts";
import { type Guard, startGuard } from "./guard.ts";
import { type HeldKey, openKey } from "./held-key.ts";
import { type KeyFile, keyFileAt } from "./key-file.ts";
import { createPermits } from "./permit.ts";
import { canSeeProcesses } from "./processes.ts";
import { exitLike, hasTerminal, startProgram } from "./program.ts";
import { isReady } from "./ready.ts";
import { type ExecSettings, execOptions, settingsFrom } from "./settings.ts";
import { Supervisor } from "./supervisor.ts";

export const execManual: Manual = {
  usage: "exec --secret ARN[#FIELD] --consumer NAME [options] -- command [arguments]",
  says:
    "Runs a command with a key, restarts it when the key is rotated, and reports which key it was started with. " +
    "The command finds the path of a file with the key in the variable KEY_FILE. Its exit code is passed on; " +
    "125 is rekey's own failure, 126 and 127 say that the command cannot be run or is not found, " +
    "75 that its key could not be confirmed for too long.",
  table: execOptions,
};

/** What cannot start exits as other wrappers (env, nohup, docker run) do. */
const ownFailure = 125;
/** The last report gets this long: nobody who stops a service waits for a bus that hangs. */
const farewellMaxMs = 2_000;

/** Runs the command to its end and answers with the exit code. */
export async function runExec(args: readonly string[], env: Environment): Promise<number> {
  const settings = parsed(args, env);
  const log = (text: string): void => console.error(`rekey: ${text}`);
  if (settings.reportBus && !canSeeProcesses()) {
    throw new HostFailure("this system has no /proc, so nobody can see whether an earlier start has ended", {
      hint: "leave out --report-bus here: without it nothing is reported",
      exitCode: ownFailure,
    });
  }
  const ownSession = !hasTerminal();
  // Before anything is started: a child inherits whether a signal is ignored.
  const arrived: NodeJS.Signals[] = [];
  let forward = (signal: NodeJS.Signals): void => void arrived.push(signal);
  const release = listen((signal) => forward(signal), { ownSession });
  const instance = createInstance({ instance: settings.instance });
  const key = await open(settings, { env, instance: instance(), log });
  const place = keyPlace(settings, { env, key });
  const mark = `rekey-${randomBytes(12).toString("hex")}`;
  const { graceMs } = settings;
  const guard = startGuard({ mark, remove: place.remove, graceMs, ownSession }, () =>
    log("there is no /bin/sh here: if rekey is killed, the command lives on"),
  );
  const supervisor = new Supervisor({
    ...{ settings, key, log, place: place.write },
    permits: createPermits({
      ...{ env, log, fetch: globalThis.fetch, random: Math.random, instance: instance() },
      ...{ url: settings.permitUrl, maxMs: settings.permitMaxMs, withoutPermit: settings.withoutPermit },
      ...{ consumer: settings.consumer, spreadMs: settings.spreadMs },
    }),
    async start() {
      const program = await startProgram({ ...place.program(), mark, ownSession });
      guard.watch(program.pid);
      return program;
    },
    isReady: (maxMs, signal) =>
      isReady(settings.ready, { env: environmentFor(env, settings), maxMs, signal }),
  });
  try {
    const [early] = arrived;
    if (early) {
      leave(place, guard);
      release();
      return exitLike({ code: null, signal: early });
    }
    await supervisor.begin();
    forward = (signal) => supervisor.forward(signal);
    for (const signal of arrived) forward(signal);
    const result = await supervisor.ended;
    await farewell(key, supervisor, log);
    release();
    leave(place, guard);
    return exitLike(result);
  } finally {
    leave(place, guard);
    key.close();
  }
}

function leave(place: Place, guard: Guard): void {
  guard.end();
  place.clear();
}

/** Says that this instance has ended, but only if everything that had its key has. */
async function farewell(key: HeldKey, supervisor: Supervisor, log: (text: string) => void): Promise<void> {
  const left = supervisor.leftBehind();
  if (left.length > 0)
    log(`${left.join(", ")} still run with the key: this instance is not reported as ended`);
  else key.tellEnd();
  const limit = pause(farewellMaxMs, undefined, { ref: false });
  await Promise.race([Promise.all([supervisor.settled(), key.flush()]), limit]);
}

function parsed(args: readonly string[], env: Environment): ExecSettings {
  try {
    return settingsFrom(args, env);
  } catch (error) {
    if (!(error instanceof HostFailure)) throw error;
    const { message, hint } = error;
    throw new HostFailure(message, { ...(hint !== undefined && { hint }), exitCode: ownFailure });
  }
}

interface World {
  env: Environment;
  instance: string;
  log(text: string): void;
}

async function open(settings: ExecSettings, { env, instance, log }: World): Promise<HeldKey> {
  const [name = "", startId = ""] = instance.split("/");
  const { consumer, environment, reportBus, refreshEveryMs, maxStaleMs } = settings;
  const transport = hostTransport(env);
  const client = { consumer, environment, reportBus, refreshEveryMs, maxStaleMs, env, transport };
  let isOpen = false;
  // A failure to open it ends the start, and is said there.
  const say = ({ event, secret, detail }: LogLine): void => {
    if (isOpen) log(`${event} ${secret} ${detail}`);
  };
  try {
    const key = await openKey({ ...client, instance: name, startId, log: say }, settings.secret);
    isOpen = true;
    return key;
  } catch (error) {
    throw unreadable(settings.secret.secret, error, ownFailure);
  }
}

interface Place {
  /** What the guard removes. */
  remove: string;
  write(): void;
  clear(): void;
  program(): { command: readonly string[]; env: NodeJS.ProcessEnv };
}

/** Where the key goes: into a file, whose path the command is told, or into one of its variables. */
function keyPlace(settings: ExecSettings, { env, key }: Pick<World, "env"> & { key: HeldKey }): Place {
  const { delivery, command } = settings;
  const inherited = environmentFor(env, settings);
  if (delivery.kind === "env") {
    const program = () => ({ command, env: { ...inherited, [delivery.name]: key.text() } });
    return { remove: "", write: () => undefined, clear: () => undefined, program };
  }
  const file: KeyFile = keyFileAt({ ...delivery, env });
  const told = command.map((part) => part.replaceAll("{file}", file.path));
  return {
    remove: file.whole,
    write: () => file.write(key.text()),
    clear: () => file.clear(),
    program: () => ({ command: told, env: { ...inherited, [delivery.variable]: file.path } }),
  };
}

interface Listening {
  ownSession: boolean;
}

const forwarded: readonly NodeJS.Signals[] = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCONT"];
/** The terminal sends these to the command itself, and a second one would mean "at once" to many programs. */
const fromTerminal: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT"];

/** Answers how to stop listening. */
function listen(pass: (signal: NodeJS.Signals) => void, { ownSession }: Listening): () => void {
  const listeners = new Map<NodeJS.Signals, () => void>();
  for (const signal of forwarded) listeners.set(signal, () => pass(signal));
  for (const signal of fromTerminal) listeners.set(signal, () => ownSession && pass(signal));
  // At a terminal the kernel stops the whole group, this process included.
  if (ownSession) {
    listeners.set("SIGTSTP", () => {
      // The kernel drops SIGTSTP in a session without a terminal.
      pass("SIGSTOP");
      process.kill(process.pid, "SIGSTOP");
    });
  }
  for (const [signal, run] of listeners) process.on(signal, run);
  return () => {
    for (const [signal, run] of listeners) process.off(signal, run);
  };
}
