import type { IncidentRecord } from "../../core/incident/record.ts";
import { isOver } from "../../core/incident/status.ts";
import { type SecretFacts, standingOf } from "../../ledger/standing.ts";
import { commandFor } from "../command-line.ts";
import type { FleetRow, IncidentRow } from "../shown.ts";

export function fleetRow(facts: SecretFacts): FleetRow {
  const { policy, debts } = facts;
  const { secretArn, name, environment, mode, maxAgeMs, schedule, owner } = policy;
  const { wants, overdueAtMs: _shownAsAge, ...standing } = standingOf(facts);
  return {
    ...{ secretArn, name, environment, mode, maxAgeMs, provider: policy.provider.kind, debts: debts.length },
    consumers: policy.consumers === "none" ? 0 : policy.consumers.length,
    ...standing,
    ...(owner !== undefined && { owner }),
    ...(schedule !== undefined && { schedule }),
    ...(wants !== undefined && { wants: wantShown(wants, facts) }),
  };
}

function wantShown(
  { tone, what, command = [] }: NonNullable<ReturnType<typeof standingOf>["wants"]>,
  { policy }: SecretFacts,
): NonNullable<FleetRow["wants"]> {
  const line = command.length === 0 ? undefined : commandFor(["rekey", ...command], policy);
  return { tone, what, ...(line !== undefined && { command: line }) };
}

export function incidentRow(record: IncidentRecord): IncidentRow {
  const { incidentId, status, plan, test, detectedAtMs, deadlineAtMs, keys, secrets, match } = record;
  const deaths = keys.map(({ deadAtMs }) => deadAtMs).filter((atMs) => atMs !== undefined);
  return {
    ...{ incidentId, status, plan, test, detectedAtMs, deadlineAtMs, isOver: isOver(status) },
    about: secrets.map(({ name }) => name).join(", ") || match.text,
    ...(keys.length > 0 && deaths.length === keys.length && { deadAtMs: Math.max(...deaths) }),
  };
}
