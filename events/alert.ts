/**
 * One report of a leaked key, in the form that everything after the intake reads, whatever the source. It
 * never holds the key itself.
 */
import * as z from "zod";
import type { Fingerprint } from "../core/ports.ts";

export const alertSources = ["github", "gitguardian", "trufflehog", "gitleaks", "report", "person"] as const;
export type AlertSource = (typeof alertSources)[number];

/**
 * How the key is identified, from the most to the least exact. Only the first two may lead to containment
 * without a person.
 */
export type AlertIdentity =
  | { readonly kind: "fingerprint"; readonly values: readonly Fingerprint[] }
  | { readonly kind: "keyId"; readonly provider: string; readonly keyId: string }
  | { readonly kind: "hint"; readonly provider?: string; readonly hint: string }
  /** `url` is where the key was found: an address, or file and line if the source has no address. */
  | { readonly kind: "location"; readonly url: string };

export interface Alert {
  readonly schema: 1;
  readonly source: AlertSource;
  /** The alert's id at its source. If the source sends the same alert again, the id is the same. */
  readonly sourceId: string;
  /** When the source says it noticed the key. Only a claim: the sender may have changed it. */
  readonly detectedAtMs?: number;
  /** When the source says the key was first exposed (the date of a commit). Only a claim. */
  readonly exposedAtMs?: number;
  readonly identity: AlertIdentity;
  readonly exposure: "public" | "private" | "unknown";
  /** Whether the source tried the key, and whether it worked. */
  readonly verified: "live" | "dead" | "unknown";
  /** A lower-case name, only for showing and searching. The key's real provider comes from the ledger. */
  readonly provider?: string;
  readonly where: readonly string[];
  /** A synthetic leak of our own: it takes the whole path, and pages in test mode. */
  readonly test?: boolean;
}

export type IgnoredReason = "canary" | "resolved" | "test" | "inactive" | "unknownEvent" | "suppressed";

export interface AlertOutcome {
  /** Each opens an incident, or is added to the one that its key already has. */
  readonly start: readonly Alert[];
  /** Facts for an incident that exists. They do not open one. */
  readonly append: readonly Alert[];
  readonly ignored: readonly { readonly reason: IgnoredReason; readonly sourceId: string }[];
  /** How many texts of the report held a key and were changed; absent if none. */
  readonly hidden?: number;
}

export const alertLimits = {
  idLength: 256,
  providerLength: 64,
  hintLength: 100,
  fingerprintsMax: 64,
  whereMax: 20,
  whereLength: 300,
} as const;

export const FingerprintSchema = z
  .string()
  .regex(/^(?:sha256:[0-9a-f]{64}|hmsl:[0-9a-f]{64}|sha1:[0-9a-f]{40})$/, "is not a fingerprint");

const id = z.string().min(1).max(alertLimits.idLength);
const place = z.string().min(1).max(alertLimits.whereLength);
const provider = z.string().min(1).max(alertLimits.providerLength);
const timeMs = z.int().nonnegative();

const IdentitySchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("fingerprint"),
    values: z.array(FingerprintSchema).min(1).max(alertLimits.fingerprintsMax),
  }),
  z.strictObject({ kind: z.literal("keyId"), provider, keyId: id }),
  z.strictObject({
    kind: z.literal("hint"),
    provider: provider.exactOptional(),
    hint: z.string().min(1).max(alertLimits.hintLength),
  }),
  z.strictObject({ kind: z.literal("location"), url: place }),
]);

/**
 * Both ends of the alert bus check with this schema. It is strict, so that no field can carry text that was
 * not cleaned.
 */
export const AlertSchema = z.strictObject({
  schema: z.literal(1),
  source: z.enum(alertSources),
  sourceId: id,
  detectedAtMs: timeMs.exactOptional(),
  exposedAtMs: timeMs.exactOptional(),
  identity: IdentitySchema,
  exposure: z.enum(["public", "private", "unknown"]),
  verified: z.enum(["live", "dead", "unknown"]),
  provider: provider.exactOptional(),
  where: z.array(place).max(alertLimits.whereMax),
  test: z.boolean().exactOptional(),
}) satisfies z.ZodType<Alert>;
