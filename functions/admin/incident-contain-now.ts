import * as z from "zod";
import { containNow, whyNotContainNow } from "../../core/incident-person.ts";
import { changeIncident } from "../incident-change.ts";
import { adminCommand } from "./command.ts";
import { auditOrder, goOnWith, orderShape, refusedBy, whichToOrder, wordOf } from "./which-incident.ts";

/** Containment waits for nothing any more; a person's word counts for an inexact match too. */
export const incidentContainNow = adminCommand({
  input: z.strictObject({ command: z.literal("incident-contain-now"), ...orderShape }),
  run: async ({ input, caller }, deps) => {
    const found = await whichToOrder(input, deps);
    if ("refusal" in found) return found.refusal;
    const refusal = whyNotContainNow(found.record);
    if (refusal) return refusedBy(refusal);
    const word = wordOf(caller, input.reason);
    const record = await changeIncident(
      input.incident,
      (now) => (whyNotContainNow(now) ? now : containNow(now, word)),
      deps,
    );
    const detail = { reason: input.reason };
    await auditOrder({ record, caller, action: "ContainmentOrdered", detail }, deps);
    return { outcome: "ordered", incidentId: record.incidentId, machine: await goOnWith(record, deps) };
  },
});
