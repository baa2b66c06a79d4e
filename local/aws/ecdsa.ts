import { type KeyObject, sign, verify } from "node:crypto";
import { p256 } from "@noble/curves/nist.js";

interface Signer {
  readonly key: KeyObject;
  /** The message is a SHA-256 digest already, which Node cannot sign as it is: it always hashes. */
  readonly isDigest: boolean;
}

const asGiven = { prehash: false, format: "der", lowS: false } as const;

/** An ECDSA signature over P-256 with SHA-256, in DER as KMS gives it. */
export function signatureOf(message: Buffer, { key, isDigest }: Signer): Buffer {
  if (!isDigest) return sign("sha256", message, key);
  return Buffer.from(p256.sign(message, secretOf(key), asGiven));
}

/** Whether the private key made this signature; a malformed one is only invalid. */
export function verifies(message: Buffer, signature: Buffer, { key, isDigest }: Signer): boolean {
  if (!isDigest) return verify("sha256", message, key, signature);
  try {
    return p256.verify(signature, message, p256.getPublicKey(secretOf(key)), asGiven);
  } catch {
    return false;
  }
}

function secretOf(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: "jwk" }).d ?? "", "base64url");
}
