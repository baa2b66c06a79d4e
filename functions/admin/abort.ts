import * as z from "zod";
import { together } from "../../consumers/together.ts";
import { afterAbort, markAborted, whyNotAbort } from "../../core/rotation/abort.ts";
import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import type { AdminDeps } from "../deps.ts";
import { endAbortedWait } from "../secret/end-aborted-wait.ts";
import { adminCommand, refused } from "./command.ts";
import { reasonText } from "./inputs.ts";

const atOnceMax = 8;

/**
 * Sends a rotation back to safety. The run itself does it: the order is a flag on the run, its wait ends with the error
 * Aborted, and the machine settles it as after every failure. Before the promotion everything is undone; after it both
 * keys stay alive, and the revoke is owed until somebody starts a rotation.
 */
export const abort = adminCommand({
  input: z.strictObject({
    command: z.literal("abort"),
    rotation: z.string().regex(/^[\w-]{1,80}$/),
    reason: reasonText,
  }),
  run: async ({ input, caller }, deps) => {
    const { rotation: rotationId, reason } = input;
    const { principal: by, atMs, requestId } = caller;
    const held = await heldBy(rotationId, deps);
    if (held === undefined)
      return refused({
        ...{ reason: "NotAtWork", detail: `${rotationId} holds no secret: it is over, or there is none` },
        hint: `see how it ended with \`rekey watch ${rotationId}\``,
      });
    const { secretArn } = held;
    let before = held;
    const record = await deps.ledger.changeSecret(secretArn, (now) => {
      before = now;
      return markAborted(now, { rotationId, by, reason });
    });
    const refusal = whyNotAbort(before, rotationId);
    if (refusal !== undefined || before.run === undefined) {
      // Whoever aborted it before may have died before the machine heard of it.
      await endAbortedWait(record, deps);
      return refused({
        reason: "NotAtWork",
        detail: "it is over",
        ...refusal,
        hint: `see \`rekey watch ${rotationId}\``,
      });
    }
    const { phase } = before.run;
    const result = afterAbort(before.run);
    await deps.audit.append(secretArn, {
      id: `${requestId}/abort`,
      ...{ atMs, actor: by, action: "RotationAborted", detail: { rotationId, reason, phase, result } },
    });
    const run = await endAbortedWait(record, deps);
    return { outcome: "aborted", secretArn, rotationId, phase, result, run };
  },
});

async function heldBy(rotationId: string, { ledger }: AdminDeps): Promise<SecretRecord | undefined> {
  const policies = await ledger.policies();
  const records = await together(policies, { atOnceMax, work: ({ secretArn }) => ledger.secret(secretArn) });
  return records.find(({ lease }) => lease?.runId === rotationId);
}
