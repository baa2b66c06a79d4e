import * as z from "zod";
import { acknowledge, whyNotAcknowledge } from "../../../core/incident/orders.ts";
import { quietAfterAckMs } from "../../../core/incident/turns.ts";
import { changeIncident } from "../../incident/record/change.ts";
import { adminCommand } from "../command.ts";
import { auditOrder, orderShape, refusedBy, whichToOrder, wordOf } from "./which-incident.ts";

/** Somebody heard the page. The clock goes on: the repeats pause, and come again while the key lives. */
export const incidentAck = adminCommand({
  input: z.strictObject({ command: z.literal("incident-ack"), ...orderShape }),
  run: async ({ input, caller }, deps) => {
    const found = await whichToOrder(input, deps);
    if ("refusal" in found) return found.refusal;
    const refusal = whyNotAcknowledge(found.record);
    if (refusal) return refusedBy(refusal);
    const word = wordOf(caller, input.reason);
    const record = await changeIncident(
      input.incident,
      (now) => (whyNotAcknowledge(now) ? now : acknowledge(now, word)),
      deps,
    );
    await auditOrder({ record, caller, action: "PageAcknowledged", detail: { reason: input.reason } }, deps);
    return {
      outcome: "acknowledged",
      incidentId: record.incidentId,
      quietUntilMs: caller.atMs + quietAfterAckMs,
    };
  },
});
