import type { IncidentRecord } from "../../core/incident/record.ts";
import { isOver } from "../../core/incident/status.ts";
import type { Policy } from "../../core/policy.ts";
import type { NoticeOrder } from "../../core/rotation/notices.ts";
import { type SecretFacts, standingOf } from "../../ledger/standing.ts";
import { commandFor, commandLine } from "../command-line.ts";
import type { FleetRow, IncidentRow } from "../shown.ts";
import { newestCertified } from "./certificate.ts";

export function fleetRow(facts: SecretFacts): FleetRow {
  const { policy, debts } = facts;
  const { secretArn, name, environment, mode, maxAgeMs, schedule, owner } = policy;
  const { wants, overdueAtMs: _shownAsAge, ...standing } = standingOf(facts);
  const certified = newestCertified(facts.rotations);
  return {
    ...{ secretArn, name, environment, mode, maxAgeMs, provider: policy.provider.kind, debts: debts.length },
    consumers: policy.consumers === "none" ? 0 : policy.consumers.length,
    ...standing,
    ...(owner !== undefined && { owner }),
    ...(schedule !== undefined && { schedule }),
    ...(certified !== undefined && { certified }),
    ...(wants !== undefined && { wants: wantShown(wants, facts) }),
  };
}

function wantShown(
  { tone, what, order }: NonNullable<ReturnType<typeof standingOf>["wants"]>,
  { policy }: SecretFacts,
): NonNullable<FleetRow["wants"]> {
  const line = order && commandAbout(order, policy);
  return { tone, what, ...(line !== undefined && { command: line }) };
}

function commandAbout({ words, about }: NoticeOrder, policy: Policy): string | undefined {
  const command = ["rekey", ...words];
  return about === undefined ? commandFor(command, policy) : commandLine([...command, about]);
}

export function incidentRow(record: IncidentRecord): IncidentRow {
  const { incidentId, status, plan, test, detectedAtMs, deadlineAtMs, keys, secrets, match } = record;
  const { campaignId } = record;
  const deaths = keys.map(({ deadAtMs }) => deadAtMs).filter((atMs) => atMs !== undefined);
  return {
    ...{ incidentId, status, plan, test, detectedAtMs, deadlineAtMs, isOver: isOver(status) },
    ...(campaignId !== undefined && { campaignId }),
    about: secrets.map(({ name }) => name).join(", ") || match.text,
    ...(keys.length > 0 && deaths.length === keys.length && { deadAtMs: Math.max(...deaths) }),
  };
}
