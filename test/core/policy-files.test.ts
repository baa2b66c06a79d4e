import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { policyFileJsonSchema } from "../../events/policy-file/json-schema.ts";
import { joined } from "../../events/policy-files.ts";
import { parsePolicyFile } from "../../events/policy-text.ts";
import { declaredKinds } from "../../providers/declared-kinds.ts";
import { stores } from "../../stores/index.ts";

const nowMs = Date.UTC(2026, 10, 30, 12);
const arn = (name: string) => `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${name}-AbCdEf`;
const head = (environment = "production", project = "proj_FAKE") => `version: 1
environment: ${environment}
account: "111122223333"
providers: { main: { kind: openai, adminCredential: "${arn("admin")}", project: ${project}, serviceAccount: svc_acct_FAKE } }
`;
const block = (name: string, rest = "") => `{ arn: "${arn(name)}"${rest} }`;
const whole = ", provider: main, rotate: { every: 30d }, consumers: none";

function read(path: string, text: string) {
  return { path, read: parsePolicyFile({ path, text }, { kinds: declaredKinds, stores, nowMs }) };
}

function policies(text: string, path = "rekey.yml") {
  const file = read(path, text).read;
  if ("mistakes" in file) throw new Error(JSON.stringify(file.mistakes, undefined, 1));
  return file.policies;
}

function mistakes(...files: readonly (readonly [string, string])[]) {
  const all = joined(files.map(([path, text]) => read(path, text)));
  if (!("mistakes" in all)) return [];
  return all.mistakes.map(({ path, line, column, message }) => `${path}:${line}:${column} ${message}`);
}

describe("defaults", () => {
  const defaults =
    "defaults: { provider: main, rotate: { every: 30d }, overlap: 2d, consumers: [{ name: web }], incident: { containBy: 5m } }\n";

  test("a secret has what it does not say itself, and each field of its own is taken whole", () => {
    const text = `${head()}${defaults}secrets:\n  a: ${block("a")}\n  b: ${block("b", ", overlap: 3d, consumers: none, incident: { escalateAfter: 1m }")}\n`;
    const [a, b] = policies(text);
    expect(a).toMatchObject({
      ...{ overlapMs: 172_800_000, schedule: "rate(30 days)", consumers: [{ name: "web" }] },
      incident: { containByMs: 300_000, escalateAfterMs: 300_000 },
    });
    expect(b).toMatchObject({
      ...{ overlapMs: 259_200_000, schedule: "rate(30 days)", consumers: "none" },
      incident: { containByMs: 600_000, escalateAfterMs: 60_000 },
    });
  });

  test("a default with a mistake is reported once, at its own place", () => {
    const text = `${head()}defaults:\n  provider: main\n  overlapp: 1d\n  soak: soon\nsecrets:\n  a: ${block("a", ", rotate: manual, consumers: none")}\n  b: ${block("b", ", rotate: manual, consumers: none")}\n`;
    expect(mistakes(["t.yml", text])).toEqual([
      't.yml:7:3 defaults.overlapp: unknown field "overlapp": did you mean overlap?',
      "t.yml:8:9 defaults.soak: write a duration such as 30d, 2h, 15m or 90s",
    ]);
  });

  test("what a default makes wrong in a secret is shown where the default stands", () => {
    const text = `${head()}defaults:\n  overlap: 1m\n  provider: main\nsecrets:\n  a: ${block("a", ", rotate: manual, consumers: none")}\n`;
    expect(mistakes(["t.yml", text])).toEqual([
      expect.stringMatching(
        /^t\.yml:6:12 secrets\.a\.overlap: the overlap of 1m ends before the quiet window/,
      ),
    ]);
  });

  test("the reference and the current key's id are never a default", () => {
    const text = `${head()}defaults: { arn: "${arn("a")}", currentKeyId: key_1 }\nsecrets:\n  a: ${block("a", whole)}\n`;
    expect(mistakes(["t.yml", text])).toEqual([
      expect.stringContaining('defaults.arn: unknown field "arn"'),
      expect.stringContaining('defaults.currentKeyId: unknown field "currentKeyId"'),
    ]);
  });
});

describe("merge keys and anchors", () => {
  test("a block can be merged from a field that only people read", () => {
    const text = `x-usual: &usual { provider: main, rotate: manual, consumers: none, overlap: 2d }\n${head()}secrets:\n  a: { <<: *usual, arn: "${arn("a")}", overlap: 3d }\n`;
    expect(policies(text)).toMatchObject([{ name: "a", overlapMs: 259_200_000 }]);
  });

  test("a mistake in a merged block is shown where it is written", () => {
    const text = `x-usual: &usual\n  provider: main\n  overlap: never\n${head()}secrets:\n  a: { <<: *usual, arn: "${arn("a")}", rotate: manual, consumers: none }\n`;
    expect(mistakes(["t.yml", text])).toEqual([
      "t.yml:3:12 secrets.a.overlap: write a duration such as 30d, 2h, 15m or 90s",
    ]);
  });

  test.each([
    ["a list", "<<: [1]", "write an alias of a block, such as <<: *base"],
    ["a word", "<<: word", "write an alias of a block, such as <<: *base"],
    ["an anchor that is not there", "<<: *nothing", "no anchor of this name stands before it"],
    ["itself", "&b { <<: *b }", "merges others 3 levels deep at most"],
  ])("%s cannot be merged", (_title, merged, message) => {
    const text = merged.startsWith("<<") ? `x-a: { ${merged} }\n` : `x-a: ${merged}\n`;
    expect(mistakes(["t.yml", `${text}${head()}secrets:\n  a: ${block("a", whole)}\n`])).toEqual([
      expect.stringContaining(message),
    ]);
  });

  test("blocks that merge each other many times over cost no time", () => {
    const levels = Array.from({ length: 30 }, (_, n) => `x-${n + 1}: &l${n + 1} { <<: [*l${n}, *l${n}] }\n`);
    const text = `x-0: &l0 { a: 1 }\n${levels.join("")}${head()}secrets:\n  a: ${block("a", whole)}\n`;
    expect(mistakes(["t.yml", text])[0]).toContain("levels deep at most");
  });

  test("a field that is there twice and a bad anchor hide no other mistake", () => {
    const text = `${head()}secrets:\n  a: { arn: "${arn("a")}", provider: *no, provider: main, rotate: manual, consumers: none, soak: x }\n`;
    expect(mistakes(["t.yml", text])).toEqual([
      expect.stringContaining("no anchor of this name stands before it"),
      expect.stringContaining("this field is there twice"),
      expect.stringContaining("secrets.a.soak: write a duration"),
    ]);
  });
});

describe("several files", () => {
  const file = (name: string, rest = "", top = head()) =>
    `${top}${rest}secrets:\n  ${name}: ${block(name, whole)}\n`;

  test("each secret belongs to its file, which is named like the file or names itself", () => {
    const all = joined([
      read("teams/search.yml", file("a")),
      read("teams/x/rekey.yml", file("b", "name: billing\n")),
    ]);
    expect(all).toMatchObject({
      names: ["search", "billing"],
      policies: [
        { name: "a", file: "search" },
        { name: "b", file: "billing" },
      ],
    });
  });

  test("what two files say differently is refused in the second one", () => {
    expect(mistakes(["a/rekey.yml", file("a")], ["b/rekey.yml", file("b")])).toEqual([
      "b/rekey.yml:1:1 name: a/rekey.yml is called rekey too: give one of them another `name`",
    ]);
    expect(mistakes(["a.yml", file("a")], ["b.yml", file("b", "", head("staging"))])).toEqual([
      "b.yml:2:14 environment: a.yml is for production: apply each environment by itself",
    ]);
    expect(
      mistakes(["a.yml", file("a")], ["b.yml", file("b", "", head("production", "proj_OTHER"))]),
    ).toEqual([
      "b.yml:4:14 providers.main: a.yml has other settings for this account: one name is one account",
    ]);
    expect(mistakes(["a.yml", file("a")], ["b.yml", file("a")])).toEqual([
      "b.yml:6:3 secrets.a: a.yml has a secret of this name already",
      "b.yml:6:13 secrets.a.arn: a.yml has this secret already: one policy for each",
    ]);
  });

  test("no file rotates the admin credential of another one", () => {
    const other = head().replace("main:", "other:").replace(arn("admin"), arn("admin-2"));
    const rotating = `${other}secrets:\n  admin: ${block("admin", whole.replace("main", "other"))}\n`;
    expect(mistakes(["a.yml", file("a")], ["b.yml", rotating])).toEqual([
      "b.yml:6:17 secrets.admin.arn: this is an admin credential of a.yml: Rekey would lock itself out, unless the secret has `consumers: rekey`",
    ]);
    expect(mistakes(["b.yml", rotating], ["a.yml", file("a")])).toEqual([
      expect.stringContaining("providers.main.adminCredential: b.yml rotates this secret"),
    ]);
  });

  test("the mistakes of every file are shown at once", () => {
    const wrong = file("a", "defaults: { soak: x }\n");
    expect(mistakes(["a.yml", wrong], ["b.yml", wrong])).toEqual([
      expect.stringContaining("a.yml:5:19 defaults.soak"),
      expect.stringContaining("b.yml:5:19 defaults.soak"),
    ]);
  });

  test("a file's name can be no path", () => {
    expect(mistakes(["-.yml", file("a")])).toEqual([expect.stringContaining('name: name is missing: "-"')]);
    expect(mistakes(["a.yml", file("a", "name: ../x\n")])).toEqual([
      expect.stringContaining("a name starts with"),
    ]);
  });
});

describe("the JSON Schema for editors", () => {
  const schema = policyFileJsonSchema(declaredKinds);
  const validate = new Ajv2020({ strict: false, allErrors: true }).compile(schema);
  const example = () => parse(readFileSync("examples/rekey.yml", "utf8")) as Record<string, never>;

  test("the published one is this one: `rekey lint --schema > docs/rekey.schema.json`", () => {
    expect(JSON.parse(readFileSync("docs/rekey.schema.json", "utf8"))).toEqual(schema);
  });

  test("it takes the example", () => {
    expect(validate(example())).toBe(true);
  });

  test.each([
    ["an unknown field of a secret", { secrets: { a: { arn: "a", overlapp: "1d" } } }],
    ["a duration without a unit", { secrets: { a: { arn: "a", overlap: "1" } } }],
    ["a word that consumers does not know", { secrets: { a: { arn: "a", consumers: "all" } } }],
    ["a schedule of two kinds", { secrets: { a: { arn: "a", rotate: { every: "1d", at: "2030-01-01" } } } }],
    ["a default that names one secret", { defaults: { arn: "a" } }],
    ["a kind of provider that is not there", { providers: { main: { kind: "opanai" } } }],
    ["a setting that its kind does not have", { providers: { main: { kind: "openai", projekt: "x" } } }],
  ])("it refuses %s", (_title, change) => {
    expect(validate({ ...example(), ...change })).toBe(false);
  });

  test("it takes a field that only people read, and defaults", () => {
    const more = {
      "x-usual": { anything: 1 },
      defaults: { overlap: "2d", consumers: "none" },
      name: "search",
    };
    expect(validate({ ...example(), ...more })).toBe(true);
  });
});
