/**
 * A key crosses a boundary only as its fingerprint. Rekey's own is SHA-256. The aliases are the forms that
 * alert sources use, so that a source's hash can be matched without the key.
 */
import { createHash, scryptSync } from "node:crypto";
import type { Fingerprint } from "../core/ports.ts";
import { Secret } from "../core/secret.ts";

/** No provider issues a shorter key, and the hash of a short word could match by accident. */
export const keyLengthMin = 8;
/** The largest value that Secrets Manager stores. */
export const keyLengthMax = 65_536;
/** A leaked key may be wrapped twice (base64 of a JSON string). Unwrapping more often is not worth the hashing. */
const unwrapRoundsMax = 3;
const variantsMax = 8;

export interface Aliases {
  readonly sha256: Fingerprint;
  readonly sha1: Fingerprint;
  readonly hmsl: Fingerprint;
}

/** What is kept and shown in the place of a key that somebody wrote into a text. */
export function shownFor(key: string): string {
  return `[key ${fingerprintOf(key).slice(0, shownFingerprintLength)}]`;
}

/** "sha256:" and twelve digits: enough to find the key by, far too few to test a guess of it. */
const shownFingerprintLength = 19;

export function fingerprintOf(text: string | Secret): Fingerprint {
  return `sha256:${hashHex("sha256", plain(text))}`;
}

/**
 * Every alias of one key. HMSL takes about 6 ms of CPU, so this is used for the index, not for a scanner's
 * findings. SHA-1 has no salt and HMSL a static one, so they protect only keys of high entropy: treat both as
 * sensitive.
 */
export function aliasesOf(text: string | Secret): Aliases {
  return {
    sha256: fingerprintOf(text),
    sha1: `sha1:${hashHex("sha1", plain(text))}`,
    hmsl: `hmsl:${hmslHex(plain(text))}`,
  };
}

/**
 * The fingerprints of every form in which `text` may contain one key, the likeliest first; none if it is not
 * a key.
 */
export function fingerprintsOf(text: string | Secret): readonly Fingerprint[] {
  return variantsOf(text).map(fingerprintOf);
}

/** A line of a `.env` file, a shell script or a header, such as `export OPENAI_API_KEY="sk-…"  # main`. */
const namedValue =
  /^(?:export\s+|set\s+)?["']?[A-Za-z_][\w.-]{0,127}["']?\s{0,8}[=:]\s{0,8}(?:Bearer\s+)?(\S.*)$/;

/** The values of the lines that name one, as in a `.env` file. */
export function namedValuesIn(text: string): readonly string[] {
  return text.split(/\r?\n/).flatMap((line) => namedValue.exec(line.trim())?.[1] ?? []);
}

/** The fingerprints of every key that a pasted text may be: the text itself, or the value that it names. */
export function fingerprintsInPaste(text: string): readonly Fingerprint[] {
  const values = namedValuesIn(text).flatMap((value) => [
    value.replace(/\s#.*$/, "").replace(/[;,]$/, ""),
    value,
  ]);
  return [...new Set([text, ...values].flatMap(fingerprintsOf))].slice(0, pastedFingerprintsMax);
}

/** As many as one report may name. */
const pastedFingerprintsMax = 64;

/** `key` trimmed, and what remains of it without quotes, base64, URL encoding and JSON escapes. */
export function variantsOf(key: string | Secret): readonly string[] {
  const given = plain(key);
  if (given.length > keyLengthMax) return [];

  const variants = new Set([given.trim(), given]);
  let wrapped = [...variants];
  for (let n = 0; n < unwrapRoundsMax && wrapped.length > 0; n += 1) {
    const unwrapped = wrapped.flatMap((text) => unwrappings.map((unwrap) => unwrap(text)));
    wrapped = [...new Set(unwrapped)].filter((text) => !variants.has(text)).slice(0, variantsMax);
    for (const text of wrapped) variants.add(text);
  }
  return [...variants].filter((variant) => variant.length >= keyLengthMin).slice(0, variantsMax);
}

const unwrappings: readonly ((text: string) => string)[] = [
  trimmed,
  withoutQuotes,
  fromBase64,
  fromUrl,
  fromJson,
];

function trimmed(text: string): string {
  return text.trim();
}

function withoutQuotes(text: string): string {
  const quote = text[0];
  const isQuoted = quote !== undefined && "\"'`".includes(quote) && text.length > 1 && text.endsWith(quote);
  return isQuoted ? text.slice(1, -1) : text;
}

/** Most keys are valid base64 by accident, so only what decodes to printable UTF-8 counts. */
function fromBase64(text: string): string {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return text;
  const decoded = utf8In(Buffer.from(text, "base64"));
  return decoded === undefined || /[^\P{Cc}\s]/u.test(decoded) ? text : decoded;
}

/** The text of these bytes; undefined if they are not UTF-8. */
export function utf8In(bytes: Uint8Array): string | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString("utf8");
  return Buffer.from(text, "utf8").equals(buffer) ? text : undefined;
}

function fromUrl(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch (malformed) {
    if (malformed instanceof URIError) return text;
    throw malformed;
  }
}

function fromJson(text: string): string {
  if (!text.includes("\\")) return text;
  try {
    return String(JSON.parse(`"${text}"`));
  } catch (malformed) {
    if (malformed instanceof SyntaxError) return text;
    throw malformed;
  }
}

/** By SHA-256, never by the key: applying and indexing ask for the hash of the same keys over and over. */
const hmslKnown = new Map<string, string>();
const hmslKnownMax = 1_000;

/** GitGuardian's "Has My Secret Leaked" hash; parameters as published in ggshield. */
function hmslHex(text: string): string {
  const name = hashHex("sha256", text);
  const known = hmslKnown.get(name);
  if (known !== undefined) return known;
  const salt = createHash("sha256").update("GitGuardian").digest();
  const made = scryptSync(text, salt, 32, { N: 2048, r: 8, p: 1 }).toString("hex");
  if (hmslKnown.size >= hmslKnownMax) hmslKnown.clear();
  hmslKnown.set(name, made);
  return made;
}

function hashHex(algorithm: "sha1" | "sha256", text: string): string {
  return createHash(algorithm).update(text, "utf8").digest("hex");
}

function plain(text: string | Secret): string {
  return text instanceof Secret ? text.reveal() : text;
}
