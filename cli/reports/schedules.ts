import { together } from "../../consumers/together.ts";
import { roughDuration } from "../../core/duration.ts";
import { utcText } from "../../core/utc.ts";
import type { Cli, Reach, Shown } from "../command.ts";
import { csvLines } from "../csv.ts";
import { formatOf } from "../format.ts";
import { readStandings, type SecretStanding } from "../standings.ts";
import { headedTable } from "../table.ts";

const atOnceMax = 8;
const reviewEveryMs = 30 * 86_400_000;

interface Reviewed {
  readonly secret: string;
  readonly schedule: string;
  readonly nextAtMs?: number;
  /** When the secret's policy was applied last: whoever applies it has seen its schedule. */
  readonly appliedAtMs?: number;
  readonly by?: string;
  readonly isDue: boolean;
}

/** `rekey report schedules`: a schedule that nobody has applied for a month is due for a look. */
export async function schedulesReport(cli: Cli, options: { readonly format?: string }): Promise<Shown> {
  const format = formatOf(options.format);
  const reach = await cli.reach();
  const { secrets } = await readStandings(reach, undefined);
  const scheduled = secrets.filter(({ policy }) => policy.schedule !== undefined);
  const rows = await together(scheduled, { atOnceMax, work: (secret) => reviewed(secret, reach) });
  const nowMs = reach.nowMs();
  const due = rows.filter(({ isDue }) => isDue).length;
  const cells = rows.map(({ secret, schedule, nextAtMs, appliedAtMs, by, isDue }) => [
    ...[secret, schedule, nextAtMs === undefined ? "never" : utcText(nextAtMs)],
    ...[appliedAtMs === undefined ? "-" : `${roughDuration(nowMs - appliedAtMs)} ago`, by ?? "-"],
    isDue ? "due" : "no",
  ]);
  return {
    json: { type: "schedules", schedules: rows, due },
    isFile: format === "csv",
    lines:
      format === "csv"
        ? csvLines([titles, ...cells])
        : rows.length === 0
          ? ["no secret has a schedule"]
          : [
              headedTable(titles, cells),
              `${due} of ${rows.length} are due: look at each, and apply its file again with \`rekey apply\``,
            ],
  };
}

const titles = ["SECRET", "SCHEDULE", "NEXT", "LAST APPLIED", "BY", "REVIEW"];

async function reviewed({ policy, standing }: SecretStanding, { audit, nowMs }: Reach): Promise<Reviewed> {
  let applied: { readonly atMs: number; readonly actor: string } | undefined;
  for await (const { action, atMs, actor } of audit.entries(policy.secretArn))
    if (action === "PolicyApplied") applied = { atMs, actor };
  const isDue = applied === undefined || nowMs() - applied.atMs >= reviewEveryMs;
  return {
    ...{ secret: policy.name, schedule: policy.schedule ?? "", isDue },
    ...(standing.nextAtMs !== undefined && { nextAtMs: standing.nextAtMs }),
    ...(applied !== undefined && { appliedAtMs: applied.atMs, by: applied.actor }),
  };
}
