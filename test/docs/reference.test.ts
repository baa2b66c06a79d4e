import { readFileSync } from "node:fs";
import { commandTable } from "../../cli/command-table.ts";
import { cliReferencePage, errorsPage } from "../../docs/reference-pages.ts";

const textOf = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("docs/cli-reference.md is what the command line says of itself: `npm run docs:cli`", async () => {
  const page = await cliReferencePage();
  expect(textOf("docs/cli-reference.md")).toBe(page);
  for (const { name } of commandTable) expect(page).toContain(`\n## rekey ${name}\n`);
  expect(page).toContain("## rekey report access");
});

test("docs/errors.md has every error of the closed set: `npm run docs:cli`", () => {
  const source = textOf("core/errors.ts");
  const page = errorsPage(source);
  expect(textOf("docs/errors.md")).toBe(page);
  const names = [...source.matchAll(/override readonly name = "(\w+)"/g)].map(([, name]) => name);
  for (const name of names) expect(page).toContain(`| \`${name}\` |`);
});
