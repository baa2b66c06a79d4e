/**
 * gitleaks v8: its JSON array, or SARIF. Read by `rekey report`, or posted by CI under Rekey's own signature.
 * Its `Fingerprint` names a place, not a key. Fields as in its source of 2026-07.
 */
import * as z from "zod";
import type { Alert, AlertOutcome } from "../alert.ts";
import { atMost, jsonIn, optionalNumber, optionalText, shaped, textOf } from "./edge/bounded-json.ts";
import { cleanOutcome } from "./edge/clean-outcome.ts";
import { type FindKeys, KnownPlaintexts } from "./edge/known-plaintexts.ts";
import { envelopeReplayKeys, whyNotSigned } from "./edge/signed-envelope.ts";
import type { Headers, IntakeSource } from "./edge/source.ts";
import { isoTimeMs } from "./edge/time.ts";

const bytesMax = 16 * 1024 * 1024;
const findingsMax = 5_000;

const Leak = z.object({
  RuleID: z.string().min(1),
  Secret: optionalText,
  File: optionalText,
  StartLine: optionalNumber,
  Commit: optionalText,
  Link: optionalText,
  Date: optionalText,
});

const Sarif = z.object({
  runs: z.array(
    z.object({
      tool: z.object({ driver: z.object({ name: z.string() }) }),
      results: z.array(z.unknown()).optional().catch(undefined),
    }),
  ),
});

const SarifPlace = z.object({
  physicalLocation: z.object({
    artifactLocation: z.object({ uri: optionalText }).optional(),
    region: z
      .object({
        startLine: optionalNumber,
        snippet: z.object({ text: optionalText }).optional().catch(undefined),
      })
      .optional()
      .catch(undefined),
  }),
});

const SarifResult = z.object({
  ruleId: optionalText,
  suppressions: z.array(z.unknown()).nullish(),
  locations: z.array(SarifPlace).catch([]),
  partialFingerprints: z.object({ commitSha: optionalText, date: optionalText }).catch({
    commitSha: undefined,
    date: undefined,
  }),
});

/** One finding, from either format. */
interface Finding {
  readonly rule: string;
  readonly tool: string;
  readonly secret: string;
  readonly file: string;
  readonly line: number;
  readonly commit: string;
  readonly link: string;
  readonly date: string | undefined;
  readonly isSuppressed: boolean;
}

export const gitleaks: IntakeSource = {
  name: "gitleaks",
  signsTime: true,
  verify: (request, trust) => whyNotSigned(request, { ...trust, bytesMax }),
  replayKeys: envelopeReplayKeys,

  parse(body: Uint8Array, _headers: Headers, findKeys?: FindKeys): AlertOutcome {
    const value = jsonIn(textOf(body, { bytesMax }), "the report");
    const findings = atMost(Array.isArray(value) ? leaksIn(value) : sarifIn(value), findingsMax);

    const plaintexts = new KnownPlaintexts(findKeys);
    const start: Alert[] = [];
    const ignored: AlertOutcome["ignored"][number][] = [];
    for (const finding of findings) {
      const alert = alertOf(finding, plaintexts);
      if (finding.isSuppressed) ignored.push({ reason: "suppressed", sourceId: alert.sourceId });
      else start.push(alert);
    }
    return cleanOutcome({ start, append: [], ignored }, plaintexts);
  },
};

function leaksIn(values: readonly unknown[]): readonly Finding[] {
  return atMost(values, findingsMax).map((value) => {
    const leak = shaped(Leak, { value, what: "a gitleaks finding" });
    return {
      rule: leak.RuleID,
      tool: "gitleaks",
      secret: leak.Secret ?? "",
      file: leak.File ?? "",
      line: leak.StartLine ?? 0,
      commit: leak.Commit ?? "",
      link: leak.Link ?? "",
      date: leak.Date,
      isSuppressed: false,
    };
  });
}

function sarifIn(value: unknown): readonly Finding[] {
  const { runs } = shaped(Sarif, { value, what: "the SARIF report" });
  const results = runs.flatMap(({ tool, results = [] }) =>
    results.map((result) => ({ tool: tool.driver.name, result })),
  );
  return atMost(results, findingsMax).map(({ tool, result }) => {
    const { ruleId, suppressions, locations, partialFingerprints } = shaped(SarifResult, {
      value: result,
      what: "a SARIF result",
    });
    const place = locations[0]?.physicalLocation;
    return {
      rule: ruleId ?? "unknown",
      tool,
      secret: place?.region?.snippet?.text ?? "",
      file: place?.artifactLocation?.uri ?? "",
      line: place?.region?.startLine ?? 0,
      commit: partialFingerprints.commitSha ?? "",
      link: "",
      date: partialFingerprints.date,
      isSuppressed: (suppressions ?? []).length > 0,
    };
  });
}

function alertOf(finding: Finding, plaintexts: KnownPlaintexts): Alert {
  const learned = isRedacted(finding.secret) ? [] : plaintexts.learn(finding.secret);
  // Only for gitleaks do we know that a snippet is the key and nothing else.
  const values = finding.tool === "gitleaks" ? learned : [];
  const spot = finding.file && `${finding.file}:${finding.line}`;
  const place = finding.link || [finding.commit, spot].filter(Boolean).join(" ") || finding.rule;
  const exposedAtMs = isoTimeMs(finding.date);
  return {
    schema: 1,
    source: "gitleaks",
    sourceId: `${finding.rule}:${values[0]?.slice(0, 23) ?? place}`,
    identity: values.length > 0 ? { kind: "fingerprint", values } : { kind: "location", url: place },
    exposure: "unknown",
    verified: "unknown",
    provider: finding.rule,
    where: [place],
    ...(exposedAtMs === undefined ? {} : { exposedAtMs }),
  };
}

/** `--redact` writes REDACTED, and `--redact=N` the first part of the key and three dots. */
function isRedacted(secret: string): boolean {
  return secret === "REDACTED" || secret.endsWith("...");
}
