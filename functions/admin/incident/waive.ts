import * as z from "zod";
import { orderCovers, waive, whyNotWaive } from "../../../core/incident/orders.ts";
import { isSettled } from "../../../core/incident/plan.ts";
import { refOf } from "../../../core/incident/transitions.ts";
import { changeIncident } from "../../incident/record/change.ts";
import { adminCommand, refused } from "../command.ts";
import { auditOrder, orderShape, refusedBy, whichToOrder, wordOf } from "./which-incident.ts";

/** A person takes the responsibility for a key that was not proven dead. The record names them. */
export const incidentWaive = adminCommand({
  input: z.strictObject({
    command: z.literal("incident-waive"),
    ...orderShape,
    /** Key id or fingerprint; may be omitted if only one key is open. */
    key: z.string().min(1).max(256).optional(),
  }),
  run: async ({ input, caller }, deps) => {
    const found = await whichToOrder(input, deps);
    if ("refusal" in found) return found.refusal;
    const open = found.record.keys.filter((key) => !isSettled(key)).map(refOf);
    const ref = input.key ?? (open.length === 1 ? open[0] : undefined);
    if (ref === undefined) {
      const detail =
        open.length === 0 ? "no key of this incident is open" : `say which key: ${open.join(", ")}`;
      return refused({ reason: "KeyUnclear", detail });
    }
    const refusal = whyNotWaive(found.record, ref);
    if (refusal) return refusedBy(refusal);
    const word = wordOf(caller, input.reason);
    const record = await changeIncident(
      input.incident,
      (now) => (whyNotWaive(now, ref) ? now : waive(now, { ref, word })),
      deps,
    );
    await auditOrder(
      { record, caller, action: "KeyWaived", detail: { key: ref, reason: input.reason } },
      deps,
    );
    const left = record.keys.filter((key) => !isSettled(key)).map(refOf);
    return { outcome: "waived", incidentId: record.incidentId, key: ref, left, covers: orderCovers };
  },
});
