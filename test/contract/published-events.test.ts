import { readFileSync } from "node:fs";
import { eventsPage, published } from "../../events/published.ts";
import { filesOf } from "../source-text.ts";

const root = new URL("../../", import.meta.url);

test("docs/events.md says what is published; npm run docs:events writes it", () => {
  expect(readFileSync(new URL("docs/events.md", root), "utf8")).toBe(eventsPage());
});

test("every documented event is published somewhere, and whatever is published is documented", () => {
  const code = filesOf(".ts")
    .filter(({ path }) => /^(?:functions|consumers)\//.test(path))
    .map(({ text }) => text)
    .join("\n");
  const machines = filesOf(".asl.json")
    .map(({ text }) => text)
    .join("\n");
  for (const type of Object.keys(published))
    expect([type, `${code}${machines}`.includes(`"${type}"`)]).toEqual([type, true]);
  const announced = [...machines.matchAll(/"DetailType": "(\w+)"/g)].map(([, type]) => type);
  const called = [...code.matchAll(/publish\(\s*\{\s*type: "(\w+)"/g)].map(([, type]) => type);
  expect(called.length).toBeGreaterThan(5);
  for (const type of [...announced, ...called]) expect(Object.keys(published)).toContain(type);
});
