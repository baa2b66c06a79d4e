import { readdirSync, readFileSync } from "node:fs";
import { intakeSources } from "../../events/intake/index.ts";

const folder = new URL("../../docs/alert-sources/", import.meta.url);
const pages = readdirSync(folder).map((name) => name.replace(/\.md$/, ""));
const headers: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  github: { "x-github-event": "secret_scanning_alert" },
};

test("every source that reports leaked keys has a page", () => {
  expect(pages.sort()).toEqual([...intakeSources.keys()].sort());
});

test.each(pages)("what arrives from %s is read as its page says", (source) => {
  const page = readFileSync(new URL(`${source}.md`, folder), "utf8");
  const [, sample = ""] = /```json\n([\s\S]*?)```/.exec(page) ?? [];

  const outcome = intakeSources.get(source)?.parse(Buffer.from(sample), headers[source] ?? {});

  expect(outcome).toMatchObject({ append: [], ignored: [] });
  const [alert] = outcome?.start ?? [];
  expect(page).toContain(
    `\nRead as: key by ${alert?.identity.kind}, exposure ${alert?.exposure}, works: ${alert?.verified}.\n`,
  );
});
