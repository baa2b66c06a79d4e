import { mayGive, nameAround, nameEnd, valueIn } from "../../scan/assignments.ts";
import { beginningsOf } from "../../scan/beginnings.ts";
import { findIn } from "../../scan/find.ts";
import { numbersFrom } from "./corpus.ts";

const groups = {
  prefix: ["sk-", "sk-proj-", "re_", "AQ.", "secret_"],
  word: ["key", "secret", "uthorization"],
};

/** What a search at every place for every text finds. */
function searchedPlainly(bytes: Buffer): string[] {
  const text = bytes.toString("latin1");
  return Array.from(text).flatMap((_, at) =>
    Object.entries(groups).flatMap(([group, texts]) =>
      texts.filter((each) => text.startsWith(each, at)).map(() => `${at} ${group}`),
    ),
  );
}

const search = beginningsOf(groups);

function searched(bytes: Buffer): string[] {
  const found: string[] = [];
  search(bytes, (group, at) => found.push(`${at} ${group}`));
  return found;
}

test("every beginning is found in its order, wherever it stands in the file and the file in the memory", () => {
  const next = numbersFrom(20_261_130);
  const below = (count: number) => Math.floor(next() * count);
  const parts = [...Object.values(groups).flat(), "s", "k", "-", "_", "e", "\n", "\xe9", "Authorization"];
  for (let run = 0; run < 2_000; run += 1) {
    const text = Array.from({ length: below(12) }, () => parts[below(parts.length)]).join("");
    const memory = Buffer.from(`.${text}.`, "latin1");
    const bytes = run % 2 === 0 ? Buffer.from(text, "latin1") : memory.subarray(1, -1);
    expect([text, searched(bytes)]).toEqual([text, searchedPlainly(bytes)]);
  }
});

test("a text of two characters is refused, because it would begin nearly everywhere", () => {
  expect(() => beginningsOf({ prefix: ["r8"] })).toThrow('"r8" is too short to search for');
});

test("a file in UTF-16 is searched as its text, and its other characters are in no name", () => {
  const key = `sk-proj-${"aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF"}`;
  expect(findIn({ path: "a.ps1", text: `# \u0416\u0435\n$key = "${key}"` })).toMatchObject([
    { rule: "provider-key", line: 2, column: 9 },
  ]);
  const name = ["VITE", "OPENAI", "KEY"].join("_");
  expect(findIn({ path: "a.ps1", text: `${name} = 1` })).toHaveLength(1);
  // Characters of which each has the name's character as its low byte.
  const disguised = String.fromCharCode(...Array.from(name, (each) => each.charCodeAt(0) + 0x400));
  expect(findIn({ path: "a.ps1", text: `${disguised} = 1` })).toEqual([]);
});

test("a name reaches as far as its characters do, and its value stands behind it", () => {
  const text = 'x = {"acme-api-key": "v1"}';
  const [bytes, at] = [Buffer.from(text), text.indexOf("key")];
  const end = nameEnd(bytes, at);
  const name = nameAround(bytes, { at, end });
  expect(name).toEqual({ name: "acme-api-key", at: 6 });
  expect(valueIn(text.slice(end))).toEqual({ value: "v1", at: 4 });
});

test("what stands on the border of two parts of a large file is found", () => {
  for (let at = 65_500; at < 65_560; at += 1) {
    const text = `${".".repeat(at)}sk-proj-${".".repeat(70_000)}key`;
    expect([at, searched(Buffer.from(text))]).toEqual([
      at,
      [`${at} prefix`, `${at} prefix`, `${text.length - 3} word`],
    ]);
  }
});

test("a name that may be given no value is given none", () => {
  const next = numbersFrom(20_261_201);
  const below = (count: number) => Math.floor(next() * count);
  const signs = [
    "=",
    ":",
    "=>",
    ":=",
    '"',
    "'",
    "`",
    "\\",
    "]",
    ",",
    "-",
    "value",
    "Value",
    "Bearer ",
    "?",
    "\xa0",
  ];
  const parts = [
    ...signs,
    " ",
    "\n",
    "\n  ",
    "(",
    ";",
    "B",
    "v",
    "aB3",
    "a1",
    "abcdefghijkl",
    "0123456789abcdefghij",
  ];
  let given = 0;
  for (let run = 0; run < 50_000; run += 1) {
    const text = Array.from({ length: 2 + below(9) }, () => parts[below(parts.length)]).join("");
    const { value } = valueIn(text) ?? {};
    if (value === undefined) continue;
    given += 1;
    expect([text, mayGive(Buffer.from(text, "latin1"), 0, value.length)]).toEqual([text, true]);
  }
  expect(given).toBeGreaterThan(5_000);
});

test("a name for browsers is found behind another name too, and once", () => {
  const name = ["VITE", "OPENAI", "API", "KEY"].join("_");
  const lines = `token: ${"${{"} secrets.${name} }}\nuse(secrets.${name})\n`;
  expect(findIn({ path: "a.yml", bytes: Buffer.from(lines) })).toMatchObject([
    { rule: "client-side-secret", line: 1, column: 12 },
  ]);
});

test("a file with many beginnings gives the same keys as one with few", () => {
  const key = `sk-proj-${"aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF"}`;
  const few = findIn({ path: "a.ts", bytes: Buffer.from(`x("${key}")`) });
  const many = findIn({ path: "a.ts", bytes: Buffer.from(`x("${key}")${" sk-1".repeat(200)}`) });
  expect(few).toHaveLength(1);
  expect(many).toEqual(few);
});
