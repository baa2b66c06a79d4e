import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const start = `${root}local/start.ts`;

async function summaryOf(...args: readonly string[]) {
  const { stdout } = await run(process.execPath, ["--no-warnings", start, "--json", ...args]);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

test("npm start rotates a key under traffic, and no request fails", async () => {
  const summary = await summaryOf();

  expect(summary).toMatchObject({ type: "summary", outcome: "rotated", traffic: { failed: 0 } });
  expect(summary.retiring).toMatchObject({ dead: true });
  expect(summary.traffic.requests).toBeGreaterThan(500);
  expect(summary.audit.verified).toBe(true);
  expect(summary.consumers).toHaveLength(3);
}, 300_000);

test("npm start -- compromise --provider anthropic disables the leaked key, and ends it while a person supplies another", async () => {
  const summary = await summaryOf("compromise", "--provider", "anthropic");

  expect(summary).toMatchObject({ outcome: "contained", trouble: [], retiring: { dead: true } });
  const { detectedToQuarantineMs, detectedToRevokeMs, deadlineMs, reportPath } = summary.incident;
  expect(detectedToQuarantineMs).toBeGreaterThan(0);
  expect(detectedToRevokeMs).toBeGreaterThanOrEqual(detectedToQuarantineMs);
  expect(detectedToRevokeMs).toBeLessThan(deadlineMs);
  expect(reportPath).toEqual(expect.any(String));
  expect(summary.incoming.keyId).toEqual(expect.any(String));
}, 300_000);

/** What runs below a process, read once: its children, theirs, and so on. */
async function processesBelow(pid: number): Promise<readonly number[]> {
  const { stdout } = await run("ps", ["-eo", "pid=,ppid="]);
  const rows = stdout
    .trim()
    .split("\n")
    .map((row) => row.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] =>
    rows.flatMap(([child = 0, of]) => (of === parent ? [child, ...below(child)] : []));
  return below(pid);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function printed(child: ChildProcess, wanted: RegExp): Promise<void> {
  let text = "";
  return new Promise((resolve, reject) => {
    child.once("exit", () => reject(new Error(`it ended after: ${text}`)));
    child.stdout?.on("data", (chunk) => {
      text += chunk;
      if (wanted.test(text)) resolve();
    });
  });
}

test.each([
  ["SIGINT to it", [process.execPath, "--no-warnings", start], "SIGINT", 130],
  ["SIGTERM to it", [process.execPath, "--no-warnings", start], "SIGTERM", 143],
  ["SIGKILL to npm", ["npm", "start"], "SIGKILL", null],
] as const)(
  "%s ends a run that has consumers, and leaves no process and no folder",
  async (_, command, signal, code) => {
    const folder = mkdtempSync(join(tmpdir(), "start-"));
    const [file, ...args] = command;
    const child = spawn(file, args, {
      cwd: root,
      env: { ...process.env, TMPDIR: folder },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    await printed(child, /120 requests/);
    const pids = await processesBelow(child.pid ?? 0);
    expect(pids.length).toBeGreaterThanOrEqual(3);

    child.kill(signal);
    const [exitCode] = await once(child, "exit");

    expect(exitCode).toBe(code);
    await expectSoon(
      () =>
        pids.filter(isAlive).length === 0 && readdirSync(folder).every((name) => !name.startsWith("rekey-")),
    );
    expect(stderr.replace(/^npm .*$/gm, "").trim()).toBe("");
    rmSync(folder, { recursive: true });
  },
  120_000,
);

/** Starts it with a folder of its own for what it writes. */
function startIn(folder: string) {
  const child = spawn(process.execPath, ["--no-warnings", start], {
    cwd: root,
    env: { ...process.env, TMPDIR: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
  return { child, said: () => said };
}

test("SIGTERM while the cloud starts leaves no folder either", async () => {
  const folder = mkdtempSync(join(tmpdir(), "start-"));
  const { child, said } = startIn(folder);
  await expectSoon(() => readdirSync(folder).some((name) => name.startsWith("rekey-functions-")));

  child.kill("SIGTERM");
  const [exitCode] = await once(child, "exit");

  expect(exitCode).toBe(143);
  expect(said()).not.toContain("error");
  expect(readdirSync(folder).filter((name) => name.startsWith("rekey-"))).toEqual([]);
  rmSync(folder, { recursive: true });
}, 120_000);

test("a program that is killed in the middle fails the run, in words", async () => {
  const folder = mkdtempSync(join(tmpdir(), "start-"));
  const { child, said } = startIn(folder);
  await printed(child, /120 requests/);
  const [program = 0] = await consumersBelow(child.pid ?? 0);

  process.kill(program, "SIGKILL");
  const [exitCode] = await once(child, "exit");

  expect(exitCode).toBe(1);
  expect(said().replaceAll(/\s+/g, " ")).toMatch(
    /(?:billing|search|support) ended in the middle, with SIGKILL/,
  );
  rmSync(folder, { recursive: true });
}, 120_000);

async function consumersBelow(pid: number): Promise<readonly number[]> {
  const { stdout } = await run("ps", ["-eo", "pid=,ppid=,args="]);
  return stdout
    .split("\n")
    .filter((row) => row.includes("local/consumer.ts") && row.trim().split(/\s+/)[1] === String(pid))
    .map((row) => Number(row.trim().split(/\s+/)[0]));
}

test("where it cannot write it says where it wants to", async () => {
  const { child, said } = startIn(start);
  const [exitCode] = await once(child, "exit");
  expect(exitCode).toBe(1);
  expect(said().replaceAll(/\s+/g, " ")).toContain("or name another TMPDIR");
  expect(said()).not.toContain("    at ");
}, 60_000);

/** A killed parent is noticed within half a second; the bound is for a machine under load. */
async function expectSoon(isSo: () => boolean): Promise<void> {
  for (let poll = 0; poll < 300 && !isSo(); poll += 1)
    await new Promise((resolve) => setTimeout(resolve, 100));
  expect(isSo()).toBe(true);
}
