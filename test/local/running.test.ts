import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nameRunning, runningCloud } from "../../local/running.ts";
import { startLocalCloud } from "../../local/world.ts";

let file: string;

beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), "running-")), "local.json");
});

afterEach(() => rmSync(join(file, ".."), { recursive: true }));

test("a cloud that stays is found with its environment, until it forgets itself", () => {
  const forget = nameRunning({ AWS_REGION: "eu-west-1" }, file);

  expect(runningCloud(file)).toEqual({ pid: process.pid, env: { AWS_REGION: "eu-west-1" } });
  forget();
  expect(runningCloud(file)).toBeUndefined();
});

test("one that died without a word, or a broken file, is none", () => {
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  writeFileSync(file, JSON.stringify({ pid, env: {} }));
  expect(runningCloud(file)).toBeUndefined();

  writeFileSync(file, "{");
  expect(runningCloud(file)).toBeUndefined();
});

/** Takes a port for a moment: any free one, or the given one. */
async function takePort(wanted = 0): Promise<number> {
  const server = createServer().listen(wanted, "127.0.0.1");
  await once(server, "listening");
  const taken = server.address();
  server.close();
  await once(server, "close");
  return typeof taken === "object" && taken !== null ? taken.port : 0;
}

test("a cloud that fails to start closes its port", async () => {
  const port = await takePort();
  const alter = () => {
    throw new Error("planted");
  };

  await expect(startLocalCloud({ port, alter })).rejects.toThrow("planted");

  expect(await takePort(port)).toBe(port);
});
