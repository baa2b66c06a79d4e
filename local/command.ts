import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Principal } from "./people.ts";
import type { LocalCloud } from "./world.ts";

const run = promisify(execFile);

/** A preview of a thousand keys is long. */
const printedBytesMax = 16 * 1024 * 1024;

interface Person {
  readonly as?: Principal;
  readonly input?: string;
}

/** Runs `rekey` as a person, who is the operator if nobody else is named, and gives what it printed. */
export async function rekey(
  cloud: LocalCloud,
  args: readonly string[],
  { as = "operator", input }: Person = {},
): Promise<string> {
  const file = fileURLToPath(new URL("../bin/rekey.mjs", import.meta.url));
  const env = { ...process.env, ...cloud.env(as), NO_COLOR: "1" };
  const running = run(process.execPath, ["--no-warnings", file, ...args], {
    env,
    maxBuffer: printedBytesMax,
  });
  running.child.stdin?.end(input);
  const { stdout } = await running.catch((error: unknown) => {
    throw new Error(`rekey ${args.join(" ")}: ${saidIn(error)}`);
  });
  return stdout;
}

const saidMax = 2_000;

/** What the command printed, which says more than its exit code. */
function saidIn(error: unknown): string {
  const { stdout = "", stderr = "" } = error as { readonly stdout?: string; readonly stderr?: string };
  const said = `${stderr}${stdout}`.trim();
  return said === "" ? String(error) : said.slice(-saidMax);
}
