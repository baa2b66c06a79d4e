import { roughDuration } from "../../core/duration.ts";
import { type Federated, keylessText } from "../../core/federated.ts";
import { isRotated } from "../../core/policy.ts";
import type { StopOrder } from "../../core/rotation/stop-order.ts";
import { utcText } from "../../core/utc.ts";
import { rowsByBlock } from "../by-block.ts";
import type { Register } from "../command.ts";
import { readKeyless } from "../keyless.ts";
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
        const keyless = await readKeyless(reach, named);
        const isKeyless = named !== undefined && keyless.length > 0;
        const { secrets, debts } = isKeyless ? noStandings : await readStandings(reach, named);
        const stops = await reach.ledger.stops();
        const nowMs = reach.nowMs();
        return {
          json: { type: "status", secrets: secrets.map(stated), federated: keyless, stops, debts },
          lines: [
            secrets.length + keyless.length === 0
              ? "no secret has a policy yet: rekey apply"
              : headedTable(
                  ["SECRET", "ENVIRONMENT", "KEY", "AGE", "NEXT", "OVERDUE", "STATE"],
                  [...rowsByBlock(secrets, (each) => row(each, nowMs)), ...keyless.map(keylessRow)],
                ),
            ...stops.map(stopText),
          ],
        };
      }),
    );
};

const noStandings = { secrets: [], debts: [] };

function keylessRow(each: Federated): readonly string[] {
  return [each.name, each.environment, "none", "-", "-", "-", keylessText(each)];
}

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
