import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { Secret } from "../../core/secret.ts";
import { contract } from "./contract.ts";

/**
 * Keys travel sealed between Rekey and the function, because Lambda's own logs, traces and dead letters may keep a
 * payload. A box is X25519 with a pair made for this box alone, HKDF-SHA-256, and AES-256-GCM; docs/providers/lambda.md
 * has the bytes.
 */
export interface CallPair {
  readonly publicKey: string;
  open(box: string, about: string): Secret | undefined;
}

const ivBytes = 12;
const tagBytes = 16;
const keyBytes = 32;

/** A pair for one call: who records the call cannot open the answer later. */
export function callPair(): CallPair {
  return pairOf(generateKeyPairSync("x25519").privateKey);
}

export function pairOf(privateKey: KeyObject): CallPair {
  const own = rawOf(createPublicKey(privateKey));
  return {
    publicKey: own.toString("base64url"),
    open(box, about) {
      const bytes = Buffer.from(box, "base64url");
      if (bytes.length <= keyBytes + ivBytes + tagBytes) return undefined;
      const theirs = bytes.subarray(0, keyBytes);
      const iv = bytes.subarray(keyBytes, keyBytes + ivBytes);
      const tag = bytes.subarray(keyBytes + ivBytes, keyBytes + ivBytes + tagBytes);
      try {
        const shared = diffieHellman({ privateKey, publicKey: publicKeyOf(theirs) });
        const key = boxKey(shared, { sender: theirs, recipient: own });
        const decipher = createDecipheriv("aes-256-gcm", key, iv).setAuthTag(tag).setAAD(aadOf(about));
        const text = Buffer.concat([
          decipher.update(bytes.subarray(keyBytes + ivBytes + tagBytes)),
          decipher.final(),
        ]);
        return new Secret(text.toString("utf8"));
      } catch {
        return undefined; // another pair's box, or one that was changed
      }
    },
  };
}

/** Seals a key to the function's own public key, for calls that need the key itself. */
export function sealTo(
  recipient: string,
  { text, about }: { readonly text: string; readonly about: string },
) {
  const theirs = Buffer.from(recipient, "base64url");
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  const sender = rawOf(publicKey);
  const shared = diffieHellman({ privateKey, publicKey: publicKeyOf(theirs) });
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv("aes-256-gcm", boxKey(shared, { sender, recipient: theirs }), iv);
  const data = Buffer.concat([cipher.setAAD(aadOf(about)).update(text, "utf8"), cipher.final()]);
  return Buffer.concat([sender, iv, cipher.getAuthTag(), data]).toString("base64url");
}

function boxKey(
  shared: Buffer,
  { sender, recipient }: { readonly sender: Buffer; readonly recipient: Buffer },
) {
  return Buffer.from(hkdfSync("sha256", shared, Buffer.concat([sender, recipient]), contract, keyBytes));
}

/** A box of one operation is none of another. */
function aadOf(about: string): Buffer {
  return Buffer.from(`${contract} ${about}`);
}

function rawOf(key: KeyObject): Buffer {
  return Buffer.from(String(key.export({ format: "jwk" }).x), "base64url");
}

function publicKeyOf(raw: Buffer): KeyObject {
  const jwk = { kty: "OKP", crv: "X25519", x: raw.toString("base64url") };
  return createPublicKey({ key: jwk, format: "jwk" });
}
