import * as z from "zod";
import { isPast, refOf } from "../../core/incident.ts";
import { falseAlarm, undoableKeys, undoQuarantine, whyNotFalseAlarm } from "../../core/incident-person.ts";
import { changeIncident } from "../incident-change.ts";
import { callSound } from "../restore-key.ts";
import { adminCommand } from "./command.ts";
import { restoreKeys } from "./incident-undo-quarantine.ts";
import { auditOrder, orderShape, refusedBy, whichToOrder, wordOf } from "./which-incident.ts";

/** Ends an incident that was none. A quarantine is undone; a revoke that is under way goes on. */
export const incidentFalseAlarm = adminCommand({
  input: z.strictObject({ command: z.literal("incident-false-alarm"), ...orderShape }),
  run: async ({ input, caller }, deps) => {
    const found = await whichToOrder(input, deps);
    if ("refusal" in found) return found.refusal;
    const refusal = whyNotFalseAlarm(found.record);
    if (refusal) return refusedBy(refusal);
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
    const restored = await restoreKeys(record, deps);
    const ended = record.keys.filter((key) => isPast(key, "quarantined"));
    for (const key of record.keys) {
      const { keyId } = key;
      if (keyId !== undefined && !ended.includes(key)) await callSound({ record, keyId }, deps);
    }
    const detail = { reason: input.reason };
    await auditOrder({ record, caller, action: "FalseAlarmDeclared", detail }, deps);
    return { outcome: "falseAlarm", incidentId: record.incidentId, restored, revoked: ended.map(refOf) };
  },
});
