import * as z from "zod";
import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import { releaseHold } from "../../core/rotation/wait.ts";
import { wakeIfDecided } from "../secret/wake-run.ts";
import { adminCommand, refused } from "./command.ts";
import { secretText } from "./inputs.ts";
import { whichSecret } from "./which-secret.ts";

/**
 * Lifts a hold. A freeze was set by Rekey because the current version was changed outside it, so lifting it
 * needs a person who confirms having looked.
 */
export const release = adminCommand({
  input: z.strictObject({
    command: z.literal("release"),
    secret: secretText,
    unfreeze: z.boolean().default(false),
  }),
  run: async ({ input, caller }, deps) => {
    const found = await whichSecret(input.secret, deps);
    if ("refusal" in found) return found.refusal;
    const { secretArn, name } = found.policy;
    const { hold, frozen } = await deps.ledger.secret(secretArn);
    const isThawing = frozen !== undefined && input.unfreeze;
    if (hold === undefined && !isThawing) return nothingToRelease(name, frozen);

    await deps.ledger.changeSecret(secretArn, (record) => lifted(record, { unfreeze: isThawing }));
    const { principal, atMs, requestId } = caller;
    await deps.audit.append(secretArn, {
      id: `${requestId}/release`,
      atMs,
      actor: principal,
      action: isThawing ? "FreezeLifted" : "HoldReleased",
      detail: {
        ...(hold && { heldBy: hold.by, holdReason: hold.reason }),
        ...(isThawing && { frozenBecause: frozen.reason }),
      },
    });
    const run = await wakeIfDecided({ secretArn, nowMs: atMs }, deps);
    const stillFrozen = frozen !== undefined && !isThawing ? frozen.reason : undefined;
    return { outcome: "released", secretArn, name, run, ...(stillFrozen !== undefined && { stillFrozen }) };
  },
});

function lifted(record: SecretRecord, { unfreeze }: { readonly unfreeze: boolean }): SecretRecord {
  const released = releaseHold(record);
  return unfreeze || record.frozen === undefined ? released : { ...released, frozen: record.frozen };
}

function nothingToRelease(name: string, frozen: SecretRecord["frozen"]) {
  if (frozen === undefined) return refused({ reason: "NotHeld", detail: `${name} is not held` });
  return refused({
    reason: "Frozen",
    detail: `${name} is frozen: ${frozen.reason}`,
    hint: "find out who changed the current version, correct it, then `rekey release --unfreeze`",
  });
}
