import * as z from "zod";
import {
  falseAlarm,
  orderCovers,
  undoableKeys,
  undoQuarantine,
  whyNotFalseAlarm,
} from "../../../core/incident/orders.ts";
import { isPast, refOf } from "../../../core/incident/transitions.ts";
import { undoContainment } from "../../incident/containment/undo-containment.ts";
import { changeIncident } from "../../incident/record/change.ts";
import { adminCommand } from "../command.ts";
import { auditOrder, orderShape, refusedBy, whichToOrder, wordOf } from "./which-incident.ts";

/** Ends an incident that was a false alarm. A quarantine is undone; `revoked` lists keys whose revoke had begun. */
export const incidentFalseAlarm = adminCommand({
  input: z.strictObject({ command: z.literal("incident-false-alarm"), ...orderShape }),
  run: async ({ input, caller }, deps) => {
    const found = await whichToOrder(input, deps);
    if ("refusal" in found) return found.refusal;
    const word = wordOf(caller, input.reason);
    const record = await changeIncident(
      input.incident,
      (now) => {
        if (whyNotFalseAlarm(now)) return now;
        const refs = undoableKeys(now).map(refOf);
        const released = refs.reduce((next, ref) => undoQuarantine(next, { ref, word }), now);
        return falseAlarm(released, word);
      },
      deps,
    );
    const refusal = whyNotFalseAlarm(record);
    if (refusal) return refusedBy(refusal);
    const restored = await undoContainment(record, deps);
    const detail = { reason: input.reason };
    await auditOrder({ record, caller, action: "FalseAlarmDeclared", detail }, deps);
    const revoked = record.keys.filter((key) => isPast(key, "quarantined")).map(refOf);
    return { outcome: "falseAlarm", incidentId: record.incidentId, restored, revoked, covers: orderCovers };
  },
});
