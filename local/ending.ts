import { readFileSync } from "node:fs";
import type { Screen } from "./screen.ts";

/** Ends a run when the terminal, the caller or the parent says so, so that no process and no folder is left. */
export interface Ending {
  /** True once somebody asked: whatever fails from then on fails because of that. */
  readonly hasBegun: boolean;
  /** Something to undo at the end; what came last is undone first. */
  before(undo: () => Promise<void>): void;
  /** From now on being told to end is how this run is meant to end. */
  isWanted(): void;
}

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type Signal = keyof typeof exitCodes;

/** Longer than the consumers and the cloud take; what hangs is left to the end of the process. */
const undoMaxMs = 8_000;
const parentCheckMs = 500;
const repeatMs = 1_000;

export function endOnSignal(shown: Screen): Ending {
  const undos: (() => Promise<void>)[] = [];
  let hasBegun = false;
  let begunAtMs = 0;
  let isWanted = false;

  const end = (signal: Signal): void => {
    if (hasBegun) {
      // One ctrl-c arrives twice, from the terminal and from npm; a later one comes from somebody in a hurry.
      if (Date.now() - begunAtMs > repeatMs) process.exit(exitCodes[signal]);
      return;
    }
    hasBegun = true;
    begunAtMs = Date.now();
    shown.say("ending");
    const undone = undos.reverse().reduce((before, undo) => before.then(undo), Promise.resolve());
    const late = new Promise((resolve) => setTimeout(resolve, undoMaxMs));
    Promise.race([undone, late]).then(
      () => process.exit(isWanted ? 0 : exitCodes[signal]),
      () => process.exit(1),
    );
  };

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => end(signal));
  const endUnheard = () => {
    if (!hasBegun) end("SIGHUP");
  };
  for (const stream of [process.stdout, process.stderr]) stream.on("error", endUnheard);
  endWithNpm(() => end("SIGTERM"));
  return {
    get hasBegun() {
      return hasBegun;
    },
    before: (undo) => void undos.push(undo),
    isWanted: () => {
      isWanted = true;
    },
  };
}

/** npm that is killed outright tells its script nothing; the script, or the shell between them, is an orphan then. */
function endWithNpm(end: () => void): void {
  if (process.env["npm_lifecycle_event"] === undefined) return;
  const parents = ancestors();
  const timer = setInterval(() => {
    if (ancestors() === parents) return;
    clearInterval(timer);
    end();
  }, parentCheckMs);
  timer.unref();
}

/** The parent and its own parent: on Linux npm's shell stays between npm and the script. */
function ancestors(): string {
  const { ppid } = process;
  try {
    // "pid (name) state ppid …", and the name may hold blanks and brackets.
    const [, above] = readFileSync(`/proc/${ppid}/stat`, "utf8").split(/\) \w /);
    return `${ppid} ${above?.split(" ")[0]}`;
  } catch {
    return `${ppid}`;
  }
}
