import { closeSync, fstatSync, lstatSync, openSync, readdirSync, readSync } from "node:fs";
import { relative, resolve, sep } from "node:path";
import { envFileFindings } from "./env-files.ts";
import { codeOf } from "./failure.ts";
import { isMedia } from "./file-kinds.ts";
import { findIn } from "./find.ts";
import type { Finding } from "./finding.ts";
import { type Blob, contentsOf, filesIn, historyBlobs, rootOf, stagedBlobs } from "./git.ts";
import { archiveLimits, fileBytesMax, filesInBytes } from "./read.ts";

/** What to scan; paths in findings are relative to `folder`. */
export type Scope =
  | { readonly kind: "paths"; readonly folder: string; readonly paths: readonly string[] }
  | { readonly kind: "staged"; readonly folder: string }
  | { readonly kind: "history"; readonly folder: string; readonly since?: string };

export interface Scanned {
  readonly findings: readonly Finding[];
  readonly files: number;
  readonly bytes: number;
  /** Files that are too large or cannot be read, by path. */
  readonly skipped: readonly string[];
  /** Findings beyond the most that one scan keeps. */
  readonly more: number;
}

/** Why a scope cannot be scanned; the message is for the person who named it. */
export class ScopeUnknown extends Error {
  override readonly name = "ScopeUnknown";
}

const findingsMax = 5_000;
const filesMax = 2_000_000;

export async function scan(scope: Scope): Promise<Scanned> {
  switch (scope.kind) {
    case "paths":
      return scanPaths(scope);
    case "staged":
      return scanBlobs(scope.folder, (root) => stagedBlobs(root), "no repository is here");
    case "history": {
      const { folder, since } = scope;
      const why =
        since === undefined ? "no repository is here" : `git knows no commit, range or date ${since}`;
      return scanBlobs(folder, (root) => historyBlobs(root, since), why);
    }
  }
}

function scanPaths({ folder, paths }: Extract<Scope, { kind: "paths" }>): Scanned {
  const tally = new Tally();
  const limits = archiveLimits();
  const buffer = Buffer.allocUnsafe(readAhead);
  // The system looks each folder of a path up once more for each file, so a short path is opened faster.
  const before = folder === process.cwd() ? "" : `${folder}${sep}`;
  for (const path of chosen(folder, paths)) {
    if (isMedia(path)) continue;
    const bytes = bytesOf(before + path, buffer);
    if (bytes === "skipped") tally.skip(path);
    if (bytes === undefined || bytes === "skipped") continue;
    tally.read(bytes.length);
    const file = { path: sep === "/" ? path : path.replaceAll(sep, "/"), bytes };
    for (const each of filesInBytes(file, limits)) tally.add(findIn(each));
  }
  const root = paths.length === 0 ? rootOf(folder) : undefined;
  if (root !== undefined) tally.add(envFileFindings(root));
  return tally.result();
}

/** Without paths what git tracks or would take; a path that is named is read whole, ignored files too. */
function* chosen(folder: string, paths: readonly string[]): Generator<string> {
  if (paths.length === 0) yield* filesIn(folder) ?? walked(folder, folder);
  for (const path of paths) {
    const full = resolve(folder, path);
    const stat = lstatSync(full, { throwIfNoEntry: false });
    if (stat === undefined) throw new ScopeUnknown(`there is no ${path}`);
    if (stat.isDirectory()) yield* walked(folder, full);
    else yield relative(folder, full);
  }
}

const leftOut: ReadonlySet<string> = new Set([".git", "node_modules"]);

/** Links are not followed: one could lead out of the folder, or round in a circle. */
function* walked(folder: string, start: string): Generator<string> {
  const waiting = [relative(folder, start)];
  for (let seen = 0; waiting.length > 0 && seen < filesMax; ) {
    const here = waiting.pop() ?? "";
    const within = here === "" ? "" : `${here}${sep}`;
    for (const entry of readdirSync(`${folder}${sep}${here}`, { withFileTypes: true })) {
      seen += 1;
      if (entry.isFile()) yield within + entry.name;
      else if (entry.isDirectory() && !leftOut.has(entry.name)) waiting.push(within + entry.name);
    }
  }
}

/** Most files are smaller, and are read with one call. */
const readAhead = 256 * 1024;

/** Undefined for a file that has gone, and for a folder. The bytes are those of `buffer` until the next call. */
function bytesOf(path: string, buffer: Buffer): Buffer | "skipped" | undefined {
  const file = opened(path);
  if (typeof file !== "number") return file;
  try {
    const first = readSync(file, buffer, 0, buffer.length, 0);
    if (first < buffer.length) return buffer.subarray(0, first);
    const { size } = fstatSync(file);
    if (size > fileBytesMax) return "skipped";
    const target = Buffer.allocUnsafe(size);
    let length = buffer.copy(target);
    while (length < size) {
      const read = readSync(file, target, length, size - length, length);
      if (read === 0) break;
      length += read;
    }
    return target.subarray(0, length);
  } catch (error) {
    // A folder that stands in git's list, as a submodule does.
    if (codeOf(error) === "EISDIR") return undefined;
    throw error;
  } finally {
    closeSync(file);
  }
}

function opened(path: string): number | "skipped" | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "EISDIR" || code === "ELOOP") return undefined;
    if (code === "EACCES" || code === "EPERM") return "skipped";
    throw error;
  }
}

async function scanBlobs(
  folder: string,
  blobsOf: (root: string) => readonly Blob[] | undefined,
  why: string,
): Promise<Scanned> {
  const root = rootOf(folder);
  const blobs = root === undefined ? undefined : blobsOf(root);
  if (root === undefined || blobs === undefined) throw new ScopeUnknown(why);
  const tally = new Tally();
  const limits = archiveLimits();
  const wanted = blobs.filter(({ path }) => !isMedia(path));
  for await (const { blob, bytes } of contentsOf(wanted, { root, bytesMax: fileBytesMax })) {
    if (bytes === undefined) {
      tally.skip(blob.path);
      continue;
    }
    tally.read(bytes.length);
    const { path, commit } = blob;
    for (const each of filesInBytes({ path, bytes, ...(commit !== undefined && { commit }) }, limits))
      tally.add(findIn(each));
  }
  return tally.result();
}

class Tally {
  readonly #findings: Finding[] = [];
  readonly #skipped: string[] = [];
  #files = 0;
  #bytes = 0;
  #more = 0;

  read(bytes: number): void {
    this.#files += 1;
    this.#bytes += bytes;
  }

  skip(path: string): void {
    this.#skipped.push(path);
  }

  add(findings: readonly Finding[]): void {
    for (const finding of findings) {
      if (this.#findings.length < findingsMax) this.#findings.push(finding);
      else this.#more += 1;
    }
  }

  result(): Scanned {
    const [findings, skipped] = [this.#findings, this.#skipped];
    return { findings, skipped, files: this.#files, bytes: this.#bytes, more: this.#more };
  }
}
