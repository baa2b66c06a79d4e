/**
 * gitleaks v8 and its successor Betterleaks: a JSON array, or SARIF. Read by `rekey report`, or posted by CI under Rekey's own signature.
 * Its `Fingerprint` names a place, not a key. Fields as in its source of 2026-07.
 */
import * as z from "zod";
import { InputInvalid } from "../../core/errors.ts";
import type { Alert, AlertOutcome } from "../alert.ts";
import {
  atMost,
  jsonIn,
  linesOf,
  optionalNumber,
  optionalText,
  shaped,
  textOf,
} from "./edge/bounded-json.ts";
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

/** Betterleaks names fields in another way, and its versions differ in where they put the key and the path. */
const BetterLeak = z.object({
  ruleID: z.string().min(1).optional(),
  rule_id: z.string().min(1).optional(),
  secret: optionalText,
  match: z.object({ value: optionalText }).optional().catch(undefined),
  attributes: z.record(z.string(), z.unknown()).catch({}),
  location: z
    .object({ path: optionalText, startLine: optionalNumber, start_line: optionalNumber })
    .optional()
    .catch(undefined),
  validation: z.object({ status: optionalText }).optional().catch(undefined),
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
  /** Only the first counts, so the others are not looked at. */
  locations: z.array(z.unknown()).catch([]),
  partialFingerprints: z.object({ commitSha: optionalText, date: optionalText }).catch({
    commitSha: undefined,
    date: undefined,
  }),
});

/** One finding, from either format. */
interface Finding {
  readonly rule: string;
  /** True if `secret` is the key and nothing else. */
  readonly namesKey: boolean;
  readonly secret: string;
  readonly file: string;
  readonly line: number;
  readonly commit: string;
  readonly link: string;
  readonly date: string | undefined;
  /** True if the scanner tried the key and it worked. */
  readonly isLive: boolean;
  readonly isSuppressed: boolean;
}

export const gitleaks: IntakeSource = {
  name: "gitleaks",
  signsTime: true,
  verify: (request, trust) => whyNotSigned(request, { ...trust, bytesMax }),
  replayKeys: envelopeReplayKeys,

  parse(body: Uint8Array, _headers: Headers, findKeys?: FindKeys): AlertOutcome {
    const findings = findingsIn(textOf(body, { bytesMax }));

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

/** An older version writes `null` when it found nothing, and Betterleaks can write one finding a line. */
function findingsIn(text: string): readonly Finding[] {
  const lines = linesOf(text);
  if (lines.length > 1 && lines.every(({ line }) => line.startsWith("{") && line.endsWith("}"))) {
    return leaksIn(
      atMost(lines, findingsMax).map(({ line, number }) => jsonIn(line, `line ${number} of the report`)),
    );
  }
  const value = jsonIn(text, "the report");
  if (value === null) return [];
  if (Array.isArray(value)) return leaksIn(value);
  return hasRuns(value) ? sarifIn(value) : leaksIn([value]);
}

function hasRuns(value: unknown): boolean {
  return typeof value === "object" && value !== null && "runs" in value;
}

function leaksIn(values: readonly unknown[]): readonly Finding[] {
  return atMost(values, findingsMax).map((value, index) => {
    const what = `finding ${index + 1} of the report`;
    const isOfGitleaks = typeof value === "object" && value !== null && "RuleID" in value;
    return isOfGitleaks
      ? fromLeak(shaped(Leak, { value, what }))
      : fromBetterLeak(shaped(BetterLeak, { value, what }), what);
  });
}

function fromLeak(leak: z.output<typeof Leak>): Finding {
  return {
    rule: leak.RuleID,
    namesKey: true,
    secret: leak.Secret ?? "",
    file: leak.File ?? "",
    line: leak.StartLine ?? 0,
    commit: leak.Commit ?? "",
    link: leak.Link ?? "",
    date: leak.Date,
    isLive: false,
    isSuppressed: false,
  };
}

function fromBetterLeak(leak: z.output<typeof BetterLeak>, what: string): Finding {
  const { attributes, location, match, validation } = leak;
  const rule = leak.ruleID ?? leak.rule_id;
  if (rule === undefined) throw new InputInvalid(`${what} has no RuleID: gitleaks and Betterleaks write one`);
  const attribute = (name: string) => {
    const text = attributes[name];
    return typeof text === "string" ? text : undefined;
  };
  return {
    rule,
    namesKey: true,
    secret: leak.secret ?? match?.value ?? "",
    file: location?.path ?? attribute("path") ?? "",
    line: location?.startLine ?? location?.start_line ?? 0,
    commit: attribute("git.sha") ?? "",
    link: "",
    date: attribute("git.date"),
    isLive: validation?.status === "valid",
    isSuppressed: false,
  };
}

/** Of other tools nobody promises that a snippet is the key and nothing else. */
const toolsThatNameKeys: ReadonlySet<string> = new Set(["gitleaks", "betterleaks"]);

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
    const place = SarifPlace.safeParse(locations[0]).data?.physicalLocation;
    return {
      rule: ruleId ?? "unknown",
      namesKey: toolsThatNameKeys.has(tool.toLowerCase()),
      secret: place?.region?.snippet?.text ?? "",
      file: place?.artifactLocation?.uri ?? "",
      line: place?.region?.startLine ?? 0,
      commit: partialFingerprints.commitSha ?? "",
      link: "",
      date: partialFingerprints.date,
      isLive: false,
      isSuppressed: (suppressions ?? []).length > 0,
    };
  });
}

function alertOf(finding: Finding, plaintexts: KnownPlaintexts): Alert {
  const learned = isRedacted(finding.secret) ? [] : plaintexts.learn(finding.secret);
  const values = finding.namesKey ? learned : [];
  const spot = finding.file && `${finding.file}:${finding.line}`;
  const place = finding.link || [finding.commit, spot].filter(Boolean).join(" ") || finding.rule;
  const exposedAtMs = isoTimeMs(finding.date);
  return {
    schema: 1,
    source: "gitleaks",
    sourceId: `${finding.rule}:${values[0]?.slice(0, 23) ?? place}`,
    identity: values.length > 0 ? { kind: "fingerprint", values } : { kind: "location", url: place },
    exposure: "unknown",
    verified: finding.isLive ? "live" : "unknown",
    provider: finding.rule,
    where: [place],
    ...(exposedAtMs === undefined ? {} : { exposedAtMs }),
  };
}

/** `--redact` writes REDACTED, and `--redact=N` the first part of the key and three dots. */
function isRedacted(secret: string): boolean {
  return secret === "REDACTED" || secret.endsWith("...");
}
