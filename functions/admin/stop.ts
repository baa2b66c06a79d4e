import * as z from "zod";
import { together } from "../../consumers/together.ts";
import { wakeIfDecided } from "../secret/wake-run.ts";
import { adminCommand } from "./command.ts";
import { reasonText } from "./inputs.ts";
import { chainOf, scopeNamed, scopeShape, whichScope } from "./scope.ts";

const atOnceMax = 8;
/** For so long one person may stop what two decide about. */
const aloneMs = 4 * 3_600_000;

/** Orders a stop: mint, promote, quarantine and revoke check for it just before each effect. */
export const stop = adminCommand({
  input: z.strictObject({
    command: z.literal("stop"),
    ...scopeShape,
    reason: reasonText,
    includingIncidents: z.boolean().default(false),
    /** Where two people decide: by one alone, at once, and for four hours. */
    alone: z.boolean().default(false),
    /** Where two people decide: a second person lets it stand for longer. */
    untilLifted: z.boolean().default(false),
  }),
  run: async ({ input, caller }, deps) => {
    const found = await whichScope(input, deps);
    if ("refusal" in found) return found.refusal;
    const { scope, covered } = found;
    const { principal, atMs, requestId, approvedBy } = caller;
    const { reason, includingIncidents } = input;
    const untilMs = caller.alone || input.alone ? atMs + aloneMs : undefined;
    await deps.ledger.putStop({
      ...{ scope, by: principal, reason, includingIncidents },
      ...(untilMs !== undefined && { untilMs }),
      ...(approvedBy !== undefined && { approvedBy }),
    });
    await deps.audit.append(chainOf(found), {
      id: `${requestId}/stop`,
      atMs,
      actor: principal,
      action: "Stopped",
      detail: { scope, reason, includingIncidents, ...(untilMs !== undefined && { alone: true, untilMs }) },
    });
    const work = ({ secretArn }: { secretArn: string }) => wakeIfDecided({ secretArn, nowMs: atMs }, deps);
    const woken = await together(covered, { atOnceMax, work });
    return {
      ...{ outcome: "stopped", scope, secrets: covered.length },
      ...(untilMs !== undefined && { untilMs }),
      woken: woken.filter((each) => each === "woken").length,
    };
  },
});

export const resume = adminCommand({
  input: z.strictObject({ command: z.literal("resume"), ...scopeShape }),
  run: async ({ input, caller }, deps) => {
    const stops = await deps.ledger.stops();
    const found = await whichScope(input, deps);
    const leftOver = stops.find((stop) => stop.scope === scopeNamed(input))?.scope;
    if ("refusal" in found && leftOver === undefined) return found.refusal;
    const { scope, covered } = "refusal" in found ? { scope: leftOver ?? "", covered: [] } : found;
    const { principal, atMs, requestId } = caller;
    const lifted = stops.find((stop) => stop.scope === scope);
    if (lifted === undefined) {
      const others = stops.map((stop) => stop.scope);
      return { outcome: "notStopped", scope, others };
    }
    await deps.ledger.removeStop(scope);
    await deps.audit.append(chainOf({ scope }), {
      id: `${requestId}/resume`,
      atMs,
      actor: principal,
      action: "Resumed",
      detail: { scope, stoppedBy: lifted.by, stopReason: lifted.reason },
    });
    const work = ({ secretArn }: { secretArn: string }) => wakeIfDecided({ secretArn, nowMs: atMs }, deps);
    await together(covered, { atOnceMax, work });
    const others = stops.map((stop) => stop.scope).filter((other) => other !== scope);
    return { outcome: "resumed", scope, secrets: covered.length, others };
  },
});
