import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

/** What git knows of one file: its content's id, its path, and the commit that brought it. */
export interface Blob {
  readonly id: string;
  readonly path: string;
  readonly commit?: string;
}

const outputMax = 1024 * 1024 * 1024;

/** What git prints; undefined where it fails, for example outside a repository. */
export function git(args: readonly string[], folder: string): string | undefined {
  const { status, stdout } = spawnSync("git", ["-c", "core.quotepath=false", ...args], {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: outputMax,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return status === 0 ? stdout : undefined;
}

export function rootOf(folder: string): string | undefined {
  return git(["rev-parse", "--show-toplevel"], folder)?.trimEnd();
}

/** Tracked files, and those that the next `git add` would take, relative to `folder`. */
export function filesIn(folder: string): readonly string[] | undefined {
  return git(["ls-files", "--cached", "--others", "--exclude-standard", "-z"], folder)
    ?.split("\0")
    .slice(0, -1);
}

/** Each file as it is staged, not as it lies in the folder. */
export function stagedBlobs(root: string): readonly Blob[] | undefined {
  const raw = git(
    ["diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--diff-filter=AM"],
    root,
  );
  return raw === undefined ? undefined : blobsIn(raw);
}

/**
 * Every content that any branch or tag ever had, each once. With `since` (a commit, a range or a date) only what came after
 * it. Undefined if git does not know it.
 */
export function historyBlobs(root: string, since: string | undefined): readonly Blob[] | undefined {
  const which = since === undefined ? ["--all"] : revisionsSince(root, since);
  if (which === undefined) return undefined;
  const raw = git(
    [
      ...["log", ...which, "--raw", "-z", "--no-abbrev", "--no-renames", "--diff-filter=AM"],
      ...["--diff-merges=first-parent", "--format=%x01%H"],
    ],
    root,
  );
  if (raw === undefined) return undefined;
  const seen = new Set<string>();
  return blobsIn(raw).filter(({ id }) => !seen.has(id) && seen.add(id));
}

function revisionsSince(root: string, since: string): readonly string[] | undefined {
  if (since.startsWith("-")) return undefined;
  if (since.includes("..")) return [since];
  const isCommit = git(["rev-parse", "--verify", "--quiet", `${since}^{commit}`], root) !== undefined;
  if (isCommit) return ["--all", "--not", since];
  return isDate.test(since) ? ["--all", `--since=${since}`] : undefined;
}

/** Git takes any text for a date, a mistyped tag too, and then means now. */
const isDate =
  /^(?:\d{4}-\d{2}-\d{2}(?:[T ][\d:.+Z-]{1,30})?|\d{1,6}[. ](?:hour|day|week|month|year)s?(?:[. ]ago)?|yesterday)$/;

/** Git's raw form: `:modes ids status`, then the path, each ended by a zero byte; a commit's own line begins with \x01. */
function blobsIn(raw: string): readonly Blob[] {
  const parts = raw.split("\0");
  const found: Blob[] = [];
  let commit: string | undefined;
  for (let at = 0; at < parts.length; at += 1) {
    const part = (parts[at] ?? "").replace(/^\n/, "");
    if (part.startsWith("\x01")) {
      commit = part.slice(1, 41);
      continue;
    }
    const entry = /^:\d+ (\d+) [0-9a-f]+ ([0-9a-f]+) [AM]/.exec(part);
    if (entry === null) continue;
    at += 1;
    const [, mode = "", id = ""] = entry;
    // A submodule's entry names a commit of another repository.
    if (mode !== "160000") found.push({ id, path: parts[at] ?? "", ...(commit !== undefined && { commit }) });
  }
  return found;
}

/** Reads the contents in one process of git, in the order that was asked; a larger one than `bytesMax` has no bytes. */
export async function* contentsOf(
  blobs: readonly Blob[],
  { root, bytesMax }: { readonly root: string; readonly bytesMax: number },
): AsyncGenerator<{ readonly blob: Blob; readonly bytes: Buffer | undefined }> {
  const child = spawn("git", ["cat-file", "--batch", "--buffer"], {
    cwd: root,
    stdio: ["pipe", "pipe", "ignore"],
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(blobs.map(({ id }) => `${id}\n`).join(""));
  const input = new Reader(child.stdout);
  try {
    for (const blob of blobs) {
      const header = await input.line();
      if (header === undefined) break;
      const size = Number(/^[0-9a-f]+ blob (\d+)$/.exec(header)?.[1] ?? Number.NaN);
      if (Number.isNaN(size)) continue;
      const bytes = await input.bytes(size + 1, size <= bytesMax);
      yield { blob, bytes: bytes?.subarray(0, size) };
    }
  } finally {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
}

/** Takes lines and counted bytes off a stream. */
class Reader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async line(): Promise<string | undefined> {
    let end = this.#rest.indexOf(10);
    while (end < 0) {
      if (!(await this.#more())) return undefined;
      end = this.#rest.indexOf(10);
    }
    const line = this.#rest.toString("utf8", 0, end);
    this.#rest = this.#rest.subarray(end + 1);
    return line;
  }

  /** Undefined if they are not kept; then they pass without filling the memory. */
  async bytes(count: number, isKept: boolean): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    let left = count;
    while (left > 0) {
      if (this.#rest.length === 0 && !(await this.#more())) break;
      const part = this.#rest.subarray(0, left);
      if (isKept) parts.push(part);
      left -= part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    if (!isKept) return undefined;
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done) return false;
    this.#rest = this.#rest.length === 0 ? next.value : Buffer.concat([this.#rest, next.value]);
    return true;
  }
}
