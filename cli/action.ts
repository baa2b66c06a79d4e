/** The GitHub Action: `rekey scan` with its inputs from the environment, and its findings as annotations. */
import { appendFileSync, readFileSync } from "node:fs";
import { codeOf } from "../scan/failure.ts";
import type { Finding } from "../scan/finding.ts";
import { git, rootOf } from "../scan/git.ts";
import type { Terminal } from "./command.ts";
import { run } from "./program.ts";
import { failing } from "./scan-view.ts";
import { processTerminal } from "./terminal.ts";

const env = process.env;
const input = (name: string): string => (env[`INPUT_${name.toUpperCase()}`] ?? "").trim();

function argumentsOf(): readonly string[] {
  const paths = input("paths").split(/\s+/).filter(Boolean);
  const base = paths.length > 0 ? undefined : baseOfPullRequest();
  return [
    ...["--json", "scan", ...paths],
    ...(base === undefined ? [] : ["--history", "--since", `${base}..HEAD`]),
    ...(input("baseline") === "" ? [] : ["--baseline", input("baseline")]),
    ...(input("sarif") === "" ? [] : ["--sarif", input("sarif")]),
    ...(input("known") === "true" ? ["--known"] : []),
    ...(input("report") === "true" ? ["--report"] : []),
  ];
}

/** The commit that a pull request begins at; undefined where the checkout is too shallow to have it. */
function baseOfPullRequest(): string | undefined {
  if (!env["GITHUB_EVENT_NAME"]?.startsWith("pull_request")) return undefined;
  const sha: unknown = eventIn(env["GITHUB_EVENT_PATH"] ?? "").pull_request?.base?.sha;
  if (typeof sha !== "string" || !/^[0-9a-f]{40,64}$/.test(sha)) return undefined;
  const root = rootOf(process.cwd());
  return root !== undefined && git(["cat-file", "-e", `${sha}^{commit}`], root) !== undefined
    ? sha
    : undefined;
}

function eventIn(path: string): { readonly pull_request?: { readonly base?: { readonly sha?: unknown } } } {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError || codeOf(error) !== undefined) return {};
    throw error;
  }
}

/** A workflow command ends at its line, and `%` begins an escape in it. */
function escaped(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function annotate({ path, line, column, rule, says }: Finding): string {
  const at = `file=${escaped(path).replaceAll(",", "%2C").replaceAll(":", "%3A")},line=${line},col=${column}`;
  return `::error ${at},title=${rule}::${escaped(says)}`;
}

const advice =
  "A key that was pushed counts as leaked: replace it first (`rekey scan --report`), then take it out of the history.";

function show(line: string): void {
  const { findings = [], files = 0, message }: Result = JSON.parse(line);
  if (message !== undefined) return;
  const wrong = findings.filter(failing);
  for (const finding of wrong) console.log(annotate(finding));
  console.log(`${wrong.length} findings in ${files} files`);
  if (wrong.length > 0) console.log(advice);
  const summary = env["GITHUB_STEP_SUMMARY"];
  if (summary === undefined) return;
  const rows = wrong.map(({ path, line: at, rule, says }) => `- \`${path}:${at}\` ${rule}: ${says}`);
  appendFileSync(
    summary,
    [`### rekey scan: ${wrong.length} findings`, "", ...rows, "", advice, ""].join("\n"),
  );
}

interface Result {
  readonly findings?: readonly Finding[];
  readonly files?: number;
  readonly message?: string;
}

const terminal: Terminal = { ...processTerminal(), out: show };

void run(argumentsOf(), {
  terminal,
  connect: async () => (await import("./aws.ts")).reachAws(env),
  store: async () => (await import("./aws.ts")).callersStore(),
}).then((code) => {
  process.exitCode = code;
});
