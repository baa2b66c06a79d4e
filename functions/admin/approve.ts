import * as z from "zod";
import { together } from "../../consumers/together.ts";
import { isApproved, type PendingOrder, pendingOrder, whyNotApprove } from "../../core/orders.ts";
import type { Policy } from "../../core/policy.ts";
import { orderOf } from "../../core/rotation/gate.ts";
import { promotedRun, type SecretRecord } from "../../core/rotation/secret-record.ts";
import { putOrder } from "../../core/rotation/wait.ts";
import type { AdminDeps } from "../deps.ts";
import { policyOf } from "../secret/run-record.ts";
import { wakeIfDecided } from "../secret/wake-run.ts";
import { adminCommand, type RefusedAnswer, refused } from "./command.ts";

const atOnceMax = 8;

/**
 * A second person approves a step of a rotation. The first call shows what it is and starts the time within
 * which the second call has to confirm the digest of it.
 */
export const approve = adminCommand({
  input: z.strictObject({
    command: z.literal("approve"),
    rotation: z.string().regex(/^[\w-]{1,80}$/),
    digest: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
  }),
  run: async ({ input, caller }, deps) => {
    const found = await wantedIn(input.rotation, deps);
    if ("outcome" in found) return found;
    const { policy, wanted } = found;
    const { secretArn, name } = policy;
    const { principal, atMs, requestId } = caller;
    const about = { secretArn, name, kind: wanted.kind, what: wanted.what };

    if (isApproved((await deps.ledger.secret(secretArn)).order, wanted))
      return { outcome: "approved", ...about };
    if (input.digest === undefined) {
      const askedBy = await deps.ledger.asker(input.rotation);
      const order = pendingOrder(
        { ...wanted, nowMs: atMs, ...(askedBy !== undefined && { askedBy }) },
        deps.digest,
      );
      await deps.ledger.changeSecret(secretArn, (record) =>
        putOrder(record, { rotationId: input.rotation, order }),
      );
      const { digest, untilMs } = order;
      return {
        outcome: "shown",
        ...about,
        digest,
        untilMs,
        askedBy: askedBy ?? "nobody: it started by itself",
      };
    }

    const { digest } = input;
    let refusal: ReturnType<typeof whyNotApprove>;
    await deps.ledger.changeSecret(secretArn, (record) => {
      refusal = whyNotApprove(record.order, { by: principal, digest, nowMs: atMs });
      if (refusal !== undefined || record.order === undefined || record.order.approval) return record;
      const order = { ...record.order, approval: { by: principal, atMs } };
      return putOrder(record, { rotationId: input.rotation, order });
    });
    if (refusal !== undefined)
      return refused({ ...refusal, hint: `look at it with \`rekey approve ${input.rotation}\`` });
    await deps.audit.append(secretArn, {
      id: `${requestId}/approve`,
      atMs,
      actor: principal,
      action: wanted.kind === "promote" ? "PromotionApproved" : "RevokeApproved",
      detail: { ...wanted.what, digest },
    });
    return { outcome: "approved", ...about, run: await wakeIfDecided({ secretArn, nowMs: atMs }, deps) };
  },
});

type Wanted = Pick<PendingOrder, "kind" | "what">;

/** The step of this rotation that waits for another person, or why there is none. */
async function wantedIn(
  rotationId: string,
  deps: AdminDeps,
): Promise<{ readonly policy: Policy; readonly wanted: Wanted } | RefusedAnswer> {
  const policies = await deps.ledger.policies();
  const work = async ({ secretArn }: Policy) => deps.ledger.secret(secretArn);
  const records = await together(policies, { atOnceMax, work });
  const record = records.find(({ lease }) => lease?.kind === "rotation" && lease.runId === rotationId);
  if (record === undefined) return nothingToApprove(rotationId);
  const { secretArn, fence } = record;
  const policy = await policyOf({ secretArn, rotationId, fence }, deps);
  const wanted = stepToApprove(policy, record);
  return wanted === undefined ? nothingToApprove(rotationId) : { policy, wanted };
}

function stepToApprove({ approve: before }: Policy, { run }: SecretRecord): Wanted | undefined {
  if (run === undefined || before === undefined) return undefined;
  if (before === "before-promote") return run.phase === "proven" ? orderOf(run, "promote") : undefined;
  const phase = promotedRun(run)?.phase;
  return phase === "promoted" || phase === "quarantined" ? orderOf(run, "revoke") : undefined;
}

function nothingToApprove(rotationId: string): RefusedAnswer {
  return refused({
    reason: "NothingToApprove",
    detail: `${rotationId} has no step that waits for an approval now`,
    hint: `see where it stands with \`rekey watch ${rotationId}\``,
  });
}
