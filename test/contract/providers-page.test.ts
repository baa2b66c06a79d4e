import { readFileSync } from "node:fs";
import { providers } from "../../providers/kinds.ts";
import { exampleOf, providersPage, providersSummary } from "../../providers/page.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("docs/providers.md says what the statements say; npm run docs:providers writes it", () => {
  expect(read("docs/providers.md")).toBe(providersPage());
});

test("the README's first page has the short form", () => {
  expect(read("README.md")).toContain(`<!-- providers -->\n${providersSummary()}\n<!-- end of providers -->`);
});

test("every provider is on the page, with an example that its own settings accept", () => {
  const page = providersPage();
  for (const provider of Object.values(providers)) {
    const { kind, title, settings } = provider;
    expect(page).toContain(`## ${title}\n`);
    // What any API can do is in its own declaration.
    if (kind === "http") continue;
    expect(page).toContain(`[${title}](#${kind})`);
    expect(settings.safeParse(exampleOf(provider))).toMatchObject({ success: true });
  }
});
