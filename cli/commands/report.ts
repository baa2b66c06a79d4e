import { InputInvalid } from "../../core/errors.ts";
import type { AlertOutcome } from "../../events/alert.ts";
import { intakeSources } from "../../events/intake/index.ts";
import { readAlerts } from "../../providers/read-alerts.ts";
import { askAdmin } from "../ask-admin.ts";
import { type Cli, CliFailure, exitCodes, type Register, type Shown } from "../command.ts";
import { plural } from "../text.ts";
import { incidentsOpened } from "./incident.ts";

const formats = ["trufflehog", "gitleaks", "report"] as const;
type Format = (typeof formats)[number];

/** The most that the admin function accepts in one call. */
const batchMax = 50;
const batchesMax = 200;

interface Options {
  readonly format?: string;
  readonly public?: boolean;
}

export const report: Register = (program, perform) => {
  program
    .command("report")
    .argument("<file>", "TruffleHog --json, gitleaks JSON or SARIF, or Rekey's own report")
    .option("--format <format>", `${formats.join(", ")}; found out where it is not given`)
    .option("--public", "the findings were public")
    .action((file: string, options: Options) => perform((cli) => send(cli, { file, options })));
};

async function send(
  cli: Cli,
  { file, options }: { readonly file: string; readonly options: Options },
): Promise<Shown> {
  const text = await readReport(cli, file);
  if (text.slice(0, startChars).includes("\0")) throw notText(file);
  const { start, ignored, hidden = 0 } = parse(text, options.format);
  const alerts = start.map((alert) => (options.public ? { ...alert, exposure: "public" as const } : alert));
  const incidentIds = new Set<string>();
  let tests = 0;
  for (let batch = 0; batch < batchesMax && batch * batchMax < alerts.length; batch += 1) {
    const some = alerts.slice(batch * batchMax, (batch + 1) * batchMax);
    const answer = await askAdmin(cli, { command: "report-alerts", alerts: some });
    for (const id of Array.isArray(answer["incidentIds"]) ? answer["incidentIds"] : [])
      incidentIds.add(String(id));
    tests += Number(answer["testsOfRealKeys"] ?? 0);
  }
  const left = `${ignored.length} ignored${whyIgnored(ignored)}`;
  const sent = `${plural(alerts.length, "finding")} reported, ${left}`;
  const masked = hidden === 0 ? [] : [`${plural(hidden, "text")} held a key: only its fingerprint was sent`];
  const warned =
    tests === 0 ? [] : [`${plural(tests, "test")} named a real key: nothing was started, people were warned`];
  return {
    json: { type: "report", reported: alerts.length, ignored, incidentIds: [...incidentIds] },
    lines: [sent, ...masked, ...warned, ...(alerts.length === 0 ? [] : incidentsOpened([...incidentIds]))],
  };
}

function whyIgnored(ignored: AlertOutcome["ignored"]): string {
  const reasons = [...new Set(ignored.map(({ reason }) => reason))];
  return reasons.length === 0 ? "" : ` (${reasons.join(", ")})`;
}

async function readReport({ terminal }: Cli, file: string): Promise<string> {
  try {
    return await terminal.readFile(file);
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new CliFailure(`cannot read ${file} (${code})`, { exitCode: exitCodes.usage });
  }
}

/**
 * Recognised by a field that only one format has. If the guess is wrong, the parser refuses the file and
 * never reads half of it.
 */
function formatOf(given: string | undefined, text: string): Format {
  const format = formats.find((each) => each === given);
  if (format !== undefined) return format;
  if (given !== undefined) {
    throw new CliFailure(`no format is called ${JSON.stringify(given.slice(0, 40))}`, {
      ...{ hint: `it is one of ${formats.join(", ")}`, exitCode: exitCodes.usage },
    });
  }
  // A scanner that found nothing: TruffleHog prints nothing, gitleaks an empty list, and older versions `null`.
  if (text.trim() === "") return "trufflehog";
  if (/^\s*(?:\[\s*\]|null)\s*$/.test(text)) return "gitleaks";
  return marks.find(([, mark]) => text.includes(`"${mark}"`))?.[0] ?? "report";
}

/** A field that only this format has. */
const marks: readonly (readonly [Format, string])[] = [
  ["trufflehog", "DetectorName"],
  ["trufflehog", "stringsFound"],
  ["gitleaks", "RuleID"],
  ["gitleaks", "ruleID"],
  ["gitleaks", "rule_id"],
  ["gitleaks", "runs"],
];

/** If a file is not text, its beginning shows it. */
const startChars = 4_096;

function notText(file: string): CliFailure {
  return new CliFailure(`${file} is not text`, {
    ...{ hint: "give the JSON that the scanner wrote", exitCode: exitCodes.usage },
  });
}

function parse(text: string, given: string | undefined): Pick<AlertOutcome, "start" | "ignored" | "hidden"> {
  try {
    const body = Buffer.from(text, "utf8");
    const source = intakeSources.get(formatOf(given, text));
    const outcome = source === undefined ? nothing : readAlerts(source, { body, headers: {} });
    return { ...outcome, start: [...outcome.start, ...outcome.append] };
  } catch (error) {
    if (!(error instanceof InputInvalid)) throw error;
    // Naming the format helps only against a wrong guess, and not if the file is too large or cut off.
    const isGuess = given === undefined && error.message.includes("not as expected");
    const hint = isGuess ? `say what it is with --format ${formats.join("|")}` : undefined;
    throw new CliFailure(error.message, { hint, exitCode: exitCodes.usage });
  }
}

const nothing: AlertOutcome = { start: [], append: [], ignored: [] };
