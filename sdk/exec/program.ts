import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { HostFailure } from "../host/failure.ts";
import { canSeeProcesses, markName, type Processes, trackProcesses, trySignal } from "./processes.ts";

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** One start of the command. */
export interface Program {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  hasEnded(): boolean;
  /** Undefined where the system does not show what belongs to it. */
  readonly processes: Processes | undefined;
  /** Signals the command, and in a session of its own its whole group. */
  signal(signal: NodeJS.Signals): void;
}

interface Start {
  command: readonly string[];
  env: NodeJS.ProcessEnv;
  mark: string;
  ownSession: boolean;
}

/**
 * At a terminal the command has to share our group: only then do Ctrl-C and Ctrl-Z reach it, and may it read what is
 * typed. Elsewhere it leads a session, so that one signal reaches all of it.
 */
export function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r+"));
    return true;
  } catch {
    return false;
  }
}

export async function startProgram({ command, env, mark, ownSession }: Start): Promise<Program> {
  const [file = "", ...args] = command;
  const child = spawn(file, args, {
    stdio: "inherit",
    env: { ...env, [markName]: mark },
    detached: ownSession,
  });
  await started(child, file);
  const pid = child.pid ?? 0;
  const processes = canSeeProcesses() ? trackProcesses({ pid, mark, ownSession }) : undefined;
  const isEnded = () => child.exitCode !== null || child.signalCode !== null;
  return {
    pid,
    // Not `close`: that waits for every process which inherited the output.
    ended: new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal }))),
    hasEnded: isEnded,
    processes,
    signal(signal) {
      // Once the command has ended, its pid and its group's number may be somebody else's.
      if (isEnded()) processes?.signal(signal);
      else trySignal(ownSession ? -pid : pid, signal);
    },
  };
}

function started(child: ChildProcess, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", ({ code = "an error" }: NodeJS.ErrnoException) => {
      const exitCode = code === "ENOENT" ? 127 : 126;
      const why = code === "ENOENT" ? "is not found" : `cannot be run (${code})`;
      reject(new HostFailure(`the command ${file} ${why}`, { exitCode }));
    });
  });
}

interface Stop {
  stopSignal: NodeJS.Signals;
  graceMs: number;
}

const lookEveryMs = 50;
/** What SIGKILL does not end within this time hangs in the kernel, or is another user's. */
const killMaxMs = 5_000;

/** Ends the command and all that it started; answers with the pids of what could not be ended. */
export async function stopProgram(
  program: Program,
  { stopSignal, graceMs }: Stop,
): Promise<readonly number[]> {
  const left = () => remaining(program);
  program.signal(stopSignal);
  const untilMs = performance.now() + graceMs;
  let wasTold = false;
  while (left().length > 0 && performance.now() < untilMs) {
    // What left the group heard nothing yet. It is told only now, because the command may want to end it itself.
    if (program.hasEnded() && !wasTold) {
      wasTold = true;
      program.processes?.signal(stopSignal);
    }
    await pause(lookEveryMs);
  }
  const killUntilMs = performance.now() + killMaxMs;
  while (left().length > 0 && performance.now() < killUntilMs) {
    program.signal("SIGKILL");
    program.processes?.signal("SIGKILL");
    await pause(lookEveryMs);
  }
  return left();
}

/** The pids of everything that still may hold the key that this start of the command was given. */
export function remaining({ processes, hasEnded, pid }: Program): readonly number[] {
  if (processes) return processes.look().map((each) => each.pid);
  return hasEnded() ? [] : [pid];
}

/** Signals that would write our memory, and with it the key, into a core file. */
const dumping = /^SIG(QUIT|ILL|ABRT|FPE|SEGV|BUS|SYS|TRAP|XCPU|XFSZ)$/;

/** Ends this process the way its command ended, so that whoever started it sees the same. */
export function exitLike({ code, signal }: Ended): number {
  if (code !== null) return code;
  const number = signal === null ? 0 : constants.signals[signal];
  // The kernel does not let the first process of a container die of a signal that it sends itself.
  if (signal !== null && process.pid !== 1 && !dumping.test(signal)) {
    process.removeAllListeners(signal);
    trySignal(process.pid, signal);
  }
  return 128 + number;
}
