/**
 * The generic report, for senders that have no source of their own here: an in-house scanner, a partner, the
 * daily synthetic leak. Signed as described in edge/signed-envelope.ts. The body is
 *
 *     { "alerts": [{ "id": "17", "key": "<plaintext>", "exposure": "public", "where": ["https://…"] }] }
 *
 * Each alert names its key by `key`, `fingerprints`, `keyId` with `provider`, a redacted `hint`, or the
 * `location` where it was found: the first of these that is present counts. Unknown fields are refused,
 * because a mistyped field could mean a lost alert or carry the key.
 */
import * as z from "zod";
import { InputInvalid } from "../../core/errors.ts";
import type { Alert, AlertIdentity, AlertOutcome } from "../alert.ts";
import { alertLimits, FingerprintSchema } from "../alert.ts";
import { atMost, jsonIn, shaped, textOf } from "./edge/bounded-json.ts";
import { cleanOutcome } from "./edge/clean-outcome.ts";
import { type FindKeys, KnownPlaintexts } from "./edge/known-plaintexts.ts";
import { envelopeReplayKeys, whyNotSigned } from "./edge/signed-envelope.ts";
import type { Headers, IntakeSource } from "./edge/source.ts";
import { isoTimeMs } from "./edge/time.ts";

const bytesMax = 6 * 1024 * 1024;
const findingsMax = 1_000;
/** No provider shows more characters of a key than this at either end. */
const hintRunMax = 16;

const time = z.string().refine((text) => isoTimeMs(text) !== undefined, "is not an ISO 8601 time");
const text = z.string().min(1).max(4096);

const ReportedAlert = z.strictObject({
  id: text,
  key: z.string().optional(),
  fingerprints: z
    .array(z.string().toLowerCase().pipe(FingerprintSchema))
    .max(alertLimits.fingerprintsMax)
    .optional(),
  keyId: text.optional(),
  hint: text.optional(),
  location: text.optional(),
  provider: text.optional(),
  exposure: z.enum(["public", "private", "unknown"]).default("unknown"),
  verified: z.enum(["live", "dead", "unknown"]).default("unknown"),
  detectedAt: time.optional(),
  exposedAt: time.optional(),
  where: z.array(text).max(alertLimits.whereMax).default([]),
  test: z.boolean().optional(),
});
type ReportedAlert = z.output<typeof ReportedAlert>;

export const report: IntakeSource = {
  name: "report",
  signsTime: true,
  verify: (request, trust) => whyNotSigned(request, { ...trust, bytesMax }),
  replayKeys: envelopeReplayKeys,

  parse(body: Uint8Array, _headers: Headers, findKeys?: FindKeys): AlertOutcome {
    const what = "the report";
    const value = jsonIn(textOf(body, { bytesMax }), what);
    const { alerts } = shaped(z.strictObject({ alerts: z.array(z.unknown()) }), { value, what });

    const plaintexts = new KnownPlaintexts(findKeys);
    const start = atMost(alerts, findingsMax).map((given, index) => {
      const reported = shaped(ReportedAlert, { value: given, what: `alert ${index + 1} of the report` });
      return alertOf({ reported, identity: identityOf(reported, plaintexts) });
    });
    return cleanOutcome({ start, append: [], ignored: [] }, plaintexts);
  },
};

function alertOf({ reported, identity }: { reported: ReportedAlert; identity: AlertIdentity }): Alert {
  const detectedAtMs = isoTimeMs(reported.detectedAt);
  const exposedAtMs = isoTimeMs(reported.exposedAt);
  return {
    schema: 1,
    source: "report",
    sourceId: reported.id,
    identity,
    exposure: reported.exposure,
    verified: reported.verified,
    where: reported.location === undefined ? reported.where : [reported.location, ...reported.where],
    ...(reported.provider === undefined ? {} : { provider: reported.provider }),
    ...(reported.test === undefined ? {} : { test: reported.test }),
    ...(detectedAtMs === undefined ? {} : { detectedAtMs }),
    ...(exposedAtMs === undefined ? {} : { exposedAtMs }),
  };
}

function identityOf(reported: ReportedAlert, plaintexts: KnownPlaintexts): AlertIdentity {
  const { key, fingerprints = [], keyId, provider, hint, location } = reported;
  const learned = key === undefined ? [] : plaintexts.learn(key);
  if (key !== undefined && learned.length === 0) throw new InputInvalid("a reported key has no key's length");

  // A "hint" that shows nearly the whole key, and an id that looks like one, are keys in the wrong field.
  const overshared = hint !== undefined && isOvershared(hint) ? plaintexts.learn(hint) : [];
  const misplaced = plaintexts.learnKeysIn(keyId ?? "");
  const values = [...learned, ...fingerprints, ...overshared, ...misplaced];
  if (values.length > 0) return { kind: "fingerprint", values };
  if (keyId !== undefined && provider !== undefined) return { kind: "keyId", provider, keyId };
  if (hint !== undefined)
    return provider === undefined ? { kind: "hint", hint } : { kind: "hint", hint, provider };
  if (location !== undefined) return { kind: "location", url: location };
  throw new InputInvalid("a reported alert needs key, fingerprints, keyId with provider, hint or location");
}

function isOvershared(hint: string): boolean {
  return hint.split(/[*.\u2026]+/).some((run) => run.length > hintRunMax);
}
