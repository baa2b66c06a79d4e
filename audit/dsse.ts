import { createHash, type KeyObject, verify } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";

/** A signed document as DSSE has it (https://github.com/secure-systems-lab/dsse), with a DER signature. */
export interface Envelope {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

export const payloadType = "application/vnd.in-toto+json";

/** What is signed: type and body with their lengths in bytes, so that nothing can move from one into the other. */
export function preAuthEncoding(type: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

/** SHA-256 of what an envelope's signature is over, in hex; undefined if the text is no envelope. */
export function signedDigestOf(text: string): string | undefined {
  const envelope = envelopeIn(text);
  if (envelope === undefined) return undefined;
  const signed = preAuthEncoding(envelope.payloadType, Buffer.from(envelope.payload, "base64"));
  return createHash("sha256").update(signed).digest("hex");
}

/** The SHA-256 of the key's DER form, in hex: it follows from the key, so no file can give a key another name. */
export function keyidOf(publicKey: KeyObject): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");
}

/** One value has one file: canonical JSON, and one newline. */
export function envelopeText(envelope: Envelope): string {
  return `${canonicalJson(envelope)}\n`;
}

/** Text, not bytes: every character of a valid file is ASCII, so a byte that is not shows as a changed character. */
export type Opened = { readonly payload: unknown } | { readonly why: string };

/**
 * The payload, if this key signed exactly this text. Base64 has unused bits and JSON has more than one spelling, so
 * everything is written again and compared: otherwise two different files could both verify.
 */
export function openEnvelope(text: string, publicKey: KeyObject): Opened {
  const envelope = envelopeIn(text);
  if (envelope === undefined) return { why: "it is no DSSE envelope with one signature" };
  if (envelopeText(envelope) !== text) return { why: "its JSON is not in the canonical form" };
  const { payload, payloadType: type, signatures } = envelope;
  const [signature] = signatures;
  if (signature === undefined || signatures.length !== 1) return { why: "it does not have one signature" };
  if (type !== payloadType)
    return { why: `its payload is ${JSON.stringify(type.slice(0, 80))}, not ${payloadType}` };
  const keyid = keyidOf(publicKey);
  if (signature.keyid !== keyid) return { why: `it names another key than ${keyid}` };
  const bytes = Buffer.from(payload, "base64");
  const sig = Buffer.from(signature.sig, "base64");
  if (bytes.toString("base64") !== payload || sig.toString("base64") !== signature.sig)
    return { why: "its base64 is not in the canonical form" };
  if (!verify("sha256", preAuthEncoding(type, bytes), publicKey, sig))
    return { why: "the signature is not this key's, or the content was changed" };
  return canonicalPayload(bytes);
}

function canonicalPayload(bytes: Buffer): Opened {
  const payload = parsed(bytes.toString("utf8"));
  if (payload === undefined || !Buffer.from(canonicalJson(payload)).equals(bytes))
    return { why: "the signed content is not canonical JSON" };
  return { payload };
}

function envelopeIn(text: string): Envelope | undefined {
  const value = parsed(text);
  if (!isObject(value)) return undefined;
  const { payload, payloadType: type, signatures } = value;
  const isSigned = (each: unknown): each is Envelope["signatures"][number] =>
    isObject(each) && typeof each["keyid"] === "string" && typeof each["sig"] === "string";
  if (typeof payload !== "string" || typeof type !== "string") return undefined;
  if (!Array.isArray(signatures) || !signatures.every(isSigned)) return undefined;
  return {
    ...{ payload, payloadType: type },
    signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig })),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
