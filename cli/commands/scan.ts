import { readFileSync, writeFileSync } from "node:fs";
import { baselineText, withBaseline } from "../../scan/baseline.ts";
import type { Baseline } from "../../scan/baseline-file.ts";
import { codeOf } from "../../scan/failure.ts";
import type { Finding } from "../../scan/finding.ts";
import { sarifText } from "../../scan/sarif.ts";
import { type Scanned, type Scope, ScopeUnknown, scan as scanScope } from "../../scan/scan.ts";
import { type Cli, CliFailure, exitCodes, type Register, type Shown } from "../command.ts";
import manifest from "../package.json" with { type: "json" };
import { failing, linesOf, resultLine, type ScanOptions } from "../scan-view.ts";

const usualBaseline = ".rekey-baseline.json";

export const scan: Register = (program, perform) => {
  program
    .command("scan")
    .argument("[paths...]", "files and folders; without them what git tracks, or would take")
    .option("--staged", "only what is staged, as it would be committed")
    .option("--history", "every content that any branch or tag ever had")
    .option("--since <commit|range|date>", "with --history: only what came after it")
    .option("--from <file>", "the findings of gitleaks or TruffleHog in a file, instead of our own")
    .option("--baseline <file>", "findings that are accepted for now", usualBaseline)
    .option("--write-baseline <reason>", "accept what was found, with this reason, and write the baseline")
    .option("--sarif <file>", "also write the findings as SARIF")
    .option("--known", "ask the deployment which of the keys it knows; those warn the people on call")
    .option("--report", "report the keys as leaked: incidents open, and the keys are replaced")
    .option("--public", "with --report: others could read them")
    .action((paths: readonly string[], options: ScanOptions) =>
      perform((cli) => run(cli, { paths, options, folder: process.cwd() })),
    );
};

interface Order {
  readonly paths: readonly string[];
  readonly options: ScanOptions;
  readonly folder: string;
}

async function run(cli: Cli, order: Order): Promise<Shown> {
  const { options, folder } = order;
  const startedAt = performance.now();
  const scanned = await found(cli, order);
  const baseline = await baselineIn(options.baseline);
  const { findings, gone } = withBaseline(scanned.findings, baseline ?? { version: 1, findings: [] });
  const tookMs = Math.round(performance.now() - startedAt);
  if (options.sarif !== undefined) writeFileSync(options.sarif, sarifText(findings, manifest.version));
  if (options.writeBaseline !== undefined) return written(findings, { options, baseline });
  const known = options.known
    ? await (await import("../scan-report.ts")).knownKeys(cli, { findings, folder, env: process.env })
    : new Set<string>();
  const isPublic = options.public === true;
  const incidents = options.report
    ? await (await import("../scan-report.ts")).reportFindings(cli, findings.filter(failing), {
        isPublic,
        folder,
      })
    : [];
  const wrong = findings.filter(failing);
  return {
    json: {
      ...{ type: "scan", findings: findings.map((each) => ({ ...each, known: isKnown(each, known) })) },
      ...{ files: scanned.files, bytes: scanned.bytes, skipped: scanned.skipped, more: scanned.more, tookMs },
      ...{ gone, incidentIds: incidents },
    },
    lines: [
      ...linesOf({ findings, known, incidents, options }),
      resultLine({ scanned, findings, gone, tookMs }),
    ],
    exitCode: wrong.length > 0 || scanned.more > 0 ? exitCodes.refused : exitCodes.done,
  };
}

function isKnown({ fingerprint }: Finding, known: ReadonlySet<string>): boolean {
  return fingerprint !== undefined && known.has(fingerprint);
}

async function found(cli: Cli, { paths, options, folder }: Order): Promise<Scanned> {
  if (options.from !== undefined) {
    const findings = await (await import("../scan-report.ts")).findingsInFile(cli, options.from);
    return { findings, files: 1, bytes: 0, skipped: [], more: 0 };
  }
  try {
    return await scanScope(scopeOf({ paths, options, folder }));
  } catch (error) {
    if (!(error instanceof ScopeUnknown)) throw error;
    throw new CliFailure(error.message, { exitCode: exitCodes.usage });
  }
}

function scopeOf({ paths, options, folder }: Order): Scope {
  const { staged, history, since } = options;
  const chosen = [staged && "--staged", history && "--history", paths.length > 0 && "paths"].filter(Boolean);
  if (chosen.length > 1) {
    throw new CliFailure(`${chosen.join(" and ")} cannot be scanned in one run`, {
      ...{ hint: "run `rekey scan` once for each", exitCode: exitCodes.usage },
    });
  }
  if (since !== undefined && !history) {
    throw new CliFailure("--since goes with --history", { exitCode: exitCodes.usage });
  }
  if (staged) return { kind: "staged", folder };
  if (history) return { kind: "history", folder, ...(since !== undefined && { since }) };
  return { kind: "paths", folder, paths };
}

async function baselineIn(file: string): Promise<Baseline | undefined> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" && file === usualBaseline) return undefined;
    throw new CliFailure(`cannot read the baseline ${file} (${String(code)})`, { exitCode: exitCodes.usage });
  }
  // Its reader takes as long to load as a small scan, and most folders have no baseline.
  const { readBaseline } = await import("../../scan/baseline-file.ts");
  const baseline = readBaseline(text);
  if (baseline !== undefined) return baseline;
  throw new CliFailure(`${file} is not a baseline of rekey scan`, {
    ...{ hint: "write it with `rekey scan --write-baseline <reason>`", exitCode: exitCodes.usage },
  });
}

function written(
  findings: readonly Finding[],
  { options, baseline }: { readonly options: ScanOptions; readonly baseline: Baseline | undefined },
): Shown {
  writeFileSync(options.baseline, baselineText(findings, baseline, options.writeBaseline ?? ""));
  const count = findings.filter(({ accepted }) => accepted?.by !== "comment").length;
  return {
    json: { type: "baseline", file: options.baseline, findings: count },
    lines: [`${options.baseline}: ${count} accepted; keys among them still count as leaked: replace them`],
  };
}
