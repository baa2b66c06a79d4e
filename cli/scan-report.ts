import { readFileSync } from "node:fs";
import type { Alert } from "../events/alert.ts";
import { FingerprintSchema } from "../events/alert.ts";
import { codeOf } from "../scan/failure.ts";
import { idOf } from "../scan/find.ts";
import type { Finding } from "../scan/finding.ts";
import { git } from "../scan/git.ts";
import { askAdmin } from "./ask-admin.ts";
import { type Cli, CliFailure, exitCodes } from "./command.ts";
import { failing } from "./scan-view.ts";
import { sendAlerts } from "./send-alerts.ts";

type Env = Readonly<Record<string, string | undefined>>;

const askedMax = 100;

/** Asks which keys the deployment knows, and leaves the result of the scan in its audit log. */
export async function knownKeys(
  cli: Cli,
  {
    findings,
    folder,
    env,
  }: { readonly findings: readonly Finding[]; readonly folder: string; readonly env: Env },
): Promise<ReadonlySet<string>> {
  if (isOfFork(env)) {
    throw new CliFailure("a fork's pull request may not ask which keys are known", {
      ...{
        hint: "leave --known out where others can change the workflow's input",
        exitCode: exitCodes.usage,
      },
    });
  }
  const violations: Record<string, number> = {};
  for (const { rule } of findings.filter(failing)) violations[rule] = (violations[rule] ?? 0) + 1;
  const accepted = findings.filter((each) => each.accepted !== undefined).length;
  const fingerprints = [...new Set(findings.flatMap(({ fingerprint }) => fingerprint ?? []))].slice(
    0,
    askedMax,
  );
  const where = placeOf(folder);
  const answer = await askAdmin(cli, { command: "record-scan", where, violations, accepted, fingerprints });
  return new Set(Array.isArray(answer["known"]) ? answer["known"].map(String) : []);
}

/**
 * Whoever opens a pull request from a fork chooses what is scanned, and could ask for one guess after another. The
 * pipelines say in their environment where a pull request comes from; one that does not say so counts as a fork's.
 */
export function isOfFork(env: Env): boolean {
  const { GITHUB_EVENT_NAME: event = "", GITHUB_EVENT_PATH: path } = env;
  if (event.startsWith("pull_request")) return path === undefined || isGithubFork(path);
  const { CI_MERGE_REQUEST_SOURCE_PROJECT_ID: source, CI_PROJECT_ID: own } = env;
  return source !== undefined && source !== own;
}

function isGithubFork(path: string): boolean {
  try {
    const { pull_request } = JSON.parse(readFileSync(path, "utf8"));
    const [head, base] = [pull_request?.head?.repo?.full_name, pull_request?.base?.repo?.full_name];
    return typeof head !== "string" || head !== base;
  } catch (error) {
    if (error instanceof SyntaxError || codeOf(error) !== undefined) return true;
    throw error;
  }
}

/** The repository and commit: without a user's name or a password that the remote's address may hold. */
function placeOf(folder: string): string {
  const remote = git(["config", "--get", "remote.origin.url"], folder)?.trim() ?? "";
  const name = remote.replace(/^[a-z+]{2,10}:\/\/(?:[^@/]*@)?/, "").replace(/^[^@/:]*@/, "");
  const commit = git(["rev-parse", "--short=12", "HEAD"], folder)?.trim();
  const place = name === "" ? "a folder" : name.replace(/\.git$/, "");
  return `${place}${commit === undefined ? "" : `@${commit}`}`.slice(0, 200);
}

/** Opens an incident for each key, as `rekey report` does for those of other scanners. */
export async function reportFindings(
  cli: Cli,
  findings: readonly Finding[],
  { isPublic, folder }: { readonly isPublic: boolean; readonly folder: string },
): Promise<readonly string[]> {
  const place = placeOf(folder);
  const alerts = findings.flatMap((finding): Alert[] => {
    const { fingerprint, id, path, line, commit, provider } = finding;
    if (fingerprint === undefined) return [];
    return [
      {
        ...{ schema: 1, source: "report", sourceId: `scan-${id}`, verified: "unknown" },
        identity: { kind: "fingerprint", values: [fingerprint] },
        exposure: isPublic ? "public" : "private",
        ...(provider !== undefined && { provider }),
        where: [`${place} ${path}:${line}${commit === undefined ? "" : ` ${commit}`}`.slice(0, 300)],
      },
    ];
  });
  return alerts.length === 0 ? [] : (await sendAlerts(cli, alerts)).incidentIds;
}

/** The findings of another scanner as our own, so that baseline, SARIF and exit code are the same for all. */
export async function findingsInFile(cli: Cli, file: string): Promise<readonly Finding[]> {
  // The readers of alerts are large, and a scan of one's own needs none of them.
  const { readScannerFile } = await import("./scanner-file.ts");
  const { start } = await readScannerFile(cli, { file });
  return start.map(({ identity, where, provider, source, sourceId }) => {
    const [, path = where[0] ?? file, line = "1"] = /^(.*?):(\d{1,9})(?:\s|$)/.exec(where[0] ?? "") ?? [];
    const value = identity.kind === "fingerprint" ? identity.values[0] : undefined;
    const fingerprint = FingerprintSchema.safeParse(value).data;
    return {
      ...{ rule: "scanner-finding", path, line: Number(line), column: 1 },
      id: idOf("scanner-finding", path, fingerprint ?? sourceId),
      says: `${source} found ${provider === undefined ? "a key" : `a key of ${provider}`}`,
      ...(provider !== undefined && { provider }),
      ...(fingerprint !== undefined && { fingerprint }),
    };
  });
}
