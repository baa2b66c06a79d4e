import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const start = fileURLToPath(new URL("../../local/start.ts", import.meta.url));

test("npm start refuses what it does not know, and says how to go on", async () => {
  const refused = run(process.execPath, ["--no-warnings", start, "everything"]);

  await expect(refused).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining("rekey: hint: ") });
}, 30_000);
