import { readdirSync } from "node:fs";
import { docs, placeOutside, sections } from "../../site/pages.ts";

test("every page of docs/ has one place in the site's list, and the list names no other", () => {
  const files = readdirSync(docs, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".md"),
  );
  const listed = sections.flatMap(({ pages }) => pages);
  expect([...listed, "README.md"].sort()).toEqual(files.sort());
});

test.each([
  ["rules.md", "cli.md", undefined],
  ["#limits", "cli.md", undefined],
  ["https://example.com", "cli.md", undefined],
  ["../../AGENTS.md", "runbooks/README.md", "https://github.com/rekey-dev/rekey/blob/main/AGENTS.md"],
  [
    "../sdk/client/README.md#use",
    "consumers.md",
    "https://github.com/rekey-dev/rekey/blob/main/sdk/client/README.md#use",
  ],
  [
    "certificate.schema.json",
    "certificate.md",
    "https://github.com/rekey-dev/rekey/blob/main/docs/certificate.schema.json",
  ],
  ["decisions/", "README.md", "https://github.com/rekey-dev/rekey/blob/main/docs/decisions"],
])("a link to %s on %s leads to %s", (href, page, place) => {
  expect(placeOutside(href, page)?.replace(/\/$/, "")).toBe(place);
});
