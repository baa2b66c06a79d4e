import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleCli } from "../../cli/build.ts";
import manifest from "../../cli/package.json" with { type: "json" };

let folder: string;
let bundle: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "rekey-cli-"));
  bundle = join(folder, "rekey.cjs");
  await bundleCli(bundle);
});

afterAll(() => rmSync(folder, { recursive: true }));

/** The bundle alone, in a folder without node_modules; says which of Node's modules it loaded. */
function rekey(...args: readonly string[]) {
  const loaded = join(folder, "loaded.cjs");
  const env = { PATH: process.env["PATH"] ?? "", AWS_EC2_METADATA_DISABLED: "true", HOME: folder };
  const code = `
    process.on("exit", () => console.error("LOADED " + process.moduleLoadList.filter((m) => /NativeModule (https|http2)$/.test(m)).join()));
    process.argv.splice(1, 0, "rekey");
    require(${JSON.stringify(bundle)});`;
  return spawnSync(process.execPath, ["-e", code, "--", ...args], {
    encoding: "utf8",
    env,
    cwd: folder,
    input: loaded,
  });
}

test("--version says the version of the package, and loads nothing that talks to AWS", () => {
  const { status, stdout, stderr } = rekey("--version");

  expect([status, stdout, stderr]).toEqual([0, `${manifest.version}\n`, "LOADED \n"]);
});

test("the bundle is ASCII: one other character would double what its text takes to load, at each start", () => {
  expect(/[^\0-\x7f].{0,40}/.exec(readFileSync(bundle, "utf8"))?.[0]).toBeUndefined();
});

test("nothing in it is newer than the oldest Node that the package names", () => {
  expect(manifest.engines.node).toBe(">=20.19");
  const newer = /(?:Map|Object)\.groupBy|Promise\.(?:withResolvers|try)|Array\.fromAsync|RegExp\.escape/;
  expect(newer.exec(readFileSync(bundle, "utf8"))?.[0]).toBeUndefined();
});

test("a command that reads the ledger loads the client it needs, from inside the bundle", () => {
  const { status, stderr } = rekey("status");

  expect(status).toBe(3);
  expect(stderr).toMatch(/^rekey: error: Region is missing\nrekey: hint: set AWS_REGION\nLOADED .*https/);
});

test("a mistake in a policy file is found without a cloud", () => {
  const { status, stderr } = rekey("apply", "--dry-run", fileURLToPath(import.meta.url));

  expect(status).toBe(2);
  expect(stderr).toContain("and nothing was applied");
});

test("compromise, supply, sweep and audit are in the bundle with all that they load later", () => {
  for (const command of ["compromise x", "supply x", "sweep", "audit verify", "report /dev/null", "doctor"]) {
    const { status, stderr } = rekey(...command.split(" "));
    expect([command, status]).toEqual([command, expect.any(Number)]);
    expect(stderr).not.toMatch(/Cannot find module|is not defined|at .*rekey\.cjs/);
  }
});
