import { spawn } from "node:child_process";
import { ignore } from "../client/errors.ts";

export interface Guard {
  /** The command's group, besides everything that has the mark. */
  watch(pid: number): void;
  /** Nothing has to end any more. */
  end(): void;
}

interface Guarded {
  /** In the environment of everything that has to end. */
  mark: string;
  /** A file or folder to remove; empty: none. */
  remove: string;
  graceMs: number;
  ownSession: boolean;
}

/**
 * A shell that waits for the end of its input, which comes when this process ends, even by SIGKILL. Then nobody would
 * report any more which key the command holds, so the command has to end, too, and the key's file with it.
 */
export function startGuard({ mark, remove, graceMs, ownSession }: Guarded, failed: () => void): Guard {
  const args = [mark, remove, String(Math.ceil(graceMs / 1_000)), ownSession ? "group" : "alone"];
  const shell = spawn("/bin/sh", ["-c", script, "rekey-guard", ...args], {
    stdio: ["pipe", "ignore", "ignore"],
    env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
    cwd: "/",
    // In a group of its own: a Ctrl-C is for the command.
    detached: true,
  });
  const input = shell.stdin;
  shell.on("error", failed);
  input.on("error", ignore);
  shell.unref();
  (input as unknown as { unref?(): void }).unref?.();
  return {
    watch: (pid) => void input.write(`${pid}\n`),
    end: () => void input.end("end\n"),
  };
}

/** Portable to dash and busybox. The mark finds what left the group, the group what wrote over its environment. */
const script = `
trap '' HUP INT QUIT TERM
mark=$1 remove=$2 grace=$3 how=$4 pid=
while read -r line; do pid=$line; done
[ -n "$remove" ] && rm -rf -- "$remove"
[ "$pid" = end ] && exit 0
all() {
  grep -ls "$mark" /proc/[0-9]*/environ 2>/dev/null | while IFS=/ read -r _ _ each _; do echo "$each"; done
  [ "$how" = group ] && [ -n "$pid" ] && echo "-$pid"
}
send() { for each in $(all); do kill -s "$1" -- "$each" 2>/dev/null; done; }
any() { for each in $(all); do kill -s 0 -- "$each" 2>/dev/null && return 0; done; return 1; }
send TERM
while [ "$grace" -gt 0 ] && any; do sleep 1; grace=$((grace - 1)); done
send KILL
`;
