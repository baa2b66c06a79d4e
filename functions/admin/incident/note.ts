import * as z from "zod";
import { takeNote } from "../../../core/incident/orders.ts";
import { changeIncident } from "../../incident/record/change.ts";
import { adminCommand } from "../command.ts";
import { auditOrder, orderShape, whichIncident, wordOf } from "./which-incident.ts";

/** A note for whoever reads the incident, now or later. */
export const incidentNote = adminCommand({
  input: z.strictObject({ command: z.literal("incident-note"), ...orderShape }),
  run: async ({ input, caller }, deps) => {
    const found = await whichIncident(input.incident, deps);
    if ("refusal" in found) return found.refusal;
    const word = wordOf(caller, input.reason);
    const record = await changeIncident(input.incident, (now) => takeNote(now, word), deps);
    await auditOrder({ record, caller, action: "IncidentNoted", detail: { note: input.reason } }, deps);
    return { outcome: "noted", incidentId: record.incidentId, notes: record.notes.length };
  },
});
