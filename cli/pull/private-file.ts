import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

const ownerOnly = 0o600;
const bytesMax = 1024 * 1024;
const gitTimeoutMs = 5_000;

/** The file as it is; undefined if there is none. */
export async function readPrivate(path: string): Promise<string | undefined> {
  try {
    const text = await readFile(path, "utf8");
    return text.length > bytesMax ? "" : text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Whole or not at all, and at no time readable by others: also where a file with other rights was there before. */
export async function writePrivate(path: string, text: string): Promise<void> {
  const whole = resolve(path);
  const beside = join(dirname(whole), `.${basename(whole)}.${randomUUID()}`);
  const handle = await open(beside, "wx", ownerOnly);
  try {
    await handle.writeFile(text);
    await handle.chmod(ownerOnly); // the umask may have taken rights of the owner
    await handle.sync();
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await rename(beside, whole);
}

/**
 * Whether git would take this file into a commit: it is in a work tree, and either followed already or not ignored.
 * Without git, or outside a work tree, nobody commits it.
 */
export function isForGit(path: string): boolean {
  const whole = resolve(path);
  const git = (...args: readonly string[]) =>
    spawnSync("git", args, {
      cwd: dirname(whole),
      timeout: gitTimeoutMs,
      stdio: ["ignore", "pipe", "ignore"],
    });
  if (git("rev-parse", "--is-inside-work-tree").stdout?.toString().trim() !== "true") return false;
  return git("check-ignore", "--quiet", "--", basename(whole)).status !== 0;
}
