/**
 * GitGuardian's custom webhook. It names the key by its HMSL hash, which is an alias in our index, so no
 * plaintext is needed. Only the dashboard's test message differs: it has another shape and contains a
 * plaintext.
 */
import * as z from "zod";
import type { Alert, AlertOutcome, IgnoredReason } from "../alert.ts";
import { jsonIn, optionalFlag, optionalText, shaped, textOf } from "./edge/bounded-json.ts";
import { cleanOutcome } from "./edge/clean-outcome.ts";
import { type FindKeys, KnownPlaintexts } from "./edge/known-plaintexts.ts";
import {
  hmacHex,
  isSameHex,
  refusal,
  sha256Hex,
  sha256HexIn,
  whyNotCheckable,
  whyNotNow,
} from "./edge/signature.ts";
import { type Headers, headerOf, type IntakeSource, type RawRequest, type Trust } from "./edge/source.ts";
import { epochOrIsoTimeMs, isoTimeMs } from "./edge/time.ts";

const bytesMax = 1024 * 1024;
const signatureHeader = "Gitguardian-Signature";
const timestampHeader = "Timestamp";
const timestampLengthMax = 40;

const Incident = z.object({
  id: z.union([z.int(), z.string().min(1)]),
  date: optionalText,
  detector: z.object({ name: optionalText, detector_group_name: optionalText }).optional().catch(undefined),
  hmsl_hash: optionalText,
  secret_revoked: optionalFlag,
  validity: optionalText,
  status: optionalText,
  declarative_secret_status: optionalText,
  gitguardian_url: optionalText,
});
type Incident = z.output<typeof Incident>;

const Occurrence = z.object({
  date: optionalText,
  sha: optionalText,
  url: optionalText,
  filepath: optionalText,
  source: z.object({ visibility: optionalText, full_name: optionalText }).optional().catch(undefined),
});

const Webhook = z.object({
  action: z.string(),
  incident: Incident,
  occurrence: Occurrence.optional().catch(undefined),
});
type Webhook = z.output<typeof Webhook>;

/** Recognised because it has no incident: nothing else in it is documented as stable. */
const TestMessage = z.object({
  incident: z.undefined().optional(),
  matches: z.unknown(),
  break_url: z.unknown(),
});

export const gitguardian: IntakeSource = {
  name: "gitguardian",
  signsTime: true,

  /** The HMAC's key is the timestamp followed by the token; the message is the raw body alone. */
  verify(request: RawRequest, trust: Trust) {
    const uncheckable = whyNotCheckable(request, { ...trust, bytesMax });
    if (uncheckable) return uncheckable;

    const header = headerOf(request.headers, signatureHeader);
    if (header === undefined) return refusal("HeaderMissing", signatureHeader);
    const timestamp = headerOf(request.headers, timestampHeader);
    if (timestamp === undefined) return refusal("HeaderMissing", timestampHeader);
    if (timestamp.length > timestampLengthMax) return refusal("TimestampMalformed", "too long");
    const given = sha256HexIn(header);
    if (given === undefined) return refusal("SignatureMalformed", "not sha256=<64 hex digits>");

    const expected = hmacHex(timestamp + trust.secret.reveal(), [request.body]);
    if (!isSameHex(expected, given)) return refusal("SignatureWrong", signatureHeader);
    return whyNotNow(epochOrIsoTimeMs(timestamp), trust);
  },

  replayKeys({ headers, body }: RawRequest) {
    return [`gitguardian:${sha256Hex(headerOf(headers, timestampHeader) ?? "", "\n", body)}`];
  },

  parse(body: Uint8Array, _headers: Headers, findKeys?: FindKeys): AlertOutcome {
    const value = jsonIn(textOf(body, { bytesMax }), "GitGuardian's event");
    if (isTestMessage(value)) return ignored("test", "test message");
    const webhook = shaped(Webhook, { value, what: "GitGuardian's event" });
    return cleanOutcome(outcomeOf(webhook), new KnownPlaintexts(findKeys));
  },
};

function isTestMessage(value: unknown): boolean {
  const message = TestMessage.safeParse(value);
  return message.success && (message.data.matches !== undefined || message.data.break_url !== undefined);
}

function outcomeOf(webhook: Webhook): AlertOutcome {
  const alert = alertOf(webhook);
  const { action, incident } = webhook;
  if (action === "incident_resolved" || action === "incident_ignored" || isClosed(incident)) {
    return ignored("resolved", alert.sourceId);
  }

  switch (action) {
    case "incident_triggered":
    case "incident_reopened":
    case "incident_regression":
    case "new_occurrence":
      return openingUnlessDead(alert);
    case "incident_validity_changed":
      return alert.verified === "unknown" ? appending(alert) : openingUnlessDead(alert);
    case "incident_severity_changed":
      return appending(alert);
    default:
      return ignored("unknownEvent", alert.sourceId);
  }
}

/**
 * A key that was seen in public opens an incident even if the source calls it dead: Rekey has to prove that
 * itself.
 */
function openingUnlessDead(alert: Alert): AlertOutcome {
  if (alert.verified === "dead" && alert.exposure !== "public") return ignored("inactive", alert.sourceId);
  return { start: [alert], append: [], ignored: [] };
}

function alertOf({ incident, occurrence }: Webhook): Alert {
  const detectedAtMs = isoTimeMs(incident.date);
  const exposedAtMs = isoTimeMs(occurrence?.date);
  const provider = incident.detector?.detector_group_name ?? incident.detector?.name;
  return {
    schema: 1,
    source: "gitguardian",
    sourceId: `incident:${incident.id}`,
    identity: identityOf(incident),
    exposure: exposureOf({ incident, visibility: occurrence?.source?.visibility }),
    verified: verifiedOf(incident),
    where: placesOf({ incident, occurrence }),
    ...(detectedAtMs === undefined ? {} : { detectedAtMs }),
    ...(exposedAtMs === undefined ? {} : { exposedAtMs }),
    ...(provider === undefined ? {} : { provider }),
  };
}

function identityOf(incident: Incident): Alert["identity"] {
  const hash = incident.hmsl_hash?.toLowerCase() ?? "";
  if (/^[0-9a-f]{64}$/.test(hash)) return { kind: "fingerprint", values: [`hmsl:${hash}`] };
  return { kind: "location", url: incident.gitguardian_url ?? `incident ${incident.id}` };
}

/** Only incidents of public monitoring state whether they were public (custom webhook page, 2026-11). */
function exposureOf(seen: { incident: Incident; visibility: string | undefined }): Alert["exposure"] {
  if (seen.visibility === "public" || seen.incident.declarative_secret_status !== undefined) return "public";
  return seen.visibility === "private" || seen.visibility === "internal" ? "private" : "unknown";
}

function verifiedOf(incident: Incident): Alert["verified"] {
  if (incident.secret_revoked === true || incident.validity === "invalid") return "dead";
  return incident.validity === "valid" ? "live" : "unknown";
}

function placesOf({ incident, occurrence }: Pick<Webhook, "incident" | "occurrence">): readonly string[] {
  const file = [occurrence?.source?.full_name, occurrence?.filepath, occurrence?.sha]
    .filter(Boolean)
    .join(" ");
  return [occurrence?.url ?? "", file, incident.gitguardian_url ?? ""];
}

function isClosed({ status = "" }: Incident): boolean {
  return ["resolved", "ignored"].includes(status.toLowerCase());
}

function appending(alert: Alert): AlertOutcome {
  return { start: [], append: [alert], ignored: [] };
}

function ignored(reason: IgnoredReason, sourceId: string): AlertOutcome {
  return { start: [], append: [], ignored: [{ reason, sourceId }] };
}
