/**
 * How a consumer's report is proven. Its signature is made with an Ed25519 pair that is derived from the API key
 * itself, so only who holds the key can testify for it (O8). The ledger keeps the public half, which says no more about
 * the key than a fingerprint does.
 */
import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject, verify } from "node:crypto";
import type { Secret } from "../core/secret.ts";
import type { ConsumerReport } from "./consumer-report.ts";

const purpose = "rekey report v1";
/** An Ed25519 private key in DER is this and 32 bytes, a public one the other (RFC 8410). */
const privatePrefix = Buffer.from("302e020100300506032b657004220420", "hex");
const publicPrefix = Buffer.from("302a300506032b6570032100", "hex");

/** The public half of a key's pair: 32 bytes in base64url. */
export function reportKeyOf(key: Secret): string {
  const seed = Buffer.from(hkdfSync("sha256", key.reveal(), "", purpose, 32));
  const pair = createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: "der", type: "pkcs8" });
  return createPublicKey(pair)
    .export({ format: "der", type: "spki" })
    .subarray(publicPrefix.length)
    .toString("base64url");
}

/** Whether whoever wrote this report held the key whose public half this is. */
export function isProvenBy(report: ConsumerReport, reportKey: string): boolean {
  const { proof } = report;
  if (proof === undefined) return false;
  return verify(
    undefined,
    Buffer.from(provenText(report, proof.sentAtMs)),
    publicKeyOf(reportKey),
    Buffer.from(proof.signature, "base64url"),
  );
}

/** The same few keys prove report after report, and reading one takes as long as checking a signature. */
const publicKeys = new Map<string, KeyObject>();
const publicKeysMax = 100;

function publicKeyOf(reportKey: string): KeyObject {
  const known = publicKeys.get(reportKey);
  if (known !== undefined) return known;
  const der = Buffer.concat([publicPrefix, Buffer.from(reportKey, "base64url")]);
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  if (publicKeys.size >= publicKeysMax) publicKeys.clear();
  publicKeys.set(reportKey, key);
  return key;
}

/** What is signed: every field, in a fixed order. sdk/client/proof.ts makes the same. */
function provenText(report: ConsumerReport, sentAtMs: number): string {
  const { kind, consumer, instance, secretArn, holds, uses, cause, sequence, maxStaleMs } = report;
  return JSON.stringify([
    ...[purpose, sentAtMs, kind, consumer, instance, secretArn, holds.fingerprint, holds.versionId],
    ...[cause, sequence, maxStaleMs],
    ...uses.map(({ fingerprint, lastSuccessAgoMs, lastRefusalAgoMs }) => [
      fingerprint,
      lastSuccessAgoMs,
      lastRefusalAgoMs,
    ]),
  ]);
}
