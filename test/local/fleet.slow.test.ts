import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const start = fileURLToPath(new URL("../../local/start.ts", import.meta.url));

test("npm start -- fleet takes secrets on, rotates all at one instant, and parks exactly those of the failing account", async () => {
  const args = ["--no-warnings", start, "fleet", "--json", "--keys", "12"];
  const { stdout, stderr } = await run(process.execPath, args);
  const summary = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");

  expect(summary).toEqual({
    ...{ type: "fleet", secrets: 12, rotated: 10, parked: 2, failedRequests: 0, strays: 0, overBudget: 0 },
    ...{ ms: expect.any(Number), maxRssMb: expect.any(Number) },
  });
  expect(stderr).toContain("everything is stopped");
}, 900_000);
