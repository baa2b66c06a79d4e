import type { IncidentRecord } from "../../core/incident/record.ts";
import type { Deps } from "../deps.ts";

/** The key belongs to no provider and no secret, so the incident has the plan `person`, which pages at once. */
export function syntheticReport(name: string) {
  const key = `rekey-FAKE-${name}-opens-nothing`;
  return {
    alerts: [{ id: name, key, exposure: "unknown", verified: "unknown", where: ["nowhere"], test: true }],
  };
}

/** Only a test incident counts: any other pages as if the leak were real. */
export async function syntheticIncident(
  name: string,
  { ledger }: Pick<Deps, "ledger">,
): Promise<IncidentRecord | undefined> {
  const incidents = await ledger.incidents.incidents();
  return incidents.find(({ test, alerts }) => test && alerts.some(({ sourceId }) => sourceId === name));
}
