import { createECDH, type KeyObject, randomBytes, sign, verify } from "node:crypto";

/** P-256's group order. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const scalarBytes = 32;
const noncesMax = 16;

interface Signer {
  readonly key: KeyObject;
  /** The message is a SHA-256 digest already. Node always hashes, so these are signed by hand. */
  readonly isDigest: boolean;
}

/** An ECDSA signature over P-256 with SHA-256, in DER as KMS gives it. */
export function signatureOf(message: Buffer, { key, isDigest }: Signer): Buffer {
  return isDigest ? derOf(signDigest(message, scalarOf(key))) : sign("sha256", message, key);
}

/** Whether the key made this signature. With the private key, a digest is checked without adding points. */
export function verifies(message: Buffer, signature: Buffer, { key, isDigest }: Signer): boolean {
  if (!isDigest) return verify("sha256", message, key, signature);
  const pair = pairFrom(signature);
  return pair !== undefined && verifyDigest(message, pair, scalarOf(key));
}

interface Pair {
  readonly r: bigint;
  readonly s: bigint;
}

function signDigest(digest: Buffer, secret: bigint): Pair {
  for (let attempt = 1; attempt <= noncesMax; attempt += 1) {
    const nonce = modulo(toInteger(randomBytes(scalarBytes + 8)));
    if (nonce === 0n) continue;
    const r = modulo(multiplesX(nonce));
    const s = modulo(inverse(nonce) * (toInteger(digest) + r * secret));
    if (r !== 0n && s !== 0n) return { r, s };
  }
  throw new Error("no usable nonce: the random source is broken");
}

/** u1·G + u2·Q is (u1 + u2·d)·G if d is known. */
function verifyDigest(digest: Buffer, { r, s }: Pair, secret: bigint): boolean {
  if (r <= 0n || r >= order || s <= 0n || s >= order) return false;
  const w = inverse(s);
  const scalar = modulo(toInteger(digest) * w + r * w * secret);
  return scalar !== 0n && modulo(multiplesX(scalar)) === r;
}

/** The x coordinate of scalar·G. */
function multiplesX(scalar: bigint): bigint {
  const curve = createECDH("prime256v1");
  curve.setPrivateKey(toBytes(scalar));
  return toInteger(curve.getPublicKey().subarray(1, 1 + scalarBytes));
}

const scalarOf = (key: KeyObject): bigint =>
  toInteger(Buffer.from(key.export({ format: "jwk" }).d ?? "", "base64url"));

const modulo = (value: bigint): bigint => ((value % order) + order) % order;

/** By Fermat's little theorem, as the order is prime. */
function inverse(value: bigint): bigint {
  let result = 1n;
  let base = modulo(value);
  for (let exponent = order - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = modulo(result * base);
    base = modulo(base * base);
  }
  return result;
}

function derOf({ r, s }: Pair): Buffer {
  const body = Buffer.concat([derInteger(r), derInteger(s)]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

function derInteger(value: bigint): Buffer {
  const trimmed = toBytes(value)
    .toString("hex")
    .replace(/^(00)+(?=..)/, "");
  const bytes = Buffer.from(
    Number.parseInt(trimmed.slice(0, 2), 16) >= 0x80 ? `00${trimmed}` : trimmed,
    "hex",
  );
  return Buffer.concat([Buffer.from([0x02, bytes.length]), bytes]);
}

function pairFrom(der: Buffer): Pair | undefined {
  const rLength = der[3] ?? 0;
  const sLength = der[5 + rLength] ?? 0;
  const isShaped = der[0] === 0x30 && der[2] === 0x02 && der[4 + rLength] === 0x02;
  if (!isShaped || rLength === 0 || sLength === 0 || der.length !== 6 + rLength + sLength) return undefined;
  return { r: toInteger(der.subarray(4, 4 + rLength)), s: toInteger(der.subarray(6 + rLength)) };
}

const toInteger = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString("hex") || "0"}`);

const toBytes = (value: bigint): Buffer =>
  Buffer.from(value.toString(16).padStart(scalarBytes * 2, "0"), "hex");
