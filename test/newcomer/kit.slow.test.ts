import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publint } from "publint";
import { packages, packEach } from "../../release/pack.ts";

/** What somebody does who writes an adapter without a checkout of Rekey: the command, the kit, and the registry. */
let folder: string;
let adapter: string;
let made: string;
let kit: string;

const env = () => ({ PATH: process.env["PATH"], HOME: folder, npm_config_cache: cache });
const cache = execFileSync("npm", ["config", "get", "cache"], { encoding: "utf8" }).trim();
const quiet = ["--no-audit", "--no-fund", "--prefer-offline"];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kit-"));
  adapter = join(folder, "acme");
  const wanted = [...packages()].filter(([, { name }]) => /^rekey-(?:cli|provider-kit)$/.test(name));
  const tarballs = new Map(
    packEach(new Map(wanted), join(folder, "out")).map(({ name, tarball }) => [name, tarball]),
  );
  kit = tarballs.get("rekey-provider-kit") ?? "";
  writeFileSync(join(folder, "package.json"), '{ "private": true }');
  const cli = tarballs.get("rekey-cli") ?? "";
  execFileSync("npm", ["install", "--offline", ...quiet, cli], { cwd: folder, stdio: "pipe" });
  made = execFileSync("npx", ["rekey", "provider", "new", "acme"], {
    cwd: folder,
    encoding: "utf8",
    env: env(),
  });
  execFileSync("npm", ["install", ...quiet, kit], { cwd: adapter, stdio: "pipe" });
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const npmTest = () => spawnSync("npm", ["test"], { cwd: adapter, encoding: "utf8", env: env() });

function node(file: string, text: string): string {
  writeFileSync(join(adapter, file), text);
  return execFileSync(process.execPath, [file], { cwd: adapter, encoding: "utf8" });
}

test("the made package compiles in strict TypeScript without skipLibCheck, and passes the suite", () => {
  expect(made).toContain("cd acme && npm install && npm test");
  const { status, stdout, stderr } = npmTest();
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^ℹ pass [89]\d$/m);
  expect(stdout).toMatch(/^ℹ fail 0$/m);
});

test("the suite notices an adapter that takes a refusal for a key that works", () => {
  const file = join(adapter, "verify-table.ts");
  const before = readFileSync(file, "utf8");
  writeFileSync(file, before.replace('means: "refused"', 'means: "valid"'));
  const { status, stdout } = npmTest();
  writeFileSync(file, before);
  expect(status).not.toBe(0);
  expect(stdout).toContain("✖ a working key is valid and a made-up one is refused");
});

test("every entry loads as a module and as CommonJS, with one class for each error", () => {
  const told = "instanceof true Secret true providerFake true describeProvider true\n";
  const program = `
    const told = [
      ["instanceof", new kit.NeedsHuman("x") instanceof kit.RotationError], ["Secret", typeof kit.Secret === "function"],
      ["providerFake", typeof fake.providerFake === "function"],
      ["describeProvider", typeof contract.describeProvider === "function"],
    ];
    console.log(told.map((each) => each.join(" ")).join(" "));
    process.exit();`;
  const entries = { kit: "", fake: "/fake", contract: "/contract" };
  const lines = (form: (name: string, entry: string) => string) =>
    Object.entries(entries)
      .map(([name, entry]) => form(name, `"rekey-provider-kit${entry}"`))
      .join("\n");
  const esm = lines((name, entry) => `import * as ${name} from ${entry};`);
  const cjs = lines((name, entry) => `const ${name} = require(${entry});`);
  expect(node("all.mjs", esm + program)).toBe(told);
  expect(node("all.cjs", cjs + program)).toBe(told);
});

test("publint and arethetypeswrong have nothing to say", async () => {
  const pkgDir = join(adapter, "node_modules/rekey-provider-kit");
  expect((await publint({ pkgDir, pack: false, strict: true })).messages).toEqual([]);
  const { status, stdout } = spawnSync(
    "npx",
    ["--yes", "@arethetypeswrong/cli@0.18", kit, "--profile", "node16", "--format", "ascii"],
    { cwd: folder, encoding: "utf8" },
  );
  expect([status, stdout.includes("No problems found")]).toEqual([0, true]);
}, 120_000);
