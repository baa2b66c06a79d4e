import { together } from "../../../consumers/together.ts";
import {
  isApproved,
  type PendingOrder,
  pendingOrder,
  whyMayNotApprove,
  whyNotApprove,
} from "../../../core/orders.ts";
import type { Policy } from "../../../core/policy.ts";
import { orderOf } from "../../../core/rotation/gate.ts";
import { promotedRun, type SecretRecord } from "../../../core/rotation/secret-record.ts";
import { putOrder } from "../../../core/rotation/wait.ts";
import type { AdminDeps } from "../../deps.ts";
import { policyOf } from "../../secret/run-record.ts";
import { wakeIfDecided } from "../../secret/wake-run.ts";
import { type Answer, type Caller, type RefusedAnswer, refused } from "../command.ts";
import type { Approval } from "./approve-order.ts";

const atOnceMax = 8;

/** A second person approves a step of a rotation. */
export async function approveStep(approval: Approval, deps: AdminDeps): Promise<Answer> {
  const { order: rotationId, digest, caller } = approval;
  const found = await wantedIn(rotationId, deps);
  if ("outcome" in found) return found;
  const { policy, wanted } = found;
  const { secretArn, name } = policy;
  const { principal, atMs, requestId } = caller;
  const about = { secretArn, name, kind: wanted.kind, what: wanted.what };

  if (isApproved((await deps.ledger.secret(secretArn)).order, wanted))
    return { outcome: "approved", ...about };
  if (digest === undefined) return showStep({ rotationId, secretArn, about, wanted, caller }, deps);

  let refusal: ReturnType<typeof whyNotApprove>;
  await deps.ledger.changeSecret(secretArn, (record) => {
    const confirm = { by: principal, digest, nowMs: atMs, rule: deps.twoPeople };
    refusal = whyNotApprove(record.order, confirm);
    if (refusal !== undefined || record.order === undefined || record.order.approval) return record;
    const order = { ...record.order, approval: { by: principal, atMs } };
    return putOrder(record, { rotationId, order });
  });
  if (refusal !== undefined)
    return refused({ ...refusal, hint: `look at it with \`rekey approve ${rotationId}\`` });
  await deps.audit.append(secretArn, {
    id: `${requestId}/approve`,
    atMs,
    actor: principal,
    action: wanted.kind === "promote" ? "PromotionApproved" : "RevokeApproved",
    detail: { ...wanted.what, digest },
  });
  return { outcome: "approved", ...about, run: await wakeIfDecided({ secretArn, nowMs: atMs }, deps) };
}

interface Showing {
  readonly rotationId: string;
  readonly secretArn: string;
  readonly about: Readonly<Record<string, unknown>>;
  readonly wanted: Wanted;
  readonly caller: Caller;
}

async function showStep(showing: Showing, deps: AdminDeps): Promise<Answer> {
  const { rotationId, secretArn, about, wanted, caller } = showing;
  const { principal: shownTo, atMs: nowMs } = caller;
  const asker = await deps.ledger.asker(rotationId);
  const askedBy = asker ?? "nobody: it started by itself";
  const mayNot = whyMayNotApprove(deps.twoPeople, shownTo)?.detail;
  if (mayNot !== undefined) return { outcome: "shown", ...about, askedBy, mayNot };
  const order = pendingOrder(
    { ...wanted, nowMs, shownTo, ...(asker !== undefined && { askedBy: asker }) },
    deps.digest,
  );
  await deps.ledger.changeSecret(secretArn, (record) => putOrder(record, { rotationId, order }));
  const { digest, untilMs } = order;
  return { outcome: "shown", ...about, digest, untilMs, askedBy };
}

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
