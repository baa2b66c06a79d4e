import { spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { usage } from "../host/failure.ts";

/** How to see that the command works again after a restart. */
export type ReadyCheck =
  | { kind: "lives" }
  | { kind: "http"; url: string }
  | { kind: "tcp"; host: string; port: number }
  | { kind: "exec"; command: string };

export function readyCheckFrom(text: string | undefined): ReadyCheck {
  if (text === undefined) return { kind: "lives" };
  if (/^https?:/.test(text) && URL.canParse(text)) return { kind: "http", url: text };
  const [, host = "", port = ""] = /^tcp:(\[[0-9a-f:]+]|[\w.-]+):(\d{1,5})$/i.exec(text) ?? [];
  if (host) return { kind: "tcp", host: host.replace(/^\[|]$/g, ""), port: Number(port) };
  const command = /^exec:(.+)$/s.exec(text)?.[1];
  if (command) return { kind: "exec", command };
  throw usage("--ready has to be an http address, tcp:HOST:PORT or exec:COMMAND");
}

/** A command that fails at once on its new key does so within this time. */
const livesMs = 3_000;
const pauseMs = 250;
const tryMaxMs = 10_000;

interface Waiting {
  /** For `exec`; without the key. */
  env: NodeJS.ProcessEnv;
  maxMs: number;
  /** Aborted when the command has ended, or when nobody needs the answer any more. */
  signal: AbortSignal;
}

/** True once the check passes; false when the time is over or the wait was ended. */
export async function isReady(check: ReadyCheck, { env, maxMs, signal }: Waiting): Promise<boolean> {
  const untilMs = performance.now() + maxMs;
  if (check.kind === "lives") return wait(livesMs, signal);
  while (!signal.aborted && performance.now() < untilMs) {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.min(tryMaxMs, maxMs))]);
    if (await passes(check, { env, limit })) return !signal.aborted;
    await wait(pauseMs, signal);
  }
  return false;
}

const wait = (ms: number, signal: AbortSignal): Promise<boolean> =>
  pause(ms, true, { signal }).catch(() => false);

type Try = { env: NodeJS.ProcessEnv; limit: AbortSignal };

async function passes(check: Exclude<ReadyCheck, { kind: "lives" }>, { env, limit }: Try): Promise<boolean> {
  if (check.kind === "http") {
    const response = await fetch(check.url, { signal: limit, redirect: "manual" }).catch(() => undefined);
    await response?.body?.cancel().catch(() => undefined);
    return response?.ok === true;
  }
  if (check.kind === "tcp") {
    const socket = connect({ host: check.host, port: check.port });
    return settled(
      limit,
      () => socket.destroy(),
      (done) => {
        socket.once("connect", () => done(true)).once("error", () => done(false));
      },
    );
  }
  const child = spawn("sh", ["-c", check.command], {
    env,
    stdio: "ignore",
    signal: limit,
    killSignal: "SIGKILL",
  });
  return settled(
    limit,
    () => child.kill("SIGKILL"),
    (done) => {
      child.once("exit", (code) => done(code === 0)).once("error", () => done(false));
    },
  );
}

function settled(limit: AbortSignal, end: () => void, listen: (done: (result: boolean) => void) => void) {
  return new Promise<boolean>((resolve) => {
    const done = (result: boolean): void => {
      resolve(result);
      end();
    };
    limit.addEventListener("abort", () => done(false), { once: true });
    listen(done);
  });
}
