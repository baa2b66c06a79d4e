import * as z from "zod";
import { whyNotClose } from "../../core/incident/plan.ts";
import { addToTimeline } from "../../core/incident/transitions.ts";
import type { Deps } from "../deps.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { changeIncident } from "./record/change.ts";
import { publish } from "./record/publish.ts";
import { incidentIdText, incidentOf } from "./record/step-input.ts";
import { releaseSecrets } from "./takeover/release-secrets.ts";

/** Ends an incident if every key is dead or waived, and refuses otherwise. The secrets are released before that. */
export const closeIncident = step({
  name: "close-incident",
  input: z.object({ incidentId: incidentIdText, at: stampedAt }),
  run: async ({ incidentId, at }, deps: Deps) => {
    const record = await incidentOf({ incidentId }, deps);
    const refusal = whyNotClose(record);
    if (refusal) return { outcome: "refused" as const, reason: `${refusal.reason}: ${refusal.detail}` };
    await releaseSecrets({ record, atMs: at, reason: `incident ${incidentId} has ended` }, deps);
    const closed = await changeIncident(
      incidentId,
      (now) => {
        if (now.closedAtMs !== undefined) return now;
        const status = now.status === "falseAlarm" ? now.status : ("closed" as const);
        return addToTimeline(
          { ...now, status, closedAtMs: at },
          { atMs: at, what: "closed", detail: status },
        );
      },
      deps,
    );
    await publish({ type: "IncidentClosed", detail: { incidentId, status: closed.status } }, deps);
    return { outcome: "closed" as const, reason: closed.status };
  },
});

export const handler = onLambda(closeIncident, wiring("close-incident"));
