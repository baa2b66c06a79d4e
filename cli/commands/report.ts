import type { Command } from "commander";
import type { AlertOutcome } from "../../events/alert.ts";
import type { Cli, Perform, Register, Shown } from "../command.ts";
import { readScannerFile, scannerFormats } from "../scanner-file.ts";
import { sendAlerts } from "../send-alerts.ts";

import { plural } from "../text.ts";
import { incidentsOpened } from "./incident.ts";

interface Options {
  readonly format?: string;
  readonly public?: boolean;
}

export const report: Register = (program, perform) => {
  const command = program.command("report");
  readingReports(command, perform);
  command
    .argument("<file>", "TruffleHog --json, gitleaks JSON or SARIF, or Rekey's own report")
    .option("--format <format>", `${scannerFormats.join(", ")}; found out where it is not given`)
    .option("--public", "the findings were public")
    .action((file: string, options: Options) => perform((cli) => send(cli, { file, options })));
};

interface Reading {
  readonly days?: string;
  readonly format?: string;
}

/** Reports that only read. A scanner's file of such a name is given with its folder: `./access`. */
function readingReports(command: Command, perform: Perform): void {
  const access = command
    .command("access")
    .description("who read which secret, how often and from which address, and what nobody declared")
    .argument("[secret]", "name in rekey.yml, or ARN; without it, every secret")
    .option("--days <n>", "CloudTrail's records of so many days, 1 to 90; 1 without it");
  asTable(access, (given) =>
    perform(async (cli) => (await import("../reports/access.ts")).accessReport(cli, access.args[0], given())),
  );
  const schedules = command
    .command("schedules")
    .description("every schedule with its last change, and whether its monthly review is due");
  asTable(schedules, (given) =>
    perform(async (cli) => (await import("../reports/schedules.ts")).schedulesReport(cli, given())),
  );
  const runbooks = command
    .command("runbooks")
    .description(
      "every runbook with the last incident or drill that paged with it, and what is due for a try",
    );
  asTable(runbooks, (given) =>
    perform(async (cli) => (await import("../reports/runbooks.ts")).runbooksReport(cli, given())),
  );
}

/** `rekey report FILE` has an option of this name too, and takes it wherever it stands. */
function asTable(command: Command, act: (given: () => Reading) => Promise<void>): void {
  command
    .option("--format <format>", "table or csv; table without it")
    .action(() => act(() => command.optsWithGlobals<Reading>()));
}

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
