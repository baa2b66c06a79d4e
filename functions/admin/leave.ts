import * as z from "zod";
import type { Policy } from "../../core/policy.ts";
import { whatStaysAlive, whyNotLeave } from "../../core/rotation/leave.ts";
import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import { placeHold, releaseHold } from "../../core/rotation/wait.ts";
import type { AdminDeps } from "../deps.ts";
import { removeSchedules } from "./apply/view.ts";
import { adminCommand, refused } from "./command.ts";
import { reasonText, secretText } from "./inputs.ts";
import { whichSecret } from "./which-secret.ts";

/**
 * Rekey stops to look after a secret, and leaves it as its consumers use it: no value, no current version and no key is
 * touched. What Rekey put there goes: its labels, its schedule, its policy, its debts. Repeated after a crash, it ends
 * what is left to do.
 */
export const leave = adminCommand({
  input: z.strictObject({
    command: z.literal("leave"),
    secret: secretText,
    reason: reasonText,
    /** Keys that are owed a revoke stay alive at the provider, and whoever leaves ends them. */
    leaveKeys: z.boolean().default(false),
  }),
  run: async ({ input, caller }, deps) => {
    const found = await whichSecret(input.secret, deps);
    if ("refusal" in found) return found.refusal;
    const { policy } = found;
    const { secretArn, name, environment } = policy;
    const { principal: by, atMs, requestId } = caller;
    const { reason, leaveKeys } = input;
    let before: SecretRecord | undefined;
    // One write decides: either a run has the secret, or from now on none opens.
    await deps.ledger.changeSecret(secretArn, (record) => {
      before = record;
      if (whyNotLeave(record, { leaveKeys }) !== undefined) return record;
      return placeHold(record, { by, reason: "rekey leave is at work", leaving: requestId });
    });
    const refusal = before && whyNotLeave(before, { leaveKeys });
    if (before === undefined || refusal !== undefined)
      return refused({ reason: "Busy", detail: `${name} is busy`, ...refusal });
    const keysLeft = whatStaysAlive(before);
    // A function that was frozen must not take away what somebody set up after another leave had ended.
    const isAtWork = async () => (await deps.ledger.secret(secretArn)).hold?.leaving === requestId;
    const meanwhile = `somebody else did something with ${name} meanwhile`;
    const overtaken = refused({ reason: "Busy", detail: meanwhile });

    await removeSchedules(
      (await deps.schedules.list()).filter((schedule) => schedule.secretArn === secretArn),
      deps,
    );
    if (!(await isAtWork())) return overtaken;
    await stripLabels(policy, deps);
    for (const debt of await deps.ledger.debts())
      if (debt.secretArn === secretArn) await deps.ledger.removeDebt(debt);
    await deps.ledger.putFormerSecret({ secretArn, name, environment, by, atMs });
    if (!(await isAtWork())) return overtaken;
    await deps.ledger.removePolicy(secretArn);
    await deps.ledger.changeSecret(secretArn, (now) =>
      now.hold?.leaving === requestId ? releaseHold(now) : now,
    );
    await deps.audit.append(secretArn, {
      id: `${requestId}/leave`,
      ...{ atMs, actor: by, action: "SecretLeft" },
      detail: { name, reason, keysLeft: keysLeft.join(" ").slice(0, 500) },
    });
    return { outcome: "left", secretArn, name, keysLeft };
  },
});

/** Only Rekey's own: a pending version that somebody else put there is their unfinished rotation. */
async function stripLabels({ secretArn }: Policy, { store }: AdminDeps): Promise<void> {
  const { all, pending, pinned } = await store.versionsInUse(secretArn);
  if (pinned !== undefined) await store.unpin({ secretArn, versionId: pinned });
  for (const versionId of all) {
    if (versionId === pending?.versionId && !pending.byRekey) continue;
    await store.discard({ secretArn, versionId });
  }
}
