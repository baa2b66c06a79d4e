import * as z from "zod";
import { wakeIfDecided } from "../secret/wake-run.ts";
import { adminCommand, refused } from "./command.ts";
import { goneInstance } from "./gone-instance.ts";
import { reasonText, secretText } from "./inputs.ts";

/** A person states that an instance is gone, which ended without saying so: the revoke no longer waits for it. */
export const forget = adminCommand({
  input: z.strictObject({
    command: z.literal("forget"),
    secret: secretText,
    instance: z.string().min(1).max(256),
    consumer: z.string().min(1).max(64).optional(),
    environment: z.string().min(1).max(64).optional(),
    reason: reasonText,
  }),
  run: async ({ input, caller }, deps) => {
    const { secret, instance, consumer, environment, reason } = input;
    const { principal, atMs, requestId, approvedBy } = caller;
    const which = { ...(consumer && { consumer }), ...(environment && { environment }) };
    const found = await goneInstance({ secret, instance, nowMs: atMs, ...which }, deps);
    if ("outcome" in found) return found;
    const { policy, items, item, untilMs, rotationId } = found;
    const { secretArn, name } = policy;
    for (const each of items) {
      const forgotten = { by: principal, ...(approvedBy && { approvedBy }), atMs, reason };
      const { sequence } = each;
      if (await deps.ledger.forgetInstance(secretArn, each, { ...forgotten, sequence })) continue;
      const detail = `${instance} has reported meanwhile`;
      return refused({ reason: "SeenLately", detail, hint: `see \`rekey consumers ${name}\`` });
    }
    const about = { consumer: item.consumer, environment: item.environment, instance };
    await deps.audit.append(secretArn, {
      id: `${requestId}/forget`,
      atMs,
      actor: principal,
      action: "InstanceForgotten",
      detail: { ...about, rotationId, reason, lastReportAtMs: item.observedAtMs, wouldBlockUntilMs: untilMs },
    });
    const answer = { outcome: "forgotten", secretArn, name, ...about, untilMs };
    return { ...answer, run: await wakeIfDecided({ secretArn, nowMs: atMs }, deps) };
  },
});
