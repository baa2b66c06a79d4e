import { format, inspect } from "node:util";
import { Secret } from "../../core/secret.ts";

const text = "sk-FAKE-0000000000000000";
const secret = new Secret(text);

test("a secret shows itself to nobody but reveal", () => {
  expect(secret.reveal()).toBe(text);
  expect(secret.isEmpty).toBe(false);
  expect(new Secret("").isEmpty).toBe(true);
});

test.each([
  ["in a template", `${secret}`],
  ["joined to a text", String(secret)],
  ["as JSON", JSON.stringify({ secret })],
  ["printed", inspect(secret, { depth: 9, showHidden: true })],
  ["printed without its own words", inspect(secret, { customInspect: false, showHidden: true })],
  ["printed inside something else", inspect({ list: [secret] }, { depth: 9 })],
  ["formatted", format("%s %o %j", secret, secret, secret)],
  ["in an error", new Error(`about ${secret}`).message],
  ["as its own fields", JSON.stringify([Object.entries(secret), Reflect.ownKeys(secret)])],
  ["spread", JSON.stringify({ ...secret })],
])("a secret %s does not show", (_how, shown) => {
  expect(shown).not.toContain("FAKE");
});

test("it says that it is one instead", () => {
  expect([`${secret}`, JSON.stringify(secret), inspect(secret)]).toEqual([
    "[secret]",
    '"[secret]"',
    "[secret]",
  ]);
});

test("a secret that is copied as plain data leaves its text behind", () => {
  expect(JSON.stringify(structuredClone(secret))).not.toContain("FAKE");
  expect(Object.assign({}, secret)).toEqual({});
});
