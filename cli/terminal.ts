import { createReadStream, fsyncSync, openSync, writeSync } from "node:fs";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { clearScreenDown, moveCursor } from "node:readline";
import type { ReadStream, WriteStream } from "node:tty";
import { CliFailure, exitCodes, type Terminal } from "./command.ts";
import { noticeLines } from "./table.ts";

/** In bytes: four times the largest report. Enough to see that a file is too large. */
const fileMax = 64 * 1024 * 1024;
/** No provider's key is longer than this. */
const hiddenMax = 65_536;

/** The terminal of this process. */
export function processTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", endWithReader);
  return {
    isColoured: process.stderr.isTTY === true && (process.env["NO_COLOR"] ?? "") === "",
    width: process.stdout.isTTY ? process.stdout.columns : undefined,
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => {
      const columns = process.stderr.isTTY ? process.stderr.columns : undefined;
      for (const each of noticeLines(line, columns)) process.stderr.write(`${each}\n`);
    },
    redraw: process.stderr.isTTY ? redrawnOn(process.stderr) : undefined,
    readHidden: (prompt) => (process.stdin.isTTY ? typedHidden(process.stdin, prompt) : piped()),
    readFile: readText,
    writeNew,
    appendTo,
    nowMs: () => Date.now(),
    policyFilesIn,
  };
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, text, { flag: "wx", mode: 0o600 });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    const hint = code === "EEXIST" ? "name a new folder: nothing is overwritten" : "nothing was changed yet";
    throw new CliFailure(`cannot write ${path} (${code})`, { hint, exitCode: exitCodes.usage });
  }
}

function appendTo(path: string): (line: string) => void {
  const file = openSync(path, "a", 0o600);
  return (line) => {
    writeSync(file, `${line}\n`);
    fsyncSync(file);
  };
}

/** A screen that is too small shows the first lines: what is above its edge could not be drawn over. */
function redrawnOn(stream: WriteStream): (lines: readonly string[]) => void {
  let above = 0;
  return (lines) => {
    const { columns, rows } = stream;
    const rowsOf = (line: string) => Math.max(1, Math.ceil(line.length / columns));
    const shown: string[] = [];
    let height = 0;
    for (const line of lines) {
      if (height + rowsOf(line) >= rows) break;
      shown.push(line);
      height += rowsOf(line);
    }
    moveCursor(stream, 0, -above);
    clearScreenDown(stream);
    stream.write(shown.map((line) => `${line}\n`).join(""));
    above = height;
  };
}

/** `rekey … | head` closes the pipe when it has read enough: that is not an error. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit();
}

/** A folder of policies, not somebody's whole home directory. */
const depthMax = 8;
const filesMax = 1_000;

async function policyFilesIn(path: string): Promise<readonly string[] | undefined> {
  // A path that is not there is read as a file, which says so.
  const info = await stat(path).catch(() => undefined);
  if (info === undefined || !info.isDirectory()) return undefined;
  const found: string[] = [];
  await collect(path, { found, depth: 1 });
  return found;
}

async function collect(
  folder: string,
  { found, depth }: { readonly found: string[]; readonly depth: number },
): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
    const path = join(folder, entry.name);
    if (entry.isFile() && /\.ya?ml$/.test(entry.name)) found.push(path);
    if (entry.isDirectory() && depth < depthMax) await collect(path, { found, depth: depth + 1 });
    if (found.length > filesMax)
      throw new CliFailure(`${folder} has more than ${filesMax} files`, { exitCode: exitCodes.usage });
  }
}

/** Reads a file, or a pipe that looks like one. Input that is longer than the limit is refused. */
async function readText(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    bytes += chunk.length;
    if (bytes > fileMax)
      throw new CliFailure(`${path} has more than ${fileMax} bytes`, { exitCode: exitCodes.usage });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function piped(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) {
    text += chunk;
    if (text.length > hiddenMax) throw tooLong();
  }
  return text.replace(/\r?\n$/, "");
}

const enter = new Set(["\r", "\n", "\u0004"]);
const erase = new Set(["\u007f", "\b"]);
const interrupt = "\u0003";

/** Reads a line without showing it: a key on a screen stays in the scrollback. */
function typedHidden(input: ReadStream, prompt: string): Promise<string> {
  process.stderr.write(prompt);
  input.setRawMode(true);
  input.setEncoding("utf8");
  return new Promise((resolve, reject) => {
    let text = "";
    const onData = (data: string): void => {
      const typed = typedIn(text, data);
      text = typed.text;
      if (!typed.isOver) return;
      input.off("data", onData);
      input.setRawMode(false);
      input.pause();
      process.stderr.write("\n");
      if (typed.failure) reject(typed.failure);
      else resolve(text);
    };
    input.on("data", onData);
    input.resume();
  });
}

interface Typed {
  readonly text: string;
  readonly isOver: boolean;
  readonly failure?: CliFailure;
}

function typedIn(before: string, data: string): Typed {
  let text = before;
  for (const letter of data) {
    if (letter === interrupt)
      return { text: "", isOver: true, failure: new CliFailure("nothing was supplied") };
    if (enter.has(letter)) return { text, isOver: true };
    text = erase.has(letter) ? text.slice(0, -1) : text + letter;
    if (text.length > hiddenMax) return { text: "", isOver: true, failure: tooLong() };
  }
  return { text, isOver: false };
}

function tooLong(): CliFailure {
  return new CliFailure("that is too long for a key", { exitCode: exitCodes.usage });
}
