/**
 * One report of a leaked key, in the one form that everything behind the intake reads, wherever it came from.
 * It never holds the key itself.
 */
import * as z from "zod";
import type { Fingerprint } from "../core/ports.ts";

export const alertSources = ["github", "gitguardian", "trufflehog", "gitleaks", "report", "person"] as const;
export type AlertSource = (typeof alertSources)[number];

/**
 * How the key is named, from the most to the least exact. Only the first two may contain without a person.
 */
export type AlertIdentity =
  | { readonly kind: "fingerprint"; readonly values: readonly Fingerprint[] }
  | { readonly kind: "keyId"; readonly provider: string; readonly keyId: string }
  | { readonly kind: "hint"; readonly provider?: string; readonly hint: string }
  /** `url` is where the key was found: an address, or a file and line where the source has no address. */
  | { readonly kind: "location"; readonly url: string };

export interface Alert {
  readonly schema: 1;
  readonly source: AlertSource;
  /** The alert's id at its source: the same again when the source repeats itself. */
  readonly sourceId: string;
  /** When the source says that it noticed. A claim: the sender may have moved it. */
  readonly detectedAtMs?: number;
  /** When the source says that the key first lay open (a commit's date). A claim too. */
  readonly exposedAtMs?: number;
  readonly identity: AlertIdentity;
  readonly exposure: "public" | "private" | "unknown";
  /** Whether the source tried the key. */
  readonly verified: "live" | "dead" | "unknown";
  /** A lower-case name to show and to search by; what the ledger says of the key counts. */
  readonly provider?: string;
  readonly where: readonly string[];
  /** A synthetic leak of our own: it runs the whole way, and pages in test mode. */
  readonly test?: boolean;
}

export type IgnoredReason = "canary" | "resolved" | "test" | "inactive" | "unknownEvent" | "suppressed";

export interface AlertOutcome {
  /** Each opens an incident, or is appended to the one that its key already has. */
  readonly start: readonly Alert[];
  /** Facts for an incident that exists; they open none. */
  readonly append: readonly Alert[];
  readonly ignored: readonly { readonly reason: IgnoredReason; readonly sourceId: string }[];
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

/** Both ends of the alert bus check with it: strict, so that no field can carry what was not cleaned. */
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
