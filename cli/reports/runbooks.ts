import { utcText } from "../../core/utc.ts";
import { pageReasons, runbookFor, runbooks } from "../../functions/incident/paging/runbook.ts";
import type { Cli, Shown } from "../command.ts";
import { csvLines } from "../csv.ts";
import { formatOf } from "../format.ts";
import { headedTable } from "../table.ts";

const tryEveryMs = 91 * 86_400_000;

interface Tried {
  readonly runbook: string;
  readonly atMs?: number;
  readonly incidentId?: string;
  readonly isDrill?: boolean;
  readonly isDue: boolean;
}

/** `rekey report runbooks`: a runbook is tried when an incident or a drill pages with it. */
export async function runbooksReport(cli: Cli, options: { readonly format?: string }): Promise<Shown> {
  const format = formatOf(options.format);
  const { ledger, nowMs } = await cli.reach();
  const pages = (await ledger.incidents.incidents()).flatMap(({ incidentId, test, pages: sent }) =>
    sent.map(({ atMs, reason }) => ({ runbook: runbookFor(reason), atMs, incidentId, isDrill: test })),
  );
  const known = new Set([...Object.keys(runbooks), ...pageReasons].map(runbookFor));
  const tried = [...known].sort().map((runbook): Tried => {
    const last = pages.filter((page) => page.runbook === runbook).sort((a, b) => b.atMs - a.atMs)[0];
    return { runbook, ...last, isDue: last === undefined || nowMs() - last.atMs >= tryEveryMs };
  });
  const due = tried.filter(({ isDue }) => isDue).length;
  const rows = tried.map(({ runbook, atMs, incidentId = "-", isDrill, isDue }) => [
    ...[
      runbook,
      atMs === undefined ? "never" : utcText(atMs),
      isDrill === true ? `${incidentId} (drill)` : incidentId,
    ],
    isDue ? "due" : "no",
  ]);
  return {
    json: { type: "runbooks", runbooks: tried, due },
    isFile: format === "csv",
    lines:
      format === "csv"
        ? csvLines([titles, ...rows])
        : [
            headedTable(titles, rows),
            `${due} of ${tried.length} have not been tried for a quarter: see \`rekey drill\``,
          ],
  };
}

const titles = ["RUNBOOK", "LAST", "WITH", "DUE"];
