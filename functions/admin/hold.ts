import * as z from "zod";
import { placeHold } from "../../core/rotation/wait.ts";
import { wakeIfDecided } from "../secret/wake-run.ts";
import { adminCommand } from "./command.ts";
import { reasonText, secretText } from "./inputs.ts";
import { whichSecret } from "./which-secret.ts";

/** Stops new rotations of one secret, and every quarantine and revoke of the running one, until it is released. */
export const hold = adminCommand({
  input: z.strictObject({ command: z.literal("hold"), secret: secretText, reason: reasonText }),
  run: async ({ input, caller }, deps) => {
    const found = await whichSecret(input.secret, deps);
    if ("refusal" in found) return found.refusal;
    const { secretArn, name } = found.policy;
    const { principal, atMs, requestId } = caller;
    const { reason } = input;
    await deps.ledger.changeSecret(secretArn, (record) =>
      placeHold(record, { by: principal, reason, ...(caller.alone && { alone: true }) }),
    );
    await deps.audit.append(secretArn, {
      id: `${requestId}/hold`,
      atMs,
      actor: principal,
      action: "HoldPlaced",
      detail: { reason, ...(caller.alone && { alone: true }) },
    });
    return { outcome: "held", secretArn, name, run: await wakeIfDecided({ secretArn, nowMs: atMs }, deps) };
  },
});
