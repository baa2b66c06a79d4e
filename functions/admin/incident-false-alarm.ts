import * as z from "zod";
import { refOf } from "../../core/incident.ts";
import { falseAlarm, undoableKeys, undoQuarantine, whyNotFalseAlarm } from "../../core/incident-person.ts";
import { changeIncident } from "../incident-change.ts";
import { adminCommand } from "./command.ts";
import { restoreKeys } from "./incident-undo-quarantine.ts";
import { auditOrder, orderShape, refusedBy, whichToOrder, wordOf } from "./which-incident.ts";

/** Ends an incident that was none. A quarantine is undone; what was revoked stays revoked. */
export const incidentFalseAlarm = adminCommand({
  input: z.strictObject({ command: z.literal("incident-false-alarm"), ...orderShape }),
  run: async ({ input, caller }, deps) => {
    const found = await whichToOrder(input, deps);
    if ("refusal" in found) return found.refusal;
    const refusal = whyNotFalseAlarm(found.record);
    if (refusal) return refusedBy(refusal);
    const word = wordOf(caller, input.reason);
    const refs = undoableKeys(found.record).map(refOf);
    const record = await changeIncident(
      input.incident,
      (now) => {
        if (whyNotFalseAlarm(now)) return now;
        const released = refs.reduce((next, ref) => undoQuarantine(next, { ref, word }), now);
        return falseAlarm(released, word);
      },
      deps,
    );
    const restored = await restoreKeys(record, deps);
    const detail = { reason: input.reason };
    await auditOrder({ record, caller, action: "FalseAlarmDeclared", detail }, deps);
    const revoked = record.keys.filter(({ acceptedAtMs }) => acceptedAtMs !== undefined).map(refOf);
    return { outcome: "falseAlarm", incidentId: record.incidentId, restored, revoked };
  },
});
