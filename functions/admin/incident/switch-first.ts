import * as z from "zod";
import { switchFirst, whyNotSwitchFirst } from "../../../core/incident/orders.ts";
import { changeIncident } from "../../incident/record/change.ts";
import { graceMs } from "../../incident/record/policies.ts";
import { adminCommand } from "../command.ts";
import { auditOrder, goOnWith, orderShape, refusedBy, whichToOrder, wordOf } from "./which-incident.ts";

/** Consumers get time to move before the key is contained. The deadline does not change. */
export const incidentSwitchFirst = adminCommand({
  input: z.strictObject({ command: z.literal("incident-switch-first"), ...orderShape }),
  run: async ({ input, caller }, deps) => {
    const found = await whichToOrder(input, deps);
    if ("refusal" in found) return found.refusal;
    const refusal = whyNotSwitchFirst(found.record);
    if (refusal) return refusedBy(refusal);
    const word = wordOf(caller, input.reason);
    const containByMs = caller.atMs + (await graceMs(found.record, deps));
    const record = await changeIncident(
      input.incident,
      (now) => (whyNotSwitchFirst(now) ? now : switchFirst(now, { word, containByMs })),
      deps,
    );
    const detail = { reason: input.reason };
    await auditOrder({ record, caller, action: "SwitchFirstOrdered", detail }, deps);
    const machine = await goOnWith(record, caller, deps);
    return { outcome: "ordered", incidentId: record.incidentId, containByMs, machine };
  },
});
