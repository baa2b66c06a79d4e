import type { Alert } from "../events/alert.ts";
import { askAdmin } from "./ask-admin.ts";
import type { Cli } from "./command.ts";

/** The most that the admin function accepts in one call. */
const batchMax = 50;
const batchesMax = 200;

/** Reports findings to the deployment; only fingerprints are in them. */
export async function sendAlerts(
  cli: Cli,
  alerts: readonly Alert[],
): Promise<{ readonly incidentIds: readonly string[]; readonly tests: number }> {
  const incidentIds = new Set<string>();
  let tests = 0;
  for (let batch = 0; batch < batchesMax && batch * batchMax < alerts.length; batch += 1) {
    const some = alerts.slice(batch * batchMax, (batch + 1) * batchMax);
    const answer = await askAdmin(cli, { command: "report-alerts", alerts: some });
    for (const id of Array.isArray(answer["incidentIds"]) ? answer["incidentIds"] : [])
      incidentIds.add(String(id));
    tests += Number(answer["testsOfRealKeys"] ?? 0);
  }
  return { incidentIds: [...incidentIds], tests };
}
