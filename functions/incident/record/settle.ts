import { whyNotClose } from "../../../core/incident/plan.ts";
import { isExecutionOf, type Settlement, settled } from "../../../core/incident/transitions.ts";
import type { With } from "../../deps.ts";
import { page } from "../paging/page.ts";
import { releaseSecrets } from "../takeover/release-secrets.ts";
import { changeIncident } from "./change.ts";

export interface SettlingIncident extends Settlement {
  readonly incidentId: string;
}

/** Only the execution that works on the incident settles it. An older one that is seen late changes nothing. */
export async function settleIncidentRun(settling: SettlingIncident, deps: With<"escalator">) {
  const { incidentId, executionArn, atMs, reason } = settling;
  const record = await deps.ledger.incidents.incident(incidentId);
  if (record === undefined) return { outcome: "unknown" as const, reason };
  if (!isExecutionOf(record, executionArn) || record.closedAtMs !== undefined)
    return { outcome: "settledBefore" as const, reason };

  await releaseSecrets({ record, atMs, reason }, deps);
  const left = await changeIncident(incidentId, (now) => settled(now, settling), deps);
  const isOurs = isExecutionOf(left, executionArn) && left.status === "needsPerson";
  const wasTold = left.pages.some((page) => page.reason === "settled" && page.delivered.length > 0);
  if (isOurs && whyNotClose(left) !== undefined && !wasTold) {
    const why = `the machine stopped working on it (${reason}), and the key is neither dead nor waived`;
    await page({ record: left, due: { reason: "settled", severity: "page", why }, atMs }, deps);
  }
  return { outcome: left.status, reason };
}
