import { readdirSync, readFileSync } from "node:fs";

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Together with the pid it means one process for ever: pids are used again. */
  readonly id: string;
}

/** Whether this system shows processes the way that is needed here. */
export const canSeeProcesses = (): boolean => statOf(process.pid) !== undefined;

/** The variable by which everything that a command starts is found again; its value is random and opens nothing. */
export const markName = "REKEY_RUN";

interface Root {
  readonly pid: number;
  /** The mark in the environment of the command and of all that it starts. */
  readonly mark: string;
  /** True if the command leads a session of its own. */
  readonly ownSession: boolean;
}

/**
 * A command and all that it started. A process belongs to it by its parent, its group, its session or the mark in its
 * environment, and stays known once it was seen: a grandchild may leave group and session, lose its parent, or write
 * over its environment, but hardly all of these before anybody looks.
 */
export function trackProcesses({ pid, mark, ownSession }: Root) {
  const known = new Set<string>();
  const strangers = new Set<string>();

  const hasMark = (each: Process): boolean => {
    if (strangers.has(each.id)) return false;
    try {
      if (readFileSync(`/proc/${each.pid}/environ`, "latin1").includes(mark)) return true;
    } catch {
      // Another user's, or gone: what is left to judge it by are its parent, group and session.
    }
    strangers.add(each.id);
    return false;
  };

  const look = (): readonly Process[] => {
    const all = allProcesses().filter((each) => each.pid !== process.pid);
    const ids = new Set(all.map(({ id }) => id));
    for (const set of [known, strangers]) for (const id of set) if (!ids.has(id)) set.delete(id);
    const inSession = (each: Process) => ownSession && (each.group === pid || each.session === pid);
    const members = new Map<number, Process>();
    const add = (each: Process): void => {
      members.set(each.pid, each);
      known.add(each.id);
    };
    for (const each of all)
      if (each.pid === pid || known.has(each.id) || inSession(each) || hasMark(each)) add(each);
    // A child may stand before its parent in the list.
    for (let before = -1; before !== members.size; ) {
      before = members.size;
      for (const each of all) if (!members.has(each.pid) && members.has(each.parent)) add(each);
    }
    return [...members.values()];
  };

  return {
    look,
    /** Signals everything that is alive, or everything but `except`; what is not ours to signal stays. */
    signal(signal: NodeJS.Signals, except?: number): void {
      for (const each of look()) if (each.pid !== except) trySignal(each.pid, signal);
    },
  };
}

export type Processes = ReturnType<typeof trackProcesses>;

/** False where there is no such process, or it belongs to somebody else. */
export function trySignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Those that run: a zombie holds no key, and waits only for its parent. */
function allProcesses(): readonly Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? []);
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html; the name in parentheses may contain anything. */
function statOf(pid: number): Process | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const [state = "", parent, group, session] = fields;
    if (/[ZX]/i.test(state)) return undefined;
    const [start = ""] = fields.slice(19);
    return {
      pid,
      parent: Number(parent),
      group: Number(group),
      session: Number(session),
      id: `${pid}@${start}`,
    };
  } catch {
    return undefined;
  }
}
