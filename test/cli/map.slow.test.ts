import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { appliedWorld, rekey } from "./cli-world.ts";

const arn = (name: string) => `arn:aws:secretsmanager:eu-central-1:111122223333:secret:${name}-AbCdEf`;
const file = `version: 1
environment: production
account: "111122223333"
providers:
  main: { kind: openai, adminCredential: "${arn("rekey/admin/openai")}", project: proj_1 }
secrets:
  openai:
    arn: ${arn("api-keys/openai")}
    provider: main
    rotate: { every: 30d }
    consumers:
      - { name: billing }
  second:
    arn: ${arn("api-keys/second")}
    field: api_key
    provider: main
    rotate: { every: 30d }
applications:
  shop:
    - { to: cluster, prefix: SHOP_, originals: true, takes: { OPENAI_API_KEY: openai } }
    - { to: web, takes: { class: second, AUTHORIZATION: { from: openai, text: "Bearer {key}" } } }
`;

async function mapped(line: string, text = file) {
  const { world } = await appliedWorld();
  return rekey(world, line, { files: { "rekey.yml": text } });
}

test("the table shows who gets what, where and under which name", async () => {
  const { out, code } = await mapped("map");
  expect(code).toBe(0);
  expect(out.split("\n").map((line) => line.replace(/ +/g, " ").trim())).toEqual(
    expect.arrayContaining([
      "billing production the secret itself - openai",
      "shop production cluster OPENAI_API_KEY openai",
      "shop production cluster SHOP_OPENAI_API_KEY openai",
      'shop production web AUTHORIZATION openai as "Bearer {key}"',
      "2 consumers, 5 values",
    ]),
  );
});

test("JSON has a row for each value", async () => {
  const { out } = await mapped("map billing --json");
  expect(JSON.parse(out)).toEqual({
    type: "map",
    rows: [
      {
        ...{ consumer: "billing", environment: "production", secret: "openai" },
        secretArn: arn("api-keys/openai"),
      },
    ],
  });
});

test.each([
  ["map nobody", "billing, shop"],
  ["map --typed cobol shop", "ts or python"],
  ["map --typed ts", "rekey map --typed ts CONSUMER"],
])("%s is refused with what there is", async (line, hint) => {
  const { code, err } = await mapped(line);
  expect(code).toBe(2);
  expect(err).toContain(hint);
});

test("a name that no program can have as a setting is refused", async () => {
  const { code, err } = await mapped("map --typed ts shop", file.replace("AUTHORIZATION:", "auth/header:"));
  expect(code).toBe(2);
  expect(err).toContain("auth/header at web");
});

test.each([
  ["a source that is missing", "OPENAI_API_KEY: openai", "OPENAI_API_KEY: opanai", "did you mean openai?"],
  [
    "two sources of one name",
    "to: web, takes: { class:",
    "to: cluster, takes: { OPENAI_API_KEY:",
    "would be second and also openai",
  ],
  ["a name that a build tool publishes", "class: second", "VITE_KEY: second", "VITE_"],
  ["a secret without consumers", "field: api_key", "consumers: none", "consumers are none"],
  ["a secret that is only watched", "field: api_key", "mode: index", "its mode is index"],
  ["a text without the key", "Bearer {key}", "Bearer", "{key} once"],
])("%s is a mistake in the file", async (_what, before, after, said) => {
  expect(file).toContain(before);
  const { code, err } = await mapped("map", file.replace(before, after));
  expect(code).toBe(2);
  expect(err).toContain(said);
});

describe("typed settings", () => {
  const folder = mkdtempSync(join(tmpdir(), "rekey-map-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const environment = {
    ...{ OPENAI_API_KEY: "sk-FAKE-1", SHOP_OPENAI_API_KEY: "sk-FAKE-1" },
    ...{ class: "sk-FAKE-2", AUTHORIZATION: "Bearer sk-FAKE-1" },
  };

  async function written(line: string, name: string): Promise<string> {
    const { out, code } = await mapped(line);
    expect(code).toBe(0);
    const path = join(folder, name);
    writeFileSync(path, out);
    return path;
  }

  function run(command: string, parts: readonly string[], env: NodeJS.ProcessEnv) {
    const { stdout, stderr } = spawnSync(command, parts, {
      cwd: folder,
      env: { PATH: process.env["PATH"], ...env },
    });
    return `${stdout}${stderr}`;
  }

  test("in TypeScript compile under strict rules, read the environment, and show no value", async () => {
    const path = await written("map --typed ts shop", "settings.ts");
    const rules = ["--strict", "--noEmit", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes"];
    const types = ["--types", "node", "--typeRoots", join(process.cwd(), "node_modules/@types")];
    const compiler = join(process.cwd(), "node_modules/typescript/bin/tsc");
    expect(run(process.execPath, [compiler, ...rules, ...types, "--module", "nodenext", path], {})).toBe("");

    const use = `import { readSettings } from "./settings.ts";
      const settings = readSettings();
      console.log(settings, JSON.stringify(settings), settings.AUTHORIZATION.length, settings.class.length);`;
    writeFileSync(join(folder, "use.mts"), use);
    const said = run(process.execPath, ["--no-warnings", "use.mts"], environment);
    expect(said).toContain('[settings] "[settings]" 16 9');
    const { AUTHORIZATION: _, class: __, ...less } = environment;
    expect(run(process.execPath, ["--no-warnings", "use.mts"], less)).toContain(
      "missing settings: AUTHORIZATION, class",
    );
  }, 60_000);

  test("of a consumer that reads the secret itself name the secret", async () => {
    const path = await written("map --typed ts billing", "secrets.ts");
    writeFileSync(
      join(folder, "secrets.mts"),
      `import { secrets } from ${JSON.stringify(path)}; console.log(secrets.openai.reference);`,
    );
    expect(run(process.execPath, ["--no-warnings", "secrets.mts"], {}).trim()).toBe(arn("api-keys/openai"));
  });

  const hasPython = spawnSync("python3", ["--version"]).status === 0;
  (hasPython ? test : test.skip)("in Python read the environment, and show no value", async () => {
    await written("map --typed python shop", "settings.py");
    await written("map --typed python billing", "secrets_of_billing.py");
    const use =
      "import settings; s = settings.read_settings(); print(s, len(s.AUTHORIZATION), len(s.class_))";
    const said = run("python3", ["-c", use], environment);
    expect(said).toMatch(/^<settings.Settings object at \w+> 16 9/);
    expect(run("python3", ["-c", use], {})).toContain(
      "missing settings: OPENAI_API_KEY, SHOP_OPENAI_API_KEY",
    );
    const reads = "import secrets_of_billing as b; print(b.SECRETS['openai']['reference'])";
    expect(run("python3", ["-c", reads], {}).trim()).toBe(arn("api-keys/openai"));
    execFileSync("python3", ["-m", "py_compile", "settings.py"], { cwd: folder });
  });
});
