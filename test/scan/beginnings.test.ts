import { assignmentOf, nameAround } from "../../scan/assignments.ts";
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
  const { name, end } = nameAround(Buffer.from(text), text.indexOf("key"));
  expect([name?.text, end]).toEqual(["acme-api-key", 18]);
  expect(name && assignmentOf(name, text.slice(end))).toMatchObject({
    name: "acme-api-key",
    value: "v1",
    valueAt: 22,
  });
});
