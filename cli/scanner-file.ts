import { InputInvalid } from "../core/errors.ts";
import type { AlertOutcome } from "../events/alert.ts";
import { intakeSources } from "../events/intake/index.ts";
import { readAlerts } from "../providers/read-alerts.ts";
import { type Cli, CliFailure, exitCodes } from "./command.ts";
import { readText } from "./read-text.ts";

export const scannerFormats = ["trufflehog", "gitleaks", "report"] as const;
type Format = (typeof scannerFormats)[number];

/** What a scanner wrote into a file: facts about an incident that may exist are reported like the rest. */
export async function readScannerFile(
  cli: Cli,
  { file, format }: { readonly file: string; readonly format?: string | undefined },
): Promise<Pick<AlertOutcome, "start" | "ignored" | "hidden">> {
  const text = await readText(cli, file);
  if (text.slice(0, startChars).includes("\0")) throw notText(file);
  return parse(text, format);
}

/**
 * Recognised by a field that only one format has. If the guess is wrong, the parser refuses the file and
 * never reads half of it.
 */
function formatOf(given: string | undefined, text: string): Format {
  const format = scannerFormats.find((each) => each === given);
  if (format !== undefined) return format;
  if (given !== undefined) {
    throw new CliFailure(`no format is called ${JSON.stringify(given.slice(0, 40))}`, {
      ...{ hint: `it is one of ${scannerFormats.join(", ")}`, exitCode: exitCodes.usage },
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
    const hint = isGuess ? `say what it is with --format ${scannerFormats.join("|")}` : undefined;
    throw new CliFailure(error.message, { hint, exitCode: exitCodes.usage });
  }
}

const nothing: AlertOutcome = { start: [], append: [], ignored: [] };
