import { readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { SourceTextModule } from "node:vm";
import { parseAllDocuments } from "yaml";
import { commandsIn, whyNotParsed } from "../cli/printed-command.ts";

const folder = new URL("../../docs/recipes/", import.meta.url);
const pages = readdirSync(folder).filter((name) => name.endsWith(".md"));
const recipes = pages.filter((name) => name !== "README.md");

interface Block {
  readonly language: string;
  readonly code: string;
}

function blocksIn(page: string): readonly Block[] {
  const text = readFileSync(new URL(page, folder), "utf8");
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = "", code = ""]) => ({
    language,
    code,
  }));
}

/** Undefined if the code is well-formed. */
const parsers: Readonly<Record<string, (code: string) => string | undefined>> = {
  ts: (code) => failureOf(() => new SourceTextModule(stripTypeScriptTypes(code))),
  json: (code) => failureOf(() => JSON.parse(code)),
  yaml: (code) => parseAllDocuments(code).flatMap(({ errors }) => errors.map(({ message }) => message))[0],
  sh: (code) =>
    /^\s*(rekey|npm|docker|rekey-host|--secret)\b|^\s*--secret/m.test(code) ? undefined : "no known command",
  python: (code) => (/\t| $/m.test(code) ? "a tab, or a space at the end of a line" : undefined),
  dockerfile: (code) => (/^FROM \S+/.test(code) ? undefined : "it begins with FROM"),
};

function failureOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

test.each(recipes)("the code of %s is well-formed", (page) => {
  const blocks = blocksIn(page);
  expect(blocks.length).toBeGreaterThan(1);
  const wrong = blocks.flatMap(({ language, code }) => {
    const parse = parsers[language];
    const why = parse === undefined ? "no parser for it" : parse(code);
    return why === undefined ? [] : [`${language}: ${why}`];
  });
  expect(wrong).toEqual([]);
});

test("a mistake in code is found", () => {
  expect(parsers["ts"]?.("const a: = 1;")).toBeDefined();
  expect(parsers["json"]?.("{")).toBeDefined();
  expect(parsers["yaml"]?.("a: [")).toBeDefined();
});

test.each(recipes)("each rekey command of %s is one that the command line takes", async (page) => {
  const commands = blocksIn(page)
    .filter(({ language }) => language === "sh")
    .flatMap(({ code }) => commandsIn(code));
  expect(commands.length).toBeGreaterThan(0);
  for (const command of commands)
    expect([command, await whyNotParsed(command)]).toEqual([command, undefined]);
});

test.each(recipes)(
  "%s says how the consumer stands in the policy, and names only kinds of evidence that exist",
  (page) => {
    const schema = readFileSync(new URL("../rekey.schema.json", folder), "utf8");
    const declared = blocksIn(page).filter(
      ({ language, code }) => language === "yaml" && /^consumers:/m.test(code),
    );
    expect(declared.length).toBeGreaterThan(0);
    const kinds = declared.flatMap(({ code }) =>
      [...code.matchAll(/evidence: \[([\w, ]+)\]/g)].flatMap(([, list = ""]) => list.split(", ")),
    );
    for (const kind of kinds) expect(schema).toContain(`"${kind}"`);
  },
);

test.each(recipes)("the policies of %s allow no action by a pattern", (page) => {
  const documents = blocksIn(page)
    .filter(({ language, code }) => language === "json" && code.includes('"Statement"'))
    .map(
      ({ code }) =>
        JSON.parse(code) as {
          readonly Statement: readonly { readonly Action: string | readonly string[] }[];
        },
    );
  for (const { Statement } of documents)
    for (const { Action } of Statement)
      for (const action of [Action].flat()) expect(action).not.toContain("*");
});

test("the index names each recipe once", () => {
  const index = readFileSync(new URL("README.md", folder), "utf8");
  for (const page of recipes) expect(index.split(`(${page})`)).toHaveLength(2);
});
