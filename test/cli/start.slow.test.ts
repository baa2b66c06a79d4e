import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const start = fileURLToPath(new URL("../../local/start.ts", import.meta.url));

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
}, 120_000);
