import { createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { envelopeText, keyidOf, payloadType, preAuthEncoding } from "../../../audit/dsse.ts";

const folder = new URL("golden/", import.meta.url);

export const goldenNames = [
  "rotated",
  "rotated-with-attestation",
  "overdue-then-resumed",
  "rolled-back",
  "needs-human",
  "aborted",
  "retained",
  "stopped",
  "contained",
  "contained-by-listing",
] as const;
export type GoldenName = (typeof goldenNames)[number];

export function golden(name: GoldenName): string {
  return readFileSync(new URL(`${name}.json`, folder), "utf8");
}

/** The key that signed every golden certificate; its private half was never kept. */
export function goldenPem(): string {
  return readFileSync(new URL("key.pem", folder), "utf8");
}

export const goldenKey = () => createPublicKey(goldenPem());

export function payloadOf(text: string): Buffer {
  return Buffer.from((JSON.parse(text) as { payload: string }).payload, "base64");
}

/** Signs what the stories ended with by a new key, and forgets the key. */
export function writeGoldens(certificates: ReadonlyMap<GoldenName, string>): void {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(new URL("key.pem", folder), publicKey.export({ type: "spki", format: "pem" }));
  for (const [name, text] of certificates) {
    const payload = payloadOf(text);
    const sig = sign("sha256", preAuthEncoding(payloadType, payload), privateKey).toString("base64");
    const signatures = [{ keyid: keyidOf(publicKey), sig }];
    const signed = envelopeText({ payload: payload.toString("base64"), payloadType, signatures });
    writeFileSync(new URL(`${name}.json`, folder), signed);
  }
}
