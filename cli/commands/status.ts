import { roughDuration } from "../../core/duration.ts";
import { isRotated } from "../../core/policy.ts";
import type { StopOrder } from "../../core/rotation/stop-order.ts";
import { utcText } from "../../core/utc.ts";
import type { Register } from "../command.ts";
import { readStandings, type SecretStanding } from "../standings.ts";
import { headedTable } from "../table.ts";
import { shortName, until } from "../text.ts";

export const status: Register = (program, perform) => {
  program
    .command("status")
    .argument("[secret]", "name in rekey.yml, or ARN")
    .action((named: string | undefined) =>
      perform(async (cli) => {
        const reach = await cli.reach();
        const { secrets, debts } = await readStandings(reach, named);
        const stops = await reach.ledger.stops();
        const nowMs = reach.nowMs();
        return {
          json: { type: "status", secrets: secrets.map(stated), stops, debts },
          lines: [
            secrets.length === 0
              ? "no secret has a policy yet: rekey apply"
              : headedTable(
                  ["SECRET", "ENVIRONMENT", "KEY", "AGE", "NEXT", "OVERDUE", "STATE"],
                  secrets.map((each) => row(each, nowMs)),
                ),
            ...stops.map(stopText),
          ],
        };
      }),
    );
};

function row({ policy, standing }: SecretStanding, nowMs: number): readonly string[] {
  const { keyId, sinceMs, overdueAtMs, state, wants } = standing;
  const want = wants === undefined || wants.what === state.text ? undefined : wants.what;
  return [
    ...[policy.name, policy.environment, keyId ?? "-"],
    sinceMs === undefined ? "-" : roughDuration(nowMs - sinceMs),
    nextText({ policy, standing }, nowMs),
    overdueAtMs === undefined ? "-" : until(overdueAtMs, nowMs),
    want === undefined || state.tone !== "good" ? state.text : `${state.text}; ${want}`,
  ];
}

/** When the schedule starts the next rotation. */
export function nextText({ policy, standing }: SecretStanding, nowMs: number): string {
  if (standing.nextAtMs !== undefined) return until(standing.nextAtMs, nowMs);
  if (policy.schedule !== undefined && isRotated(policy)) return "never";
  return isRotated(policy) ? "manual" : "-";
}

function stated({ policy, standing }: SecretStanding): Readonly<Record<string, unknown>> {
  const { secretArn, name, environment } = policy;
  const { state, wants, ...rest } = standing;
  return {
    secretArn,
    name,
    environment,
    ...rest,
    state: state.text,
    tone: state.tone,
    ...(wants && { wants }),
  };
}

function stopText({ scope, by, reason, includingIncidents, untilMs }: StopOrder): string {
  const incidents = includingIncidents ? ", incidents too" : "";
  const ends = untilMs === undefined ? "" : `, alone and until ${utcText(untilMs)}`;
  return `stopped for ${scope} by ${shortName(by)}${incidents}${ends}: ${reason}`;
}
