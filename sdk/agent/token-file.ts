import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { HostFailure } from "../host/failure.ts";

interface TokenFile {
  path: string;
  /** A group whose members may read the file, by name or number; without it only its owner may. */
  group: string | undefined;
}

const tokenLooks = /^[0-9a-f]{64}$/;

/**
 * What callers have to send, in a file that only the owner (0400), or one group (0440), can read. A token that is
 * there already is kept, so that programs that have read it go on working when the agent is restarted.
 */
export function readOrMakeToken({ path, group }: TokenFile): string {
  const fail = (message: string, hint: string) => new HostFailure(message, { hint, exitCode: 1 });
  const gid = group === undefined ? undefined : gidOf(group);
  if (Number.isNaN(gid)) throw fail(`there is no group ${group}`, "create it, or give its number");
  const mode = gid === undefined ? 0o400 : 0o440;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: gid === undefined ? 0o700 : 0o750 });
    const folder = statSync(dirname(path));
    if (folder.mode & 0o022 && !(folder.mode & 0o1000)) {
      throw fail(
        `others may replace files in ${dirname(path)}`,
        "choose a folder that only its owner may change",
      );
    }
    const kept = keptToken(path, mode);
    if (kept) return kept;
    const token = randomBytes(32).toString("hex");
    const beside = `${path}.${randomBytes(6).toString("hex")}`;
    try {
      writeFileSync(beside, token, { flag: "wx", mode: 0o600 });
      if (gid !== undefined) chownSync(beside, process.getuid?.() ?? -1, gid);
      chmodSync(beside, mode);
      renameSync(beside, path);
    } finally {
      rmSync(beside, { force: true });
    }
    return token;
  } catch (error) {
    if (error instanceof HostFailure) throw error;
    const { code = "an error" } = error as NodeJS.ErrnoException;
    throw fail(`the token file ${path} could not be written (${code})`, "name another one with --token-file");
  }
}

/** The token of an earlier start, if nobody but us can have written or read it. */
function keptToken(path: string, mode: number): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found?.isFile() || found.uid !== process.getuid?.() || (found.mode & 0o777) !== mode) return undefined;
  const text = readFileSync(path, "utf8");
  return tokenLooks.test(text) ? text : undefined;
}

function gidOf(group: string): number {
  if (/^\d{1,9}$/.test(group)) return Number(group);
  const line = readFileSync("/etc/group", "utf8")
    .split("\n")
    .find((each) => each.startsWith(`${group}:`));
  return Number(line?.split(":")[2] ?? Number.NaN);
}
