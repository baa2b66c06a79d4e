import { sayDuration } from "../../core/adoption/reason-text.ts";
import type { IncidentRecord } from "../../core/incident/record.ts";
import { syntheticIncident } from "../../functions/alerts/synthetic-report.ts";
import { askAdmin } from "../ask-admin.ts";
import { type Cli, CliFailure, exitCodes, type Reach, type Register, type Shown } from "../command.ts";

const pollMs = 1_000;
/** A cold start of each function on the way takes some seconds. */
const pollsMax = 90;

export const drill: Register = (program, perform) => {
  program
    .command("drill")
    .option("--rotation", "only try how people are told what ordinary rotations need; no incident")
    .action(({ rotation = false }: { readonly rotation?: boolean }) =>
      perform(rotation ? tryTelling : leakMadeUp),
    );
};

async function tryTelling(cli: Cli): Promise<Shown> {
  const { delivered, failed } = await askAdmin(cli, { command: "drill", rotation: true });
  return heard({ delivered: names(delivered), failed: names(failed) });
}

function names(given: unknown): readonly string[] {
  return Array.isArray(given) ? given.map(String) : [];
}

async function leakMadeUp(cli: Cli): Promise<Shown> {
  const reach = await cli.reach();
  const startedMs = reach.nowMs();
  const name = String((await askAdmin(cli, { command: "drill" }))["name"]);
  cli.terminal.err("the intake accepted the report");
  const record = await watch(cli, { reach, name });
  await askAdmin(cli, {
    ...{ command: "incident-false-alarm", incident: record.incidentId, reason: "a drill" },
  });
  const { incidentId, pages } = record;
  const delivered = [...new Set(pages.flatMap((page) => page.delivered))];
  const failed = [...new Set(pages.flatMap((page) => page.failed))];
  return heard({ delivered, failed, incidentId, tookMs: reach.nowMs() - startedMs });
}

function heard(drilled: {
  readonly delivered: readonly string[];
  readonly failed: readonly string[];
  readonly incidentId?: string;
  readonly tookMs?: number;
}): Shown {
  const { delivered, failed, tookMs } = drilled;
  const after = tookMs === undefined ? "" : ` after ${sayDuration(tookMs)}`;
  return {
    json: { type: "drill", outcome: failed.length === 0 ? "heard" : "partlyHeard", ...drilled },
    lines: [
      `delivered through ${delivered.join(", ") || "nothing"}${after}`,
      ...failed.map((channel) => `${channel} did not deliver it`),
    ],
    ...((failed.length > 0 || delivered.length === 0) && { exitCode: exitCodes.refused }),
  };
}

/** Prints how far the drill has come, so that it shows where a drill gets stuck. */
async function watch(
  { terminal }: Cli,
  { reach, name }: { readonly reach: Reach; readonly name: string },
): Promise<IncidentRecord> {
  let told = "";
  for (let poll = 0; poll < pollsMax; poll += 1) {
    const record = await syntheticIncident(name, reach);
    const station =
      record === undefined ? "the alert is under way on the bus" : `${record.incidentId} is ${record.status}`;
    if (station !== told) terminal.err(station);
    told = station;
    if (record !== undefined && record.pages.length > 0) return record;
    await reach.pause(pollMs);
  }
  throw new CliFailure(`nobody was paged in ${sayDuration(pollsMax * pollMs)}; it got as far as: ${told}`, {
    hint: "docs/runbooks/synthetic-leak-absent.md goes through the stations",
  });
}
