import * as z from "zod";
import { InputInvalid } from "../core/errors.ts";
import type { Digest, SecretArn } from "../core/ports.ts";
import { canonicalJson } from "./canonical-json.ts";

/** Longer text is cut: a long name must neither stop a rotation nor fill the log. */
const textMax = 1_024;
/** With the longest texts an entry stays below half of what DynamoDB takes. */
const detailsMax = 30;
/** DynamoDB takes sort keys of 1,024 bytes. */
const idMax = 256;

/** What happened, in ids and names: no text from outside, no key material. */
export interface AuditEvent {
  /** Identifies the occurrence, in at most 256 characters: appending the same id again changes nothing. */
  readonly id: string;
  /** Milliseconds since the epoch. If absent, the time of the append. */
  readonly atMs?: number;
  /** The AWS principal, or the step, that did it. */
  readonly actor: string;
  readonly action: string;
  readonly detail?: Readonly<Record<string, string | number | boolean>>;
}

export const auditEntry = z.object({
  secretArn: z.string(),
  seq: z.int().positive(),
  id: z.string(),
  atMs: z.number(),
  actor: z.string(),
  action: z.string(),
  detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  previousHash: z.string(),
  hash: z.string(),
});

/** One link: `hash` covers every other field, and through `previousHash` every entry before it. */
export type AuditEntry = Readonly<z.infer<typeof auditEntry>>;

/** The `previousHash` of the first entry. */
export const noHash = "0".repeat(64);

export interface Place {
  readonly secretArn: SecretArn;
  readonly seq: number;
  readonly previousHash: string;
}

export function entryAt(place: Place, event: Required<AuditEvent>, digest: Digest): AuditEntry {
  const detail = Object.entries(event.detail)
    .filter(([name]) => name !== "__proto__")
    .slice(0, detailsMax)
    .map(([name, value]) => [tidy(name), tidyValue(value)] as const);
  const unhashed = {
    ...place,
    id: event.id,
    atMs: event.atMs,
    actor: tidy(event.actor),
    action: tidy(event.action),
    detail: Object.fromEntries(detail),
  };
  return { ...unhashed, hash: digest.sha256Hex(canonicalJson(unhashed)) };
}

/** A long id is refused, not cut: two ids could become the same, and the second event would never be logged. */
export function assertEvent({ id, atMs }: Required<AuditEvent>): void {
  if (id === "" || id.length > idMax || !id.isWellFormed()) {
    throw new InputInvalid(`the id of an audit event has 1 to ${idMax} characters of Unicode text`);
  }
  if (!Number.isSafeInteger(atMs)) throw new InputInvalid(`${atMs} is no time of an audit event`);
}

/** The entry in a record's body, or undefined if the body has another shape. */
export function entryIn(body: unknown): AuditEntry | undefined {
  const parsed = auditEntry.safeParse(body);
  return parsed.success ? parsed.data : undefined;
}

/** Computed over everything that is stored, so that a field that somebody added changes it too. */
export function hashOf(body: object, digest: Digest): string {
  return digest.sha256Hex(canonicalJson({ ...body, hash: undefined }));
}

/** Replaces lone surrogates. They have no UTF-8 form, so the table would change them, and with them the hash. */
function tidy(text: string): string {
  return text.slice(0, textMax).toWellFormed();
}

/**
 * Some numbers change on their way through JSON or the table's decimals. These are stored as text, or the
 * hash would differ.
 */
function tidyValue(value: string | number | boolean): string | number | boolean {
  if (typeof value === "boolean" || Number.isSafeInteger(value)) return value;
  return tidy(String(value));
}
