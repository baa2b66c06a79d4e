import { randomBytes } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Environment } from "../client/credentials.ts";
import { HostFailure } from "../host/failure.ts";

export interface KeyFile {
  readonly path: string;
  /** Replaces the content at one instant: a reader sees the one key or the other. */
  write(key: string): void;
  /** The file, or the folder that is only its. */
  readonly whole: string;
  clear(): void;
}

interface Place {
  path: string | undefined;
  mayBeOnDisk: boolean;
  env: Environment;
}

/** Of tmpfs and of ramfs, as statfs(2) says them. */
const memoryTypes: readonly number[] = [0x01021994, 0x858458f6];
const wrong = 125;

/** The key's place, in memory unless a disk was allowed: what was deleted from a disk can be found again. */
export function keyFileAt({ path, mayBeOnDisk, env }: Place): KeyFile {
  if (path === undefined) {
    const folder = ownFolder(env);
    return fileIn(join(folder, "key"), folder);
  }
  const whole = resolve(path);
  if (!mayBeOnDisk && !isInMemory(dirname(whole))) {
    const hint = "choose a place such as /dev/shm or /run/user/…, or allow it with --on-disk";
    throw new HostFailure(`${dirname(whole)} is not in memory (tmpfs)`, { hint, exitCode: wrong });
  }
  if (lstatSync(whole, { throwIfNoEntry: false })?.isFile() === false) {
    throw new HostFailure(`${whole} is no plain file`, { hint: "name a file with --file", exitCode: wrong });
  }
  return fileIn(whole, whole);
}

function fileIn(path: string, whole: string): KeyFile {
  return {
    path,
    whole,
    clear: () => rmSync(whole, { recursive: true, force: true }),
    write(key) {
      const beside = `${path}.${randomBytes(6).toString("hex")}`;
      try {
        const file = openSync(beside, "wx", 0o600);
        try {
          writeSync(file, key);
          fchmodSync(file, 0o400);
          fsyncSync(file);
        } finally {
          closeSync(file);
        }
        renameSync(beside, path);
      } catch (error) {
        rmSync(beside, { force: true });
        const { code = "an error" } = error as NodeJS.ErrnoException;
        throw new HostFailure(`the key's file ${path} could not be written (${code})`, {
          hint: "name a place that this user may write with --file",
          exitCode: wrong,
        });
      }
    },
  };
}

/** A folder of its own, 0700, so that nobody else can even see the file's name. */
function ownFolder(env: Environment): string {
  const places = [env["RUNTIME_DIRECTORY"], env["XDG_RUNTIME_DIR"], "/dev/shm", "/run"];
  const place = places.find((each) => each && isInMemory(each) && isWritable(each));
  if (place) return mkdtempSync(join(place, "rekey-"));
  throw new HostFailure("no folder in memory (tmpfs) was found for the key's file", {
    hint: "mount one and name a file in it with --file, or allow a disk with --file PATH --on-disk",
    exitCode: wrong,
  });
}

function isInMemory(folder: string): boolean {
  try {
    return memoryTypes.includes(statfsSync(folder).type);
  } catch {
    return false;
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
