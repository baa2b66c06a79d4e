import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { type Packed, packAll, packages, standalonePackages } from "../../release/pack.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
let folder: string;
let out: string;
let app: string;
let packed: readonly Packed[];

/** Packed and installed as a stranger would, with no registry to ask. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "release-"));
  out = join(folder, "out");
  app = join(folder, "app");
  packed = packAll(out);
  mkdirSync(app);
  writeFileSync(join(app, "package.json"), '{ "private": true, "type": "module" }');
  // test/newcomer installs those that stand on others.
  const standalone = new Set([...standalonePackages().values()].map(({ name }) => name));
  const tarballs = packed.filter(({ name }) => standalone.has(name)).map(({ tarball }) => tarball);
  execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", ...tarballs], {
    cwd: app,
    stdio: "pipe",
  });
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true }));

function inApp(file: string, text: string) {
  writeFileSync(join(app, file), text);
  const env = { PATH: process.env["PATH"], HOME: folder };
  return spawnSync(process.execPath, [file], { cwd: app, encoding: "utf8", env });
}

test("each package says what a registry and a reader need", () => {
  const names = [...packages().values()].map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining([
      "rekey-cli",
      "rekey-client",
      "rekey-host",
      "rekey-lambda-extension",
      "rekey-cdk",
      "rekey-provider-kit",
    ]),
  );
  for (const [path] of packages()) {
    const manifest = JSON.parse(readFileSync(join(root, path, "package.json"), "utf8"));
    expect(manifest).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      license: "Apache-2.0",
      repository: { type: "git", directory: path },
      exports: expect.anything(),
      files: expect.any(Array),
      scripts: { prepack: expect.any(String) },
      publishConfig: { access: "public", provenance: true },
    });
    expect(manifest.dependencies).toBeUndefined();
  }
  for (const { tarball } of packed) {
    const files = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" });
    for (const file of ["README.md", "LICENSE", "CHANGELOG.md"]) expect(files).toContain(`package/${file}\n`);
  }
});

test("all packages come from one repository, in one version", () => {
  const manifests = [...packages().keys()].map((path) =>
    JSON.parse(readFileSync(join(root, path, "package.json"), "utf8")),
  );
  expect(new Set(manifests.map(({ repository }) => repository.url)).size).toBe(1);
  expect(new Set(manifests.map(({ version }) => version)).size).toBe(1);
});

test("publint has nothing to say", async () => {
  for (const { name } of standalonePackages().values()) {
    const { messages } = await publint({
      pkgDir: join(app, "node_modules", name),
      pack: false,
      strict: true,
    });
    expect([name, messages]).toEqual([name, []]);
  }
});

const stores = ["/vault", "/google", "/azure"];
const entries = ["", "/middy", "/openai", "/anthropic", "/express", "/next", "/federated", ...stores];

test("the client loads as a module and as CommonJS, with every entry point", () => {
  const esm = inApp(
    "app.mjs",
    `${entries.map((entry, index) => `import * as e${index} from "rekey-client${entry}";`).join("\n")}
     console.log([${entries.map((_, index) => `Object.keys(e${index}).length`)}].join());
     try { e0.createRekey({ consumer: "a" }) } catch (error) { console.log(error instanceof e0.OptionInvalid, error.message) }`,
  );
  const cjs = inApp(
    "app.cjs",
    `const all = [${entries.map((entry) => `require("rekey-client${entry}")`)}];
     console.log(all.map((each) => Object.keys(each).length).join());
     try { all[0].createRekey({ consumer: "a" }) } catch (error) { console.log(error instanceof all[0].OptionInvalid, error.message) }`,
  );

  const refused = "true option environment is missing: it is the name in rekey.yml\n";
  expect([esm.stderr, esm.stdout]).toEqual(["", `8,1,1,1,1,1,1,2,2,2\n${refused}`]);
  expect([cjs.stderr, cjs.stdout]).toEqual(["", `8,1,1,1,1,1,1,2,2,2\n${refused}`]);
});

test.each([
  ["Node's types", ["--types", "node", "--lib", "es2022"], ["strict.mts", "strict.cts"]],
  ["a browser's types", ["--types", "", "--lib", "es2022,dom"], ["strict.mts", "strict.cts"]],
] as const)(
  "the client's types hold in strict TypeScript with %s and without skipLibCheck",
  (_, options, files) => {
    const program = `${entries.map((entry, index) => `import * as e${index} from "rekey-client${entry}";`).join("\n")}
export async function key(): Promise<e0.Key> {
  const rekey = e0.createRekey({ consumer: "a", environment: "b" });
  return rekey.open({ secret: "x", field: "apiKey" });
}
export const all = [e1.rekeyMiddleware({ secret: "x" }), e4.rekeyMiddleware({ secret: "x" }), e5.nextKey({ secret: "x" })];
export const federated = e6.withFederated(e0.createRekey({ consumer: "a", environment: "b" }), { timeoutMs: 1_000 });
// @ts-expect-error: a number is no name
e0.createRekey({ consumer: 1, environment: "b" });
`;
    for (const file of files) writeFileSync(join(app, file), program);
    for (const name of ["@types/node", "undici-types"]) {
      cpSync(join(root, "node_modules", name), join(app, "node_modules", name), { recursive: true });
    }
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const strict = [
      "--noEmit",
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "es2022",
      ...options,
      ...files,
    ];

    const { status, stdout } = spawnSync(process.execPath, [tsc, ...strict], { cwd: app, encoding: "utf8" });

    expect([status, stdout]).toEqual([0, ""]);
  },
);

test("the installed command says its version, and completes itself", () => {
  const rekey = (...args: readonly string[]) =>
    spawnSync(join(app, "node_modules/.bin/rekey"), args, {
      cwd: app,
      encoding: "utf8",
      env: { PATH: process.env["PATH"], HOME: folder },
    });

  expect(rekey("--version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(rekey("completion", "bash").stdout).toContain("complete -o default -F _rekey rekey");
});

test("the installed host runs a program with no other package", () => {
  const host = (...args: readonly string[]) =>
    spawnSync(join(app, "node_modules/.bin/rekey-host"), args, {
      cwd: app,
      encoding: "utf8",
      env: { PATH: process.env["PATH"], HOME: folder },
    });

  expect(host("exec", "--help").stdout).toContain("rekey-host exec --secret");
  expect(host("agent", "--help").stdout).toContain("rekey-host agent --consumer");
  expect(host("exec")).toMatchObject({ status: 125, stderr: expect.stringContaining("rekey: error:") });
});

test("the client's types resolve for every kind of importer", () => {
  const tarball = packed.find(({ name }) => name === "rekey-client")?.tarball ?? "";
  const { status, stdout, stderr } = spawnSync(
    "npx",
    ["--yes", "@arethetypeswrong/cli@0.18", tarball, "--profile", "node16", "--format", "ascii"],
    { cwd: folder, encoding: "utf8" },
  );
  expect([status, stdout.includes("No problems found"), stderr]).toEqual([0, true, ""]);
}, 120_000);

test("the extension's package is a layer's folder", () => {
  const layer = join(app, "node_modules/rekey-lambda-extension/dist");

  expect(readdirSync(layer).sort()).toEqual(["extensions", "rekey"]);
});

test("the release has a bill of materials, and checksums of everything in it", () => {
  const bill = JSON.parse(readFileSync(join(out, "rekey.cdx.json"), "utf8"));
  expect(bill).toMatchObject({ bomFormat: "CycloneDX", components: expect.any(Array) });
  expect(bill.components.map(({ name }: { name: string }) => name)).toEqual(
    expect.arrayContaining(["commander", "zod", "@smithy/core", "@aws-sdk/client-dynamodb"]),
  );

  const sums = readFileSync(join(out, "SHA256SUMS"), "utf8").trim().split("\n");
  expect(sums).toHaveLength(packed.length + 1);
  for (const line of sums) {
    const [sum, file = ""] = line.split("  ");
    expect(sum).toBe(
      createHash("sha256")
        .update(readFileSync(join(out, file)))
        .digest("hex"),
    );
  }
});
