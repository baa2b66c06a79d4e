import type { Finding } from "./finding.ts";
import { rules } from "./rules.ts";

/** SARIF 2.1.0, as GitHub code scanning and other viewers read it; accepted findings are in it as suppressed. */
export function sarifText(findings: readonly Finding[], version: string): string {
  const driver = {
    ...{
      name: "rekey scan",
      version,
      informationUri: "https://github.com/rekey-dev/rekey/blob/main/docs/scan.md",
    },
    rules: Object.entries(rules).map(([id, { title, help, level }]) => ({
      ...{ id, shortDescription: { text: title }, help: { text: help }, defaultConfiguration: { level } },
    })),
  };
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{ tool: { driver }, columnKind: "utf16CodeUnits", results: findings.map(resultOf) }],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function resultOf({ rule, path, line, column, says, id, commit, accepted }: Finding) {
  return {
    ...{ ruleId: rule, level: rules[rule].level, message: { text: says } },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: encodeURI(path) },
          region: { startLine: line, startColumn: column },
        },
      },
    ],
    partialFingerprints: { "rekeyScan/v1": id },
    ...(commit !== undefined && { properties: { commit } }),
    ...(accepted !== undefined && {
      suppressions: [
        { kind: accepted.by === "comment" ? "inSource" : "external", justification: accepted.reason },
      ],
    }),
  };
}
