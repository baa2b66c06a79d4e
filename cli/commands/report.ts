import type { AlertOutcome } from "../../events/alert.ts";
import type { Cli, Register, Shown } from "../command.ts";
import { readScannerFile, scannerFormats } from "../scanner-file.ts";
import { sendAlerts } from "../send-alerts.ts";

import { plural } from "../text.ts";
import { incidentsOpened } from "./incident.ts";

interface Options {
  readonly format?: string;
  readonly public?: boolean;
}

export const report: Register = (program, perform) => {
  program
    .command("report")
    .argument("<file>", "TruffleHog --json, gitleaks JSON or SARIF, or Rekey's own report")
    .option("--format <format>", `${scannerFormats.join(", ")}; found out where it is not given`)
    .option("--public", "the findings were public")
    .action((file: string, options: Options) => perform((cli) => send(cli, { file, options })));
};

async function send(
  cli: Cli,
  { file, options }: { readonly file: string; readonly options: Options },
): Promise<Shown> {
  const { start, ignored, hidden = 0 } = await readScannerFile(cli, { file, format: options.format });
  const alerts = start.map((alert) => (options.public ? { ...alert, exposure: "public" as const } : alert));
  const { incidentIds, tests } = await sendAlerts(cli, alerts);
  const left = `${ignored.length} ignored${whyIgnored(ignored)}`;
  const sent = `${plural(alerts.length, "finding")} reported, ${left}`;
  const masked = hidden === 0 ? [] : [`${plural(hidden, "text")} held a key: only its fingerprint was sent`];
  const warned =
    tests === 0 ? [] : [`${plural(tests, "test")} named a real key: nothing was started, people were warned`];
  return {
    json: { type: "report", reported: alerts.length, ignored, incidentIds },
    lines: [sent, ...masked, ...warned, ...(alerts.length === 0 ? [] : incidentsOpened(incidentIds))],
  };
}

function whyIgnored(ignored: AlertOutcome["ignored"]): string {
  const reasons = [...new Set(ignored.map(({ reason }) => reason))];
  return reasons.length === 0 ? "" : ` (${reasons.join(", ")})`;
}
