import { readFileSync } from "node:fs";
import { destinationKinds } from "../../destinations/index.ts";
import { destinationsPage } from "../../destinations/page.ts";

test("docs/destinations.md says what the statements say; npm run docs:destinations writes it", () => {
  const page = readFileSync(new URL("../../docs/destinations.md", import.meta.url), "utf8");
  expect(page).toBe(destinationsPage());
});

test.each(Object.values(destinationKinds))("the example of $kind is one that its settings accept", (kind) => {
  const { kind: name, ...settings } = kind.docs.example;
  expect(name).toBe(kind.kind);
  expect(kind.settings.safeParse(settings)).toMatchObject({ success: true });
});
