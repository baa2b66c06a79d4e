import { z } from "zod";
import { adminCommand } from "./command.ts";
import { inTurns } from "./in-turns.ts";
import { reasonText } from "./inputs.ts";
import { chainOf, scopeShape, whichScope } from "./scope.ts";
import { wakeSecret } from "./wake-secret.ts";

const atOnceMax = 8;

/** The brake: mint, promote, quarantine and revoke ask for it just before each effect. */
export const stop = adminCommand({
  input: z.strictObject({
    command: z.literal("stop"),
    ...scopeShape,
    reason: reasonText,
    includingIncidents: z.boolean().default(false),
  }),
  run: async ({ input, caller }, deps) => {
    const found = await whichScope(input, deps);
    if ("refusal" in found) return found.refusal;
    const { scope, covered } = found;
    const { principal, atMs, requestId } = caller;
    const { reason, includingIncidents } = input;
    await deps.ledger.putBrake({ scope, by: principal, reason, includingIncidents });
    await deps.audit.append(chainOf(found), {
      id: `${requestId}/stop`,
      at: atMs,
      actor: principal,
      action: "Stopped",
      facts: { scope, reason, includingIncidents },
    });
    const work = ({ secretArn }: { secretArn: string }) => wakeSecret({ secretArn, nowMs: atMs }, deps);
    const woken = await inTurns(covered, { atOnceMax, work });
    return {
      ...{ outcome: "stopped", scope, secrets: covered.length },
      woken: woken.filter((each) => each === "woken").length,
    };
  },
});

export const resume = adminCommand({
  input: z.strictObject({ command: z.literal("resume"), ...scopeShape }),
  run: async ({ input, caller }, deps) => {
    const found = await whichScope(input, deps);
    if ("refusal" in found) return found.refusal;
    const { scope, covered } = found;
    const { principal, atMs, requestId } = caller;
    const brakes = await deps.ledger.brakes();
    const lifted = brakes.find((brake) => brake.scope === scope);
    if (lifted === undefined) {
      const others = brakes.map((brake) => brake.scope);
      return { outcome: "notStopped", scope, others };
    }
    await deps.ledger.removeBrake(scope);
    await deps.audit.append(chainOf(found), {
      id: `${requestId}/resume`,
      at: atMs,
      actor: principal,
      action: "Resumed",
      facts: { scope, stoppedBy: lifted.by, stopReason: lifted.reason },
    });
    const work = ({ secretArn }: { secretArn: string }) => wakeSecret({ secretArn, nowMs: atMs }, deps);
    await inTurns(covered, { atOnceMax, work });
    const others = brakes.map((brake) => brake.scope).filter((other) => other !== scope);
    return { outcome: "resumed", scope, secrets: covered.length, others };
  },
});
