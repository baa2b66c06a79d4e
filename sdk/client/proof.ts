import type { ConsumerReport, KeyVersion } from "./consumer-report.ts";

/** Loaded when it is first used: loading takes longer than the rest of this package. */
const crypto = () => process.getBuiltinModule("node:crypto");

const purpose = "rekey report v1";
/** An Ed25519 private key in DER is this and 32 bytes (RFC 8410). */
const privatePrefix = "302e020100300506032b657004220420";

/** Signs a report with the pair of one key. */
export type Sign = (report: ConsumerReport, sentAtMs: number) => NonNullable<ConsumerReport["proof"]>;

/**
 * The pair is derived from the API key itself (HKDF-SHA256, Ed25519): who reports that it holds the key shows that it
 * does. What is signed is what events/report-proof.ts checks: every field, in a fixed order.
 */
export function signerFor(keyText: string): Sign {
  const seed = Buffer.from(crypto().hkdfSync("sha256", keyText, "", purpose, 32));
  const der = Buffer.concat([Buffer.from(privatePrefix, "hex"), seed]);
  const pair = crypto().createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return (report, sentAtMs) => {
    const { kind, consumer, instance, secretArn, holds, uses, cause, sequence, maxStaleMs } = report;
    const text = JSON.stringify([
      ...[purpose, sentAtMs, kind, consumer, instance, secretArn, holds.fingerprint, holds.versionId],
      ...[cause, sequence, maxStaleMs],
      ...uses.map((use) => [use.fingerprint, use.lastSuccessAgoMs, use.lastRefusalAgoMs]),
    ]);
    return { sentAtMs, signature: crypto().sign(undefined, Buffer.from(text), pair).toString("base64url") };
  };
}

/** By what was read: who forgot a version cannot testify for it any more. */
const signers = new WeakMap<KeyVersion, Sign>();

export function keepSigner(version: KeyVersion, keyText: string): void {
  signers.set(version, signerFor(keyText));
}

/** Signs reports about this version, as the cache gave it out. */
export const signerOf = (version: KeyVersion): Sign | undefined => signers.get(version);
