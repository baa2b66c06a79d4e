import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { findIn } from "../../scan/find.ts";
import { scan } from "../../scan/scan.ts";
import { forget, plantCorpus, write } from "./corpus.ts";

const seed = 20_261_130;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "scan-"));
});
afterEach(() => forget(folder));

test("a planted key of every issuer is found in every kind of file, and its text is nowhere in the result", async () => {
  const planted = plantCorpus(folder, seed);
  const { findings } = await scan({ kind: "paths", folder, paths: ["."] });

  const found = new Set(findings.map(({ path, fingerprint }) => `${path.split("!")[0]} ${fingerprint}`));
  const missed = planted.filter(({ path, key }) => !found.has(`${path} ${fingerprintOf(key)}`));
  expect(planted.length).toBeGreaterThan(400);
  // Text that is generated looks like a word now and then: of loose shapes one key in two hundred may be missed.
  expect(missed.length / planted.length).toBeLessThan(0.005);
  const named = new Map(planted.map(({ key, provider }) => [fingerprintOf(key), provider]));
  const strangers = findings.filter(
    ({ rule, fingerprint = "", provider }) => rule === "provider-key" && named.get(fingerprint) !== provider,
  );
  expect(strangers).toEqual([]);
  const said = JSON.stringify(findings);
  expect(planted.filter(({ key }) => said.includes(key))).toEqual([]);
});

test("what is written in this repository and in the packages that it uses is no key", async () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const own = await scan({ kind: "paths", folder: root, paths: [] });
  const others = await scan({
    kind: "paths",
    folder: root,
    paths: ["node_modules/typescript", "node_modules/zod", "node_modules/@middy", "node_modules/commander"],
  });

  expect(own.files).toBeGreaterThan(800);
  expect(others.bytes).toBeGreaterThan(4_000_000);
  expect([...own.findings, ...others.findings]).toEqual([]);
});

test.each([
  ["a long name of a function", "re_match_all_the_groups_of_a_pattern(text)"],
  ["an example of a documentation", "OPENAI_API_KEY=sk-proj-your-api-key-goes-here-1234"],
  ["a stand-in", `key = "sk-ant-api03-${"x".repeat(93)}"`],
  ["a reference", `env: { "MISTRAL_API_KEY": "$\{MISTRAL_API_KEY_OF_PRODUCTION1}" }`],
  ["an id that people may see", "AKIAQ7WM2ZX9LK4VB8NC"],
  ["a publishable key's name", "process.env.NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY"],
  [
    "a digest beside the word key",
    'const cacheKey = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
  ],
])("%s is no finding", (_, text) => {
  expect(findIn({ path: "src/a.ts", text })).toEqual([]);
});

describe("secrets whose issuer is unknown", () => {
  const value = "q7Wm2Zx9Lk4Vb8Nc3Rt6Yp1Sd5";

  test.each([
    [".mcp.json", `{ "mcpServers": { "a": { "env": { "ACME_TOKEN": "${value}" } } } }`],
    [".mcp.json", `{ "mcpServers": { "a": { "args": ["--api-key", "${value}"] } } }`],
    [".mcp.json", `{ "mcpServers": { "a": { "headers": { "Authorization": "Bearer ${value}" } } } }`],
    [".codex/config.toml", `[mcp_servers.a.env]\nACME_TOKEN = "${value}"\n`],
    [
      "task.json",
      `{ "containerDefinitions": [{ "environment": [{ "name": "ACME_KEY", "value": "${value}" }] }] }`,
    ],
    [
      "template.yaml",
      `AWSTemplateFormatVersion: "2010-09-09"\nEnvironment:\n  - Name: ACME_TOKEN\n    Value: ${value}\n`,
    ],
    ["terraform.tfstate", `{ "attributes": { "secret_string": "${value}" } }`],
    ["plan.json", `{ "terraform_version": "1.14.0", "planned_values": { "password": "${value}" } }`],
    [
      "k8s/app.yaml",
      `apiVersion: apps/v1\nkind: Deployment\nenv:\n  - name: ACME_API_KEY\n    value: ${value}\n`,
    ],
    ["compose.yaml", `services: { app: { environment: { ACME_API_KEY: ${value} } } }`],
  ])("are found in %s", (path, text) => {
    expect(findIn({ path, text })).toMatchObject([
      { rule: "plaintext-secret", path, fingerprint: fingerprintOf(value) },
    ]);
  });

  test("are left alone in code, where a name says too little", () => {
    expect(findIn({ path: "src/a.ts", text: `const sessionToken = "${value}";` })).toEqual([]);
  });
});

test.each([
  ["VITE_", "OPENAI_API_KEY"],
  ["NEXT_PUBLIC_", "DB_PASSWORD"],
  ["REACT_APP_", "ANTHROPIC_KEY"],
  ["EXPO_PUBLIC_", "GROQ_TOKEN"],
  ["PUBLIC_", "STRIPE_SECRET_KEY"],
])("a secret behind %s is found where it is set and where it is used", (prefix, rest) => {
  for (const text of [
    `${prefix}${rest}=\n`,
    `import.meta.env.${prefix}${rest}`,
    `process.env.${prefix}${rest}`,
  ])
    expect(findIn({ path: "src/a.ts", text })).toMatchObject([{ rule: "client-side-secret" }]);
});

describe("a comment beside it", () => {
  const key = () => `sk-proj-${"aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF"}`;

  test("accepts a finding with a reason, on its line or the one before", () => {
    const same = findIn({
      path: "a.py",
      text: `K = "${key()}"  # rekey-allow: revoked in 2025, kept for a test`,
    });
    const before = findIn({ path: "a.py", text: `# rekey-allow: revoked in 2025\nK = "${key()}"` });
    expect(same).toMatchObject([{ accepted: { by: "comment", reason: "revoked in 2025, kept for a test" } }]);
    expect(before).toMatchObject([{ line: 2, accepted: { reason: "revoked in 2025" } }]);
  });

  test("without a reason accepts nothing, and says so", () => {
    const [finding] = findIn({ path: "a.py", text: `K = "${key()}"  # rekey-allow` });
    expect(finding?.accepted).toBeUndefined();
    expect(finding?.says).toContain("needs a reason");
  });
});

test("an archive that unpacks to more than the limit, or is damaged, ends neither the scan nor the process", async () => {
  write(folder, "broken.tar.gz", Buffer.from("1f8b0800deadbeef", "hex"));
  write(folder, "cut.zip", Buffer.from("504b030400000000", "hex"));
  write(folder, "after.txt", "nothing\n");

  const { findings, files } = await scan({ kind: "paths", folder, paths: ["."] });

  expect([findings, files]).toEqual([[], 3]);
});
