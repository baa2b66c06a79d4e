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

/** The boxes of the contract, as docs/providers/lambda.md describes them: epk | iv | tag | data, in base64url. */
const contract = "rekey-provider/1";
const lengths = { key: 32, iv: 12, tag: 16 } as const;

export function seal(
  text: string,
  { to, operation }: { readonly to: string; readonly operation: string },
): string {
  const recipient = Buffer.from(to, "base64url");
  const own = generateKeyPairSync("x25519");
  const epk = rawOf(own.publicKey);
  const key = boxKey(diffieHellman({ privateKey: own.privateKey, publicKey: keyOf(recipient) }), [
    epk,
    recipient,
  ]);
  const iv = randomBytes(lengths.iv);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(about(operation));
  const data = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([epk, iv, cipher.getAuthTag(), data]).toString("base64url");
}

/** Throws where the box was not made for this key pair and this operation. */
export function open(
  box: string,
  { privateKey, operation }: { readonly privateKey: KeyObject; readonly operation: string },
): string {
  const bytes = Buffer.from(box, "base64url");
  const take = (from: number, length: number) => bytes.subarray(from, from + length);
  const epk = take(0, lengths.key);
  const iv = take(lengths.key, lengths.iv);
  const tag = take(lengths.key + lengths.iv, lengths.tag);
  const data = bytes.subarray(lengths.key + lengths.iv + lengths.tag);
  const own = rawOf(createPublicKey(privateKey));
  const key = boxKey(diffieHellman({ privateKey, publicKey: keyOf(epk) }), [epk, own]);
  const decipher = createDecipheriv("aes-256-gcm", key, iv, { authTagLength: lengths.tag });
  decipher.setAuthTag(tag).setAAD(about(operation));
  return Buffer.concat([decipher.update(data), decipher.final()]).toString("utf8");
}

function boxKey(shared: Buffer, salt: readonly [Buffer, Buffer]): Buffer {
  return Buffer.from(hkdfSync("sha256", shared, Buffer.concat(salt), contract, 32));
}

function about(operation: string): Buffer {
  return Buffer.from(`${contract} ${operation}`);
}

export function rawOf(key: KeyObject): Buffer {
  return Buffer.from(String(key.export({ format: "jwk" }).x), "base64url");
}

function keyOf(raw: Buffer): KeyObject {
  return createPublicKey({ key: { kty: "OKP", crv: "X25519", x: raw.toString("base64url") }, format: "jwk" });
}
