import * as z from "zod";
import { copiesOf } from "../../core/copies/declared.ts";
import { noteOverwrite } from "../../core/copies/note.ts";
import { placeOf } from "../secret/copies.ts";
import { wakeIfDecided } from "../secret/wake-run.ts";
import { adminCommand, refused } from "./command.ts";
import { reasonText, secretText } from "./inputs.ts";
import { whichSecret } from "./which-secret.ts";

/** Lets the next write of a copy replace what somebody else put there. Nothing is written by this order itself. */
export const overwrite = adminCommand({
  input: z.strictObject({
    command: z.literal("overwrite"),
    secret: secretText,
    destination: z.string().min(1).max(64),
    reason: reasonText,
  }),
  run: async ({ input, caller }, deps) => {
    const found = await whichSecret(input.secret, deps);
    if ("refusal" in found) return found.refusal;
    const { policy } = found;
    const { secretArn, name } = policy;
    const { destination, reason } = input;
    const copies = copiesOf(policy).filter(({ to }) => to === destination);
    if (copies.length === 0) {
      const known = [...new Set(copiesOf(policy).map(({ to }) => to))].join(", ") || "none";
      return refused({
        reason: "InputInvalid",
        detail: `${name} has no copy at ${destination}: it has ${known}`,
      });
    }
    for (const copy of copies) await deps.ledger.changeCopy(placeOf(policy, copy), noteOverwrite);
    await deps.audit.append(secretArn, {
      id: `${caller.requestId}/overwrite`,
      atMs: caller.atMs,
      actor: caller.principal,
      action: "CopyOverwriteOrdered",
      detail: { destination, reason },
    });
    await wakeIfDecided({ secretArn, nowMs: caller.atMs }, deps);
    const names = copies.map(({ as }) => as);
    return { outcome: "ordered", secretArn, name, destination, names };
  },
});
