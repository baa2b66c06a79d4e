import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { parse as dotenv } from "dotenv";
import fc from "fast-check";
import { type Format, formats, type Pulled } from "../../cli/pull/formats.ts";

const folder = mkdtempSync(join(tmpdir(), "rekey-formats-"));
afterAll(() => rmSync(folder, { recursive: true }));

const path = { PATH: process.env["PATH"] };
const has = (tool: string, ...args: string[]) => spawnSync(tool, args, { env: path }).status === 0;

/** Letters that readers take for quotes, comments, expansions, line ends or expressions, among plain ones. */
const tricky = [
  "'",
  '"',
  "\\",
  "$",
  "`",
  "#",
  " ",
  "=",
  "{",
  "}",
  "%",
  "!",
  "\n",
  "\r",
  "\t",
  "é",
  "🔑",
  "a",
  "Z",
  "0",
];
const value = fc.oneof(
  fc.array(fc.constantFrom(...tricky), { minLength: 1, maxLength: 12 }).map((letters) => letters.join("")),
  fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" }),
  fc.constantFrom(
    "sk-proj-FAKE_abc-123",
    "Bearer sk-FAKE=",
    "$".concat("{HOME}"),
    "$(date)",
    "%{ if true }",
    "a # b",
    "it's",
  ),
);
/** The same values at each run: a failure is found again. */
const fixed = { seed: 20_261_130 };
const count = 400;

function formatOf(name: string): Format {
  const format = formats[name];
  if (format === undefined) throw new TypeError(name);
  return format;
}

function fileOf(name: string, values: readonly Pulled[]): { readonly text: string; readonly path: string } {
  const text = formatOf(name).write(values, "a test");
  const at = join(folder, formatOf(name).path);
  writeFileSync(at, text);
  return { text, path: at };
}

/** Values that this format takes, each under a name of its own. */
function valuesFor(name: string): readonly Pulled[] {
  return fc
    .sample(value, { ...fixed, numRuns: count })
    .map((text, nth) => ({ name: `V${nth}`, text }))
    .filter((each) => formatOf(name).mistake(each) === undefined);
}

const asObject = (values: readonly Pulled[]) =>
  Object.fromEntries(values.map(({ name, text }) => [name, text]));

describe("a .env file", () => {
  const values = valuesFor("env");

  test("takes most values", () => {
    expect(values.length).toBeGreaterThan(count / 4);
  });

  test("is read alike by dotenv and by Node", () => {
    const { text } = fileOf("env", values);
    expect(dotenv(text)).toEqual(asObject(values));
    expect(parseEnv(text)).toEqual(asObject(values));
  });

  test("is read alike by sh", () => {
    expect(fromShell(fileOf("env", values).path, values)).toEqual(asObject(values));
  });

  (has("python3", "-c", "import dotenv") ? test : test.skip)("is read alike by python-dotenv", () => {
    const { path: file } = fileOf("env", values);
    const code = "import dotenv, json, sys; print(json.dumps(dotenv.dotenv_values(sys.argv[1])))";
    const { stdout } = spawnSync("python3", ["-c", code, file], { env: path });
    expect(JSON.parse(stdout.toString())).toEqual(asObject(values));
  });

  test.each(["two\nlines", 'it\'s "both"', "it's $5", "$".concat("{HOME}"), "back\\slash"])(
    "refuses %j, which readers take for different values, and does not quote it",
    (text) => {
      const mistake = formatOf("env").mistake({ name: "KEY", text });
      expect(mistake).toContain("KEY has letters");
      expect(mistake).not.toContain(text);
    },
  );
});

/** What a program holds that sh started after it read the file. */
function fromShell(file: string, values: readonly Pulled[]): Record<string, string | undefined> {
  const code = `const names = ${JSON.stringify(values.map(({ name }) => name))};
    console.log(JSON.stringify(Object.fromEntries(names.map((name) => [name, process.env[name]]))));`;
  const script = 'set -a; . "$1"; exec "$2" -e "$3"';
  const { stdout, stderr } = spawnSync("sh", ["-c", script, "sh", file, process.execPath, code], {
    env: path,
  });
  expect(stderr.toString()).toBe("");
  return JSON.parse(stdout.toString());
}

test("a shell script sets every value as it is, line ends too", () => {
  const values = valuesFor("shell");
  expect(values.some(({ text }) => text.includes("\n"))).toBe(true);
  expect(fromShell(fileOf("shell", values).path, values)).toEqual(asObject(values));
});

test("JSON holds every value as it is", () => {
  const values = valuesFor("json");
  expect(values).toHaveLength(count);
  expect(JSON.parse(fileOf("json", values).text)).toEqual(asObject(values));
  expect(formatOf("json").mistake({ name: "__proto__", text: "FAKE" })).toContain("__proto__");
});

(has("terraform", "version") ? test : test.skip)(
  "tfvars holds every value as it is",
  () => {
    const values = valuesFor("tfvars").filter(({ text }) => text.normalize("NFC") === text);
    writeFileSync(join(folder, "main.tf"), values.map(({ name }) => `variable "${name}" {}\n`).join(""));
    fileOf("tfvars", values);
    const { stdout, stderr } = spawnSync("terraform", ["console"], {
      ...{ cwd: folder, env: { ...path, HOME: folder, CHECKPOINT_DISABLE: "1" } },
      input: `jsonencode([${values.map(({ name }) => `var.${name}`).join(", ")}])\n`,
    });
    expect(stderr.toString()).not.toContain("Error");
    // The console prints the text as a literal of its own language, in which ${ and %{ are doubled again or not.
    const printed = JSON.parse(stdout.toString()) as string;
    expect(JSON.parse(printed)).toEqual(values.map(({ text }) => text));
  },
  60_000,
);

test("tfvars doubles what would begin an expression", () => {
  expect(formatOf("tfvars").write([{ name: "A", text: '${ %{ "\\\n' }], "a test")).toBe(
    '# a test\nA = "$${ %%{ \\"\\\\\\u000a"\n',
  );
});

test.each(["env", "shell", "tfvars"])("%s takes only names of variables", (name) => {
  expect(formatOf(name).mistake({ name: "a/b", text: "FAKE" })).toContain("a/b");
  expect(formatOf(name).mistake({ name: "A; rm -rf ~", text: "FAKE" })).toBeDefined();
});

test("a NUL is refused by name", () => {
  expect(formatOf("shell").mistake({ name: "KEY", text: "a\0b" })).toBe(
    "KEY has a NUL, which no environment can hold",
  );
});

test.each(Object.keys(formats))("the names in a file of the form %s are found again", (name) => {
  const values = [
    { name: "ONE", text: "sk-FAKE" },
    { name: "TWO", text: "Bearer sk-FAKE" },
  ];
  expect(formatOf(name).namesIn(fileOf(name, values).text)).toEqual(["ONE", "TWO"]);
  expect(formatOf(name).namesIn("{ not a file")).toEqual([]);
});
