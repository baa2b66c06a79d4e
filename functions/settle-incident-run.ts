import { isExecutionOf, told } from "../core/incident.ts";
import { whyNotClose } from "../core/incident-plan.ts";
import type { Deps } from "./deps.ts";
import { changeIncident } from "./incident-change.ts";
import { releaseSecrets } from "./release-secrets.ts";
import { tell } from "./tell.ts";

export interface SettlingIncident {
  readonly incidentId: string;
  readonly executionArn: string;
  readonly atMs: number;
  readonly reason: string;
}

/** Only the execution that works on the incident settles it; an older one, seen late, changes nothing. */
export async function settleIncidentRun(settling: SettlingIncident, deps: Deps) {
  const { incidentId, executionArn, atMs, reason } = settling;
  const record = await deps.ledger.incidents.incident(incidentId);
  if (record === undefined) return { outcome: "unknown" as const, reason };
  if (!isExecutionOf(record, executionArn) || record.closedAtMs !== undefined)
    return { outcome: "settledBefore" as const, reason };

  await releaseSecrets({ record, atMs, reason }, deps);
  const settled = await changeIncident(
    incidentId,
    (now) => {
      if (!isExecutionOf(now, executionArn)) return now;
      if (now.status === "needsPerson" || now.closedAtMs !== undefined) return now;
      const isContained = whyNotClose(now) === undefined;
      const status =
        now.status === "falseAlarm"
          ? now.status
          : isContained
            ? ("closed" as const)
            : ("needsPerson" as const);
      const ended = isContained ? { closedAtMs: atMs } : {};
      return told({ ...now, status, reason, waits: [], ...ended }, { atMs, what: "settled", detail: reason });
    },
    deps,
  );
  const isOurs = isExecutionOf(settled, executionArn) && settled.status === "needsPerson";
  const wasTold = settled.pages.some((page) => page.reason === "settled" && page.delivered.length > 0);
  if (isOurs && whyNotClose(settled) !== undefined && !wasTold) {
    const why = `the machine stopped working on it (${reason}), and the key is neither dead nor waived`;
    await tell({ record: settled, due: { reason: "settled", severity: "page", why }, atMs }, deps);
  }
  return { outcome: settled.status, reason };
}
