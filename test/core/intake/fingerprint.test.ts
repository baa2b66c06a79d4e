import { createHash } from "node:crypto";
import { Secret } from "../../../core/secret.ts";
import { aliasesOf, fingerprintOf, fingerprintsOf, variantsOf } from "../../../events/fingerprint.ts";

const key = "sk-proj-FAKE/FAKE+0001";

test("the fingerprint of a text and of a Secret that holds it is the same SHA-256", () => {
  expect(fingerprintOf("abc")).toBe(
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  expect(fingerprintOf(new Secret("abc"))).toBe(fingerprintOf("abc"));
});

test("the HMSL alias is the one that GitGuardian publishes", () => {
  const { hmsl } = aliasesOf(new Secret("sk_test_example"));

  expect(hmsl).toBe("hmsl:6e4b2965642f7d7516e501beedb8e2072bb35855f91ed2b7a97978735a2d4350");
  const hint = createHash("sha256")
    .update(Buffer.from(hmsl.slice(5), "hex"))
    .digest("hex");
  expect(hint).toMatch(/^b9d87d8a[0-9a-f]+caeb0$/);
});

test("the SHA-1 alias is the hash that detect-secrets stores", () => {
  expect(aliasesOf("abc").sha1).toBe("sha1:a9993e364706816aba3e25717850c26c9cd0d89d");
});

describe("a wrapped key has the fingerprint of the key itself", () => {
  const wrapped = {
    "with white space": ` ${key}\n`,
    "in double quotes": `"${key}"`,
    "in single quotes": `'${key}'`,
    "in base64": Buffer.from(key).toString("base64"),
    "in base64url without padding": Buffer.from(key).toString("base64url"),
    "URL-encoded": encodeURIComponent(key),
    "with JSON escapes": "sk-proj-FAKE\\/FAKE\\u002b0001",
    "as base64 of a quoted string": Buffer.from(`"${key}"`).toString("base64"),
  };

  for (const [how, text] of Object.entries(wrapped)) {
    test(how, () => {
      expect(fingerprintsOf(text)).toContain(fingerprintOf(key));
    });
  }
});

test("a text is also fingerprinted as it stands, since a store may hold the line break too", () => {
  expect(fingerprintsOf(`${key}\n`)).toEqual([fingerprintOf(key), fingerprintOf(`${key}\n`)]);
});

test("bytes that are base64 by accident add no variant", () => {
  expect(variantsOf("FAKEFAKEFAKEFAKE/+/+")).toEqual(["FAKEFAKEFAKEFAKE/+/+"]);
});

test("what is too short or too long to be a key has no fingerprints", () => {
  expect(fingerprintsOf(" secret ")).not.toContain(fingerprintOf("secret"));
  expect(fingerprintsOf("secret")).toEqual([]);
  expect(fingerprintsOf("x".repeat(65_537))).toEqual([]);
});

test("a text wrapped many times over stops being unwrapped", () => {
  let text = "FAKE key of many wrappings";
  for (let n = 0; n < 20; n += 1) text = Buffer.from(text).toString("base64");

  expect(variantsOf(text).length).toBeLessThanOrEqual(8);
});

test("malformed wrappings are taken as they are", () => {
  for (const text of [
    "FAKE%E0%A4%A-key",
    "FAKE\\q-key-text",
    '"FAKE-key',
    "\uD800FAKE-lone-surrogate",
    '"FAKEFAKE\\"',
  ]) {
    expect(variantsOf(text)).toContain(text);
  }
});
