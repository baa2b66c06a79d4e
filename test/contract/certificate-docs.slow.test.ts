import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { signedDigestOf } from "../../audit/dsse.ts";
import { golden, goldenPem } from "../machine/certificate/golden.ts";

const run = promisify(execFile);
const documented = readFileSync(new URL("../../docs/certificate.md", import.meta.url), "utf8");
const [, script = ""] = /```sh\n(set -eu\n[\s\S]*?)```/.exec(documented) ?? [];
const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** The documented lines, in a folder with these files. */
async function check(certificate: string, expected: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "rekey-certificate-"));
  folders.push(folder);
  writeFileSync(join(folder, "certificate.json"), certificate);
  writeFileSync(join(folder, "key.pem"), goldenPem());
  const { stdout } = await run("sh", ["-c", script], {
    cwd: folder,
    env: { PATH: process.env["PATH"], run: expected },
  });
  return stdout;
}

test("the documented lines verify a certificate, and print what the audit chain has", async () => {
  const text = golden("rotated");
  const shown = await check(text, "rotation:r-1");
  expect(shown.split("\n").slice(0, 3)).toEqual(["Verified OK", "rotation:r-1", signedDigestOf(text)]);
});

test("they refuse another run's certificate, and one that was changed", async () => {
  await expect(check(golden("rotated"), "rotation:r-2")).rejects.toMatchObject({ code: expect.any(Number) });
  const payload = Buffer.from(JSON.parse(golden("rotated")).payload, "base64").toString();
  const changed = Buffer.from(payload.replace('"refused"', '"listing"')).toString("base64");
  const text = golden("rotated").replace(JSON.parse(golden("rotated")).payload, changed);
  expect(text).not.toBe(golden("rotated"));
  await expect(check(text, "rotation:r-1")).rejects.toMatchObject({ code: expect.any(Number) });
});
