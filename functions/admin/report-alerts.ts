import * as z from "zod";
import { deploymentChain } from "../../audit/chain.ts";
import { type Alert, AlertSchema } from "../../events/alert.ts";
import { raiseAlerts } from "../alerts/raise.ts";
import { adminCommand } from "./command.ts";

/** Each alert may open an incident, and the function has half a minute. */
const alertsMax = 50;

/** The findings of a scanner that a person ran. The CLI read the report, so only fingerprints arrive here. */
export const reportAlerts = adminCommand({
  input: z.strictObject({
    command: z.literal("report-alerts"),
    alerts: z.array(AlertSchema).min(1).max(alertsMax),
  }),
  findsKeys: true,
  run: async ({ input, caller }, deps) => {
    const incidentIds = new Set<string>();
    let opened = 0;
    let testsOfRealKeys = 0;
    for (const alert of input.alerts as readonly Alert[]) {
      const raised = await raiseAlerts(
        {
          ...{ alert, kind: "start", receivedAtMs: caller.atMs, intake: "person" },
          principal: caller.principal,
        },
        deps,
      );
      for (const incidentId of raised.incidentIds) incidentIds.add(incidentId);
      if (raised.outcome === "opened") opened += 1;
      if (raised.outcome === "testOfRealKey") testsOfRealKeys += 1;
    }
    await deps.audit.append(deploymentChain, {
      id: `${caller.requestId}/report`,
      atMs: caller.atMs,
      actor: caller.principal,
      action: "ReportSubmitted",
      detail: { alerts: input.alerts.length, incidents: incidentIds.size },
    });
    const warned = testsOfRealKeys === 0 ? {} : { testsOfRealKeys };
    return { outcome: "reported", opened, incidentIds: [...incidentIds], ...warned };
  },
});
