import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
/** A slow machine is no failure, a hang is. */
export const timeoutMs = 1_200_000;

/** What one of the simulator's commands sums up, in a process of its own: there it uses all cores. */
export async function lastLine(script: string, flags: readonly string[]): Promise<Record<string, unknown>> {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const { stdout } = await run(process.execPath, ["--no-warnings", file, "--json", ...flags], {
    timeout: timeoutMs,
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}
