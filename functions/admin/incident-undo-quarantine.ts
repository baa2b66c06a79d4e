import * as z from "zod";
import { refOf } from "../../core/incident.ts";
import {
  isUndone,
  switchFirst,
  undoableKeys,
  undoQuarantine,
  whyNotSwitchFirst,
  whyNotUndoQuarantine,
} from "../../core/incident-person.ts";
import type { IncidentRecord } from "../../core/incident-record.ts";
import { changeIncident } from "../incident-change.ts";
import { graceMs } from "../incident-policy.ts";
import { restoreKey } from "../restore-key.ts";
import { adminCommand } from "./command.ts";
import type { AdminDeps } from "./deps.ts";
import { auditOrder, orderShape, refusedBy, whichToOrder, wordOf } from "./which-incident.ts";

/** Gives a quarantined key back to those that need it, and lets them move before it is contained again. */
export const incidentUndoQuarantine = adminCommand({
  input: z.strictObject({ command: z.literal("incident-undo-quarantine"), ...orderShape }),
  run: async ({ input, caller }, deps) => {
    const found = await whichToOrder(input, deps);
    if ("refusal" in found) return found.refusal;
    const refusal = whyNotUndoQuarantine(found.record);
    if (refusal) return refusedBy(refusal);
    const word = wordOf(caller, input.reason);
    const containByMs = caller.atMs + (await graceMs(found.record, deps));
    // The plan first: under contain-first the key would be quarantined again before it is restored.
    const record = await changeIncident(
      input.incident,
      (now) => {
        const planned = whyNotSwitchFirst(now) ? now : switchFirst(now, { word, containByMs });
        const refs = undoableKeys(now).map(refOf);
        return refs.reduce((next, ref) => undoQuarantine(next, { ref, word }), planned);
      },
      deps,
    );
    const restored = await restoreKeys(record, deps);
    const detail = { reason: input.reason, keys: restored.join(", ") };
    await auditOrder({ record, caller, action: "QuarantineUndone", detail }, deps);
    return { outcome: "undone", incidentId: record.incidentId, restored, containByMs };
  },
});

/** A repeat restores each key again, which changes nothing. */
export async function restoreKeys(record: IncidentRecord, deps: AdminDeps): Promise<readonly string[]> {
  const restored: string[] = [];
  for (const key of undoableKeys(record)) {
    if (key.keyId === undefined || !isUndone(key)) continue;
    await restoreKey({ record, key, keyId: key.keyId }, deps);
    restored.push(key.keyId);
  }
  return restored;
}
