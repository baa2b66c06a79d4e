import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { buildCli, bundleScan } from "../../cli/build.ts";
import manifest from "../../cli/package.json" with { type: "json" };

let folder: string;
let bundle: string;
/** Of the entry, and of every part that it may load. */
let texts: readonly string[];
const sizeOf = (all: readonly string[]) => all.reduce((sum, { length }) => sum + length, 0);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "rekey-cli-"));
  bundle = join(folder, "rekey.cjs");
  await buildCli(folder);
  const parts = readdirSync(join(folder, "rekey"));
  texts = [bundle, ...parts.map((name) => join(folder, "rekey", name))].map((path) =>
    readFileSync(path, "utf8"),
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

/** The bundle alone, in a folder without node_modules; says which of Node's modules it loaded, and which files. */
function rekey(...args: readonly string[]) {
  return rekeyWith({}, args);
}

function rekeyWith(more: Readonly<Record<string, string>>, args: readonly string[]) {
  const read = join(folder, "read.json");
  const env = { PATH: process.env["PATH"] ?? "", AWS_EC2_METADATA_DISABLED: "true", HOME: folder, ...more };
  const code = `
    const byNode = process.moduleLoadList.length;
    process.on("exit", () => {
      const slow = /NativeModule (https|http2|crypto|zlib|dgram|child_process|readline)$/;
      console.error("LOADED " + process.moduleLoadList.slice(byNode).filter((m) => slow.test(m)).join());
      require("node:fs").writeFileSync(${JSON.stringify(read)}, JSON.stringify(Object.keys(require.cache)));
    });
    process.argv.splice(1, 0, "rekey");
    require(${JSON.stringify(bundle)});`;
  const run = spawnSync(process.execPath, ["-e", code, "--", ...args], {
    encoding: "utf8",
    env,
    cwd: folder,
  });
  return { ...run, files: JSON.parse(readFileSync(read, "utf8")) as readonly string[] };
}

test("the sources that it was made of are files, by whose age a checkout sees whether it is current", () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const sources: readonly string[] = JSON.parse(readFileSync(join(folder, "rekey.sources.json"), "utf8"));

  expect(sources.length).toBeGreaterThan(100);
  expect(sources.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test("--version and help load nothing that talks to AWS, and none of Node's modules that take long", () => {
  const version = rekey("--version");
  expect([version.status, version.stdout, version.stderr]).toEqual([0, `${manifest.version}\n`, "LOADED \n"]);

  const help = rekey("--help");
  expect([help.status, help.stderr]).toEqual([0, "LOADED \n"]);
});

test("help reads a small part of it, and `status` a fourth: what a start costs is what it reads", () => {
  const whole = sizeOf(texts);
  const readBy = (...args: readonly string[]) =>
    rekey(...args).files.reduce((sum, path) => sum + readFileSync(path).length, 0);

  expect(readBy("--help")).toBeLessThan(whole / 20);
  expect(readBy("status")).toBeLessThan(whole / 4);
});

test("the bundle is ASCII: one other character would double what its text takes to load, at each start", () => {
  expect(texts.flatMap((text) => /[^\0-\x7f].{0,40}/.exec(text)?.[0] ?? [])).toEqual([]);
});

test("nothing in it is newer than the oldest Node that the package names", () => {
  expect(manifest.engines.node).toBe(">=20.19");
  const newer = /(?:Map|Object)\.groupBy|Promise\.(?:withResolvers|try)|Array\.fromAsync|RegExp\.escape/;
  expect(texts.flatMap((text) => newer.exec(text)?.[0] ?? [])).toEqual([]);
});

test.each(["status", "discover"])("%s loads the client it needs, from inside the bundle", (command) => {
  const { status, stderr } = rekey(command);

  expect(status).toBe(3);
  expect(stderr).toMatch(/^rekey: error: Region is missing\nrekey: hint: set AWS_REGION\nLOADED .*https/);
});

test("a mistake in a policy file is found without a cloud", () => {
  const { status, stderr } = rekey("apply", "--dry-run", fileURLToPath(import.meta.url));

  expect(status).toBe(2);
  expect(stderr).toContain("and nothing was applied");
});

test.each(["agent", "exec"])(
  "%s asks the store from inside the bundle, and says why it gets no answer",
  (command) => {
    const closed = {
      ...{ AWS_ENDPOINT_URL: "http://127.0.0.1:9", AWS_REGION: "eu-west-1" },
      ...{ AWS_ACCESS_KEY_ID: "AKIAFAKE", AWS_SECRET_ACCESS_KEY: "FAKE" },
    };
    const secret = ["--secret", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x-AbCdEf"];
    const common = ["--consumer", "search", "--environment", "dev", "--report-bus", "reports", ...secret];
    const own = command === "agent" ? ["--port", "0", "--token-file", join(folder, "token")] : [];
    const { status, stderr } = rekeyWith(
      closed,
      [command, ...common, ...own, "--", "true"].slice(0, command === "agent" ? -2 : undefined),
    );
    expect(status).not.toBe(0);
    expect(stderr).toContain("could not be read (UpstreamUnavailable: network ECONNREFUSED)");
  },
);

test("compromise, supply, sweep and audit are in the bundle with all that they load later", () => {
  for (const command of ["compromise x", "supply x", "sweep", "audit verify", "report /dev/null", "doctor"]) {
    const { status, stderr } = rekey(...command.split(" "));
    expect([command, status]).toEqual([command, expect.any(Number)]);
    expect(stderr).not.toMatch(/Cannot find module|is not defined|at .*rekey\.cjs/);
  }
});

describe("rekey scan by itself", () => {
  let home: string;
  beforeAll(async () => {
    home = join(folder, "package");
    mkdirSync(join(home, "dist"), { recursive: true });
    cpSync(fileURLToPath(new URL("../../cli/bin.cjs", import.meta.url)), join(home, "bin.cjs"));
    cpSync(bundle, join(home, "dist/rekey.cjs"));
    cpSync(join(folder, "rekey"), join(home, "dist/rekey"), { recursive: true });
    await bundleScan(join(home, "dist/scan.cjs"));
  });

  /** The package's own command, which says which of its bundles and of Node's slow modules it loaded. */
  function packaged(...args: readonly string[]) {
    const code = `
      process.on("exit", () => console.error("LOADED " + [
        ...Object.keys(require.cache).filter((path) => path.includes("dist")).map((path) => path.replace(/.*[/]/, "")),
        ...process.moduleLoadList.filter((m) => /NativeModule (zlib|child_process|https)$/.test(m)),
      ].join()));
      process.argv.splice(1, 0, "rekey");
      require(${JSON.stringify(join(home, "bin.cjs"))});`;
    const env = { PATH: process.env["PATH"] ?? "", AWS_EC2_METADATA_DISABLED: "true", HOME: folder };
    return spawnSync(process.execPath, ["-e", code, "--", ...args], { encoding: "utf8", env, cwd: folder });
  }

  test("a scan of files loads a tenth of the command line, and none of the modules that only some scans need", () => {
    mkdirSync(join(folder, "tree"));
    writeFileSync(join(folder, "tree/a.ts"), "const token = 1;\n");
    const { status, stderr } = packaged("--json", "scan", "tree");

    expect([status, stderr]).toEqual([0, "LOADED scan.cjs\n"]);
    expect(statSync(join(home, "dist/scan.cjs")).size).toBeLessThan(sizeOf(texts) / 10);
  });

  test("it finds what the whole command line finds, archives and a baseline included", () => {
    const key = `sk-proj-${"aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF"}FAK`;
    writeFileSync(join(folder, "tree/b.ts"), `const key = "${key}";\n`);
    writeFileSync(join(folder, "tree/c.tgz"), gzipSync(`const key = "${key}";\n`));
    const found = packaged("--json", "scan", "tree");
    const whole = rekey("--json", "scan", "tree");

    const findings = (text: string) => JSON.parse(text).findings;
    expect([found.status, findings(found.stdout)]).toEqual([whole.status, findings(whole.stdout)]);
    expect(findings(found.stdout).map(({ path }: { path: string }) => path)).toEqual([
      "tree/b.ts",
      "tree/c.tgz",
    ]);
    expect(packaged("scan", "tree", "--write-baseline", "the test accepts them").status).toBe(0);
    expect(packaged("scan", "tree").status).toBe(0);
  });

  test("a wrong option is answered alike, and what asks a deployment is started whole", () => {
    const lines = ({ status, stderr }: { status: number | null; stderr: string }) => [
      status,
      stderr.replace(/LOADED.*/, ""),
    ];
    expect(lines(packaged("scan", "--stagd"))).toEqual(lines(rekey("scan", "--stagd")));
    for (const option of ["--known", "--report", "--from=none.json"])
      expect(packaged("scan", option, "tree").stderr).toMatch(/LOADED .*rekey\.cjs/);
  });
});
