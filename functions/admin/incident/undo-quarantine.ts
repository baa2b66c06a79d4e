import * as z from "zod";
import {
  switchFirst,
  undoableKeys,
  undoQuarantine,
  whyNotSwitchFirst,
  whyNotUndoQuarantine,
  withdrawContainNow,
} from "../../../core/incident/orders.ts";
import { refOf } from "../../../core/incident/transitions.ts";
import { restoreKeys } from "../../incident/containment/undo-containment.ts";
import { changeIncident } from "../../incident/record/change.ts";
import { graceMs } from "../../incident/record/policies.ts";
import { adminCommand } from "../command.ts";
import { auditOrder, orderShape, refusedBy, whichToOrder, wordOf } from "./which-incident.ts";

/** Makes a quarantined key work again, and lets its consumers move before it is contained. */
export const incidentUndoQuarantine = adminCommand({
  input: z.strictObject({ command: z.literal("incident-undo-quarantine"), ...orderShape }),
  run: async ({ input, caller }, deps) => {
    const found = await whichToOrder(input, deps);
    if ("refusal" in found) return found.refusal;
    const refusal = whyNotUndoQuarantine(found.record);
    if (refusal) return refusedBy(refusal);
    const word = wordOf(caller, input.reason);
    const containByMs = caller.atMs + (await graceMs(found.record, deps));
    // The plan is changed first: under contain-first the key would be quarantined again before it is restored.
    const record = await changeIncident(
      input.incident,
      (now) => {
        if (whyNotUndoQuarantine(now)) return now;
        const planned = whyNotSwitchFirst(now)
          ? withdrawContainNow(now)
          : switchFirst(now, { word, containByMs });
        const refs = undoableKeys(now).map(refOf);
        return refs.reduce((next, ref) => undoQuarantine(next, { ref, word }), planned);
      },
      deps,
    );
    const late = whyNotUndoQuarantine(record);
    if (late) return refusedBy(late);
    const restored = await restoreKeys(record, deps);
    const detail = { reason: input.reason, keys: restored.join(", ") };
    await auditOrder({ record, caller, action: "QuarantineUndone", detail }, deps);
    return { outcome: "undone", incidentId: record.incidentId, restored, containByMs };
  },
});
