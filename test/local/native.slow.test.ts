import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const start = fileURLToPath(new URL("../../local/start.ts", import.meta.url));

test("the button of Secrets Manager ends in a rotated key with a certificate, promoted by the machine alone", async () => {
  const { stdout } = await run(process.execPath, ["--no-warnings", start, "--native", "--json"]);
  const summary = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");

  expect(summary).toMatchObject({
    ...{ type: "summary", outcome: "rotated", rotationId: expect.stringMatching(/^native-/), trouble: [] },
    ...{ retiring: { dead: true }, traffic: { failed: 0 }, certificate: { verified: true } },
  });
  expect(summary.rotationId).toBe(`native-${summary.incoming.versionId}`);
}, 300_000);
