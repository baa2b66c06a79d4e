import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** How another terminal reaches the local cloud that `npm start -- --stay` keeps. */
export interface Running {
  readonly pid: number;
  readonly env: Readonly<Record<string, string>>;
}

const folder = new URL("../.rekey/", import.meta.url);
const defaultFile = fileURLToPath(new URL("local.json", folder));

/** Says where the cloud is; the answer takes that back. Of several clouds the one that started last is named. */
export function nameRunning(env: Running["env"], file = defaultFile): () => void {
  const running: Running = { pid: process.pid, env };
  mkdirSync(new URL(folder), { recursive: true });
  writeFileSync(file, JSON.stringify(running), { mode: 0o600 });
  return () => {
    if (runningCloud(file)?.pid === process.pid) rmSync(file);
  };
}

/** Undefined where none runs, or the one that did died without a word. */
export function runningCloud(file = defaultFile): Running | undefined {
  try {
    const running = JSON.parse(readFileSync(file, "utf8")) as Running;
    process.kill(running.pid, 0);
    return running;
  } catch (error) {
    const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
    if (code === "ENOENT" || code === "ESRCH" || name === "SyntaxError") return undefined;
    throw error;
  }
}
