import { deploymentChain } from "../../../audit/chain.ts";
import type { IncidentRecord } from "../../../core/incident/record.ts";
import type { Deps } from "../../deps.ts";

interface Happened {
  readonly record: IncidentRecord;
  readonly atMs: number;
  readonly action: "IncidentPaged" | "IncidentReportFiled" | "IncidentEnded";
  readonly detail: Readonly<Record<string, string>>;
}

/** The chain of every leaked secret has the pages, the report's digest and the end; without a secret, the deployment's. */
export async function auditIncident(
  { record, atMs, action, detail }: Happened,
  { audit }: Pick<Deps, "audit">,
): Promise<void> {
  const { incidentId, secrets } = record;
  const chains = secrets.length === 0 ? [deploymentChain] : secrets.map(({ secretArn }) => secretArn);
  for (const chain of new Set(chains)) {
    await audit.append(chain, {
      id: `${incidentId}/${action}/${atMs}`,
      atMs,
      actor: "rekey:incident",
      action,
      detail: { incidentId, ...detail },
    });
  }
}
