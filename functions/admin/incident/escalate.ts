import * as z from "zod";
import { isOver } from "../../../core/incident/status.ts";
import { page } from "../../incident/paging/page.ts";
import { adminCommand, refused } from "../command.ts";
import { auditOrder, orderShape, whichIncident } from "./which-incident.ts";

/** Pages everybody now, through every channel, with the person's reason. */
export const incidentEscalate = adminCommand({
  input: z.strictObject({ command: z.literal("incident-escalate"), ...orderShape }),
  run: async ({ input, caller }, deps) => {
    const found = await whichIncident(input.incident, deps);
    if ("refusal" in found) return found.refusal;
    const { record } = found;
    const over = isOver(record.status);
    const about = over ? " (the incident is over)" : "";
    const why = `${caller.principal} asks for help${about}: ${input.reason}`;
    const due = { reason: "asked" as const, severity: "page" as const, why };
    const delivered = await page({ record, due, atMs: caller.atMs }, deps);
    await auditOrder({ record, caller, action: "EscalationOrdered", detail: { reason: input.reason } }, deps);
    const sent = (await deps.ledger.incidents.incident(record.incidentId))?.pages.at(-1);
    const facts = { over, delivered: sent?.delivered ?? [], failed: sent?.failed ?? [] };
    if (delivered) return { outcome: "paged", incidentId: record.incidentId, ...facts };
    const detail = `no channel delivered the page (${facts.failed.join(", ") || "none is configured"})`;
    return refused({ reason: "NobodyReached", detail, hint: "call the people on call by phone" });
  },
});
