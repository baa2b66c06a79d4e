import { createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import * as z from "zod";
import { certificates } from "../../audit/certificates.ts";
import { envelopeText, keyidOf, openEnvelope, payloadType, preAuthEncoding } from "../../audit/dsse.ts";
import { whyNotCertificate } from "../../audit/verify-certificate.ts";
import { namedSubject, statement } from "../../core/certificate/statement.ts";
import { certificateStatement } from "../../events/certificate.ts";
import { nodeDigest } from "../../functions/wiring/base.ts";
import { golden, goldenKey, goldenNames, payloadOf } from "../machine/certificate/golden.ts";
import { memoryAnchor } from "./checkpoint-world.ts";

const publicKey = goldenKey();

function idIn(text: string): string {
  const { subject } = JSON.parse(payloadOf(text).toString()) as { subject: { name: string }[] };
  return subject[0]?.name.split(":")[1] ?? "";
}

describe.each(goldenNames)("the certificate %s", (name) => {
  const text = golden(name);
  const expected = idIn(text);

  test("verifies with its key, for the run or incident that it is about", () => {
    expect(whyNotCertificate(text, { publicKey, expected })).toBeUndefined();
  });

  test("is refused after any change of a byte", () => {
    const bytes = Buffer.from(text);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(bytes);
        changed[at] = (bytes[at] ?? 0) ^ change;
        expect(whyNotCertificate(changed.toString("utf8"), { publicKey, expected })).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });

  test("is refused with a byte more or less", () => {
    fc.assert(
      fc.property(fc.nat(text.length), fc.constantFrom(" ", "\n", "=", "A", ""), (at, more) => {
        const changed = text.slice(0, at) + more + text.slice(more === "" ? at + 1 : at);
        fc.pre(changed !== text);
        expect(whyNotCertificate(changed, { publicKey, expected })).toBeDefined();
      }),
      { numRuns: 300 },
    );
  });

  test("is refused where another run, or another key, was expected", () => {
    const other = createPublicKey(
      generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "pem" }),
    );
    expect(whyNotCertificate(text, { publicKey, expected: "r-0" })).toMatch(
      /^it is about .*, not about r-0$/,
    );
    expect(whyNotCertificate(text, { publicKey: other, expected })).toMatch(/^it names another key than /);
  });
});

test("what the signature covers is the encoding of the DSSE specification", () => {
  const encoded = preAuthEncoding("http://example.com/HelloWorld", Buffer.from("hello world"));
  expect(encoded.toString()).toBe("DSSEv1 29 http://example.com/HelloWorld 11 hello world");
});

test("a signature that was made for a checkpoint is none for a certificate", () => {
  const { privateKey, publicKey: own } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const payload = payloadOf(golden("rotated"));
  const sig = sign("sha256", Buffer.concat([Buffer.from("rekey-audit-checkpoint "), payload]), privateKey);
  const signatures = [{ keyid: keyidOf(own), sig: sig.toString("base64") }];
  const forged = envelopeText({ payload: payload.toString("base64"), payloadType, signatures });

  expect(openEnvelope(forged, own)).toEqual({
    why: "the signature is not this key's, or the content was changed",
  });
});

describe("filing", () => {
  const { privateKey, publicKey: own } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signer = {
    publicKey: async () => own.export({ type: "spki", format: "der" }),
    sign: async (bytes: Uint8Array) => ({
      signature: sign("sha256", bytes, privateKey).toString("base64"),
      keyId: "FAKE",
    }),
  };
  const stated = JSON.parse(payloadOf(golden("rotated")).toString());

  test("a second time answers with what was filed first, though time has passed", async () => {
    const shelf = memoryAnchor();
    const filing = certificates({ signer, shelf });
    const first = await filing.file("certificates/r-1.json", stated);
    const later = { ...stated, predicate: { ...stated.predicate, certifiedAt: "2027-01-01T00:00:00.000Z" } };

    expect(await filing.file("certificates/r-1.json", later)).toEqual(first);
    expect(shelf.stored.size).toBe(1);
  });

  test("where something else stands fails, and names it", async () => {
    const shelf = memoryAnchor();
    await shelf.write("certificates/r-1.json", golden("contained"));

    const filing = certificates({ signer, shelf }).file("certificates/r-1.json", stated);

    await expect(filing).rejects.toThrow("what is filed as certificates/r-1.json is no certificate");
  });

  test("a statement that is not as documented is refused, not filed as one that nobody can verify", async () => {
    const filing = certificates({ signer, shelf: memoryAnchor() });
    const bare = statement([namedSubject("rotation:r-1", nodeDigest)], { kind: "rotation" });

    await expect(filing.file("certificates/r-1.json", bare)).rejects.toThrow("not as documented");
  });
});

/** `GOLDEN=write` renews the file, after a change of what a certificate says. */
test("the schema in the documentation is the one that is checked", () => {
  const file = new URL("../../docs/certificate.schema.json", import.meta.url);
  const schema = { ...z.toJSONSchema(certificateStatement, { io: "input" }), title: "Rekey certificate" };
  if (process.env["GOLDEN"] === "write") writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(JSON.parse(JSON.stringify(schema)));
});

test("the payload's type is in-toto's", () => {
  for (const name of goldenNames) expect(JSON.parse(golden(name)).payloadType).toBe(payloadType);
});
