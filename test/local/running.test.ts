import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nameRunning, runningCloud } from "../../local/running.ts";

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
