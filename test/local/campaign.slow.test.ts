import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const start = fileURLToPath(new URL("../../local/start.ts", import.meta.url));

test("npm start -- campaign contains every key in waves, within budgets, and no request of a consumer fails", async () => {
  const { stdout } = await run(process.execPath, [
    "--no-warnings",
    start,
    "campaign",
    "--json",
    "--keys",
    "12",
  ]);
  const summary = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");

  expect(summary).toEqual({
    ...{ type: "campaign", keys: 12, contained: 12, replaced: 11, needPeople: 1, deadlineMs: 900_000 },
    ...{ lastContainedMs: expect.any(Number), failedRequests: 0, overBudget: 0 },
  });
  expect(summary.lastContainedMs).toBeLessThan(summary.deadlineMs);
}, 400_000);

test.each([
  [["campaign", "--keys", "5"], "5 is no number of keys"],
  [["compromise", "--keys", "50"], "--keys is for `npm start -- campaign` and `npm start -- fleet`"],
  [["fleet", "--keys", "11"], "11 is no number of keys"],
])("npm start -- %j is wrong usage", async (args, why) => {
  const failed = await run(process.execPath, ["--no-warnings", start, ...args]).catch(
    (error: unknown) => error,
  );
  expect(failed).toMatchObject({ code: 2, stderr: expect.stringContaining(why) });
});
