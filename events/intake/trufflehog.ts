/**
 * TruffleHog v3 with `--json`: one finding per line, or the same in an array; and its older JSON. Read by `rekey report`, or
 * posted by CI under Rekey's own signature. Fields as in its source of 2026-08.
 */
import * as z from "zod";
import { InputInvalid } from "../../core/errors.ts";
import type { Alert, AlertOutcome } from "../alert.ts";
import { atMost, jsonIn, linesOf, optionalFlag, optionalText, shaped, textOf } from "./edge/bounded-json.ts";
import { cleanOutcome } from "./edge/clean-outcome.ts";
import { type FindKeys, KnownPlaintexts } from "./edge/known-plaintexts.ts";
import { envelopeReplayKeys, whyNotSigned } from "./edge/signed-envelope.ts";
import type { Headers, IntakeSource } from "./edge/source.ts";
import { isoTimeMs } from "./edge/time.ts";

const bytesMax = 16 * 1024 * 1024;
const findingsMax = 5_000;
/** With the log lines between them. */
const recordsMax = 20_000;
/** No detector has more named parts. Each part is hashed in up to 8 forms. */
const partsMax = 8;

const anyRecord = z.record(z.string(), z.unknown()).catch({});

const Finding = z.object({
  DetectorName: z.string().min(1),
  Verified: optionalFlag,
  Raw: optionalText,
  RawV2: optionalText,
  SecretParts: anyRecord,
  ExtraData: anyRecord,
  SourceMetadata: z.object({ Data: anyRecord }).catch({ Data: {} }),
});
type Finding = z.output<typeof Finding>;

const LegacyFinding = z.object({
  stringsFound: z.array(z.string()),
  reason: z.string().min(1).catch("unknown"),
  commitHash: optionalText,
  path: optionalText,
  date: optionalText,
});

export const trufflehog: IntakeSource = {
  name: "trufflehog",
  signsTime: true,
  verify: (request, trust) => whyNotSigned(request, { ...trust, bytesMax }),
  replayKeys: envelopeReplayKeys,

  parse(body: Uint8Array, _headers: Headers, findKeys?: FindKeys): AlertOutcome {
    const plaintexts = new KnownPlaintexts(findKeys);
    const start: Alert[] = [];
    const ignored: AlertOutcome["ignored"][number][] = [];
    for (const finding of findingsIn(textOf(body, { bytesMax }))) {
      const alert = alertOf(finding, plaintexts);
      if (isCanary(finding)) ignored.push({ reason: "canary", sourceId: alert.sourceId });
      else start.push(alert);
    }
    return cleanOutcome({ start, append: [], ignored }, plaintexts);
  },
};

function findingsIn(text: string): readonly Finding[] {
  const records = text.trimStart().startsWith("[") ? arrayIn(text) : linesIn(text);
  return atMost(records.flatMap(findingsOf), findingsMax);
}

/** Neither a finding nor a log line: a version that is not known here, and what it found would be lost. */
function findingsOf(value: unknown, index: number): readonly Finding[] {
  const what = `record ${index + 1} of the report`;
  const fields = typeof value === "object" && value !== null ? value : {};
  if ("DetectorName" in fields) return [shaped(Finding, { value, what })];
  if ("stringsFound" in fields) return fromLegacy(shaped(LegacyFinding, { value, what }));
  if ("level" in fields && "msg" in fields) return [];
  throw new InputInvalid(`${what} is neither a finding nor a log line of TruffleHog`);
}

/** `--json-legacy`, and all that versions before 3 wrote: every text found in one commit, without a detector. */
function fromLegacy(legacy: z.output<typeof LegacyFinding>): readonly Finding[] {
  const { stringsFound, reason, commitHash: commit, path: file, date: timestamp } = legacy;
  return stringsFound.map((Raw) => ({
    ...{ DetectorName: reason, Verified: undefined, Raw, RawV2: undefined, SecretParts: {}, ExtraData: {} },
    SourceMetadata: { Data: { Git: { commit, file, timestamp } } },
  }));
}

function arrayIn(text: string): readonly unknown[] {
  const values = shaped(z.array(z.unknown()), { value: jsonIn(text, "the report"), what: "the report" });
  return atMost(values, recordsMax);
}

function linesIn(text: string): readonly unknown[] {
  const lines = linesOf(text);
  const records = lines.filter(({ line }) => line.startsWith("{"));
  const isClean = text.trim() === "" || text.trim() === "null";
  if (records.length === 0 && !isClean)
    throw new InputInvalid("the report is not JSON: run TruffleHog with --json");
  return atMost(records, recordsMax).map(({ line, number }) => jsonIn(line, `line ${number} of the report`));
}

function alertOf(finding: Finding, plaintexts: KnownPlaintexts): Alert {
  const { kind, fields } = metadataOf(finding);
  const values = keysIn(finding).flatMap((text) => plaintexts.learn(text));
  for (const text of [finding.RawV2 ?? "", finding.Raw ?? ""]) plaintexts.learn(text);
  const place = placeOf(fields) || finding.DetectorName;
  const exposedAtMs = isoTimeMs(textIn(fields, "timestamp"));
  return {
    schema: 1,
    source: "trufflehog",
    // Named by the key, not by the place: the same key in the next commit is the same leak.
    sourceId: `${finding.DetectorName}:${values[0]?.slice(0, 23) ?? place}`,
    identity: values.length > 0 ? { kind: "fingerprint", values } : { kind: "location", url: place },
    exposure: exposureOf(kind, fields),
    verified: finding.Verified === true ? "live" : "unknown",
    provider: finding.DetectorName,
    where: [place],
    ...(exposedAtMs === undefined ? {} : { exposedAtMs }),
  };
}

/** The named parts that are keys; else RawV2 ("id:secret" for AWS, where Raw is only the id); else Raw. */
function keysIn({ SecretParts, RawV2, Raw }: Finding): readonly string[] {
  const parts = Object.entries(SecretParts).filter(
    ([name, part]) => typeof part === "string" && isKeyPart(name),
  );
  if (parts.length > 0) return parts.slice(0, partsMax).map(([, part]) => String(part));
  if (!RawV2) return Raw ? [Raw] : [];
  const behindId = Raw && RawV2.startsWith(Raw) ? RawV2.slice(Raw.length).replace(/^:/, "") : "";
  return behindId ? [behindId, RawV2] : [RawV2];
}

/** A user or host name that two secrets share must not be taken for a shared key. */
function isKeyPart(name: string): boolean {
  const words = name.toLowerCase().split(/[^a-z0-9]/);
  return !nameParts.has(words.findLast(Boolean) ?? "");
}

const nameParts = new Set([
  ...["id", "user", "username", "name", "email", "account", "org", "organization", "tenant", "project"],
  ...["host", "hostname", "server", "port", "url", "uri", "endpoint", "domain", "region", "scheme", "path"],
  "database",
]);

function isCanary({ ExtraData }: Finding): boolean {
  return String(ExtraData["is_canary"]).toLowerCase() === "true";
}

function metadataOf({ SourceMetadata: { Data } }: Finding): {
  kind: string;
  fields: Record<string, unknown>;
} {
  const [kind = "", fields] = Object.entries(Data)[0] ?? [];
  return { kind, fields: anyRecord.parse(fields) };
}

/**
 * `visibility` is a protobuf enum written by Go's encoding/json: public is 0, and a 0 is left out. Only these
 * sources set it; for others its absence means nothing (proto/source_metadata.proto, 2026-08).
 */
function exposureOf(kind: string, fields: Record<string, unknown>): Alert["exposure"] {
  if (!["Github", "Huggingface"].includes(kind)) return "unknown";
  const visibility = fields["visibility"] ?? 0;
  if (visibility === 0 || visibility === "public") return "public";
  return visibility === 1 || visibility === "private" ? "private" : "unknown";
}

function placeOf(fields: Record<string, unknown>): string {
  const link = textIn(fields, "link");
  if (link) return link;

  const file = textIn(fields, "file") ?? textIn(fields, "filename");
  const line = fields["line"];
  const spot = file && typeof line === "number" ? `${file}:${line}` : file;
  const holders = ["repository", "bucket", "image", "package", "channel_name", "commit"];
  return [...holders.map((name) => textIn(fields, name)), spot].filter(Boolean).join(" ");
}

function textIn(fields: Record<string, unknown>, name: string): string | undefined {
  const value = fields[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}
