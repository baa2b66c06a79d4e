import * as z from "zod";
import { copiesOf } from "../../core/copies/declared.ts";
import { PromotionRefused, VersionMoved } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import type { VersionId } from "../../core/ports.ts";
import { asksBeforePromotion } from "../../core/rotation/gate.ts";
import {
  markMerged,
  markPromoted,
  markPromoting,
  markPromotionRefused,
} from "../../core/rotation/incoming.ts";
import { assertHolder, promotedRun, type Run, type SecretRecord } from "../../core/rotation/secret-record.ts";
import { isIncidentWork } from "../../core/rotation/stop-order.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { keyIn, withKey } from "../../stores/value.ts";
import type { Deps } from "../deps.ts";
import { noteSentBack } from "../secret/gate.ts";
import { pin } from "../secret/pin.ts";
import { askPromotion } from "../secret/promotion-gate.ts";
import { policyAtGate, policyOf } from "../secret/run-record.ts";
import { takePending, versionIdFor } from "../secret/stage-key.ts";
import { assertNotStopped } from "../secret/stop-order.ts";
import { onLambda, step, type TicketInput, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";

/**
 * Edits of other fields during the promotion are merged. More than this many means that somebody is working
 * on the secret.
 */
const mergesMax = 3;

/** Makes the proven key the one that consumers read. */
export const promoteVersion = step({
  name: "promote-version",
  input: z.object(ticketShape),
  run: async (input, deps) => {
    const policy = await policyOf(input, deps);
    const before = await deps.ledger.secret(input.secretArn);
    const done = promotedRun(assertHolder(before, input));
    const promoted = done ?? (await promote({ input, policy, before }, deps));
    // The function may have crashed between the promotion and this.
    const { secretArn } = input;
    await deps.store.clearPending({ secretArn, versionId: promoted.incoming.versionId });
    await tellAudit({ input, promoted }, deps);
    return announcement(promoted, await policyAtGate(input, deps));
  },
});

export const handler = onLambda(promoteVersion, wiring());

async function promote({ input, policy, before }: Order & { readonly before: SecretRecord }, deps: Deps) {
  await assertNotStopped(policy, deps, { isIncident: isIncidentWork(before) });
  await assertTermsMet({ input, policy, before }, deps);
  let mayHaveLanded = false;
  await deps.ledger.changeSecret(input.secretArn, (record) => {
    mayHaveLanded = record.run?.phase === "promoting" || !isRefusedUnseen(deps, input.secretArn);
    return markPromoting(record, input);
  });
  await moveCurrent({ input, policy, mayHaveLanded }, deps);
  const record = await deps.ledger.changeSecret(input.secretArn, (now) =>
    markPromoted(now, input, { promotedAtMs: input.at, deadlineAtMs: input.at + policy.overlapMs }),
  );
  const promoted = promotedRun(assertHolder(record, input));
  if (promoted === undefined) throw new VersionMoved("the promotion was not recorded");
  return promoted;
}

/** Where the store itself compares, a promotion that it refuses was seen by no consumer. */
function isRefusedUnseen({ store }: Deps, secretArn: string): boolean {
  return store.capabilities(secretArn).compareAndSwap === "native";
}

/** The run has asked already. Asked again, because a window may have closed or a hold been placed since. */
async function assertTermsMet(
  { input, policy, before }: Order & { readonly before: SecretRecord },
  deps: Deps,
): Promise<void> {
  if (before.run?.phase !== "proven" || !asksBeforePromotion(policy, input.rotationId)) return;
  const { blockers } = await askPromotion({ policy, record: before, nowMs: input.at }, deps);
  if (blockers.length === 0) return;
  const detail = blockers.join("; ");
  await noteSentBack({ ticket: input, refusal: { reason: "PromotionRefused", detail } }, deps);
  throw new PromotionRefused(detail);
}

type WithIncoming = Exclude<Run, { phase: "opened" }>;

function announcement({ incoming }: WithIncoming, policy: Policy) {
  const { versionId, fingerprint } = incoming;
  const copies = copiesOf(policy).length > 0;
  return { outcome: "promoted" as const, versionId, fingerprint, copies };
}

interface Order {
  readonly input: TicketInput;
  readonly policy: Policy;
}

interface Moving extends Order {
  /** An earlier try may have promoted without an answer, or the store undid one: consumers may have the incoming key. */
  readonly mayHaveLanded: boolean;
}

/** Pin first: once the retiring version is not current any more, only its pin keeps it from being deleted. */
async function moveCurrent({ input, policy, mayHaveLanded }: Moving, deps: Deps): Promise<void> {
  const { secretArn } = input;
  for (let merges = 0; merges <= mergesMax; merges++) {
    const { retiring, incoming } = await promotingRun(input, deps);
    const { versionId } = retiring;
    await pin({ secretArn, versionId, assertMine: () => promotingRun(input, deps) }, deps);
    const promotion = { secretArn, from: retiring.versionId, to: incoming.versionId };
    if ((await deps.store.promote(promotion)) === "promoted") return;
    if ((await mergeEdit({ input, policy, mayHaveLanded }, deps)) === "landed") return;
  }
  throw new VersionMoved(`the current version changed more than ${mergesMax} times during the promotion`);
}

async function promotingRun(input: TicketInput, deps: Deps): Promise<WithIncoming> {
  const run = assertHolder(await deps.ledger.secret(input.secretArn), input);
  if (run.phase === "opened") throw new VersionMoved("there is no pending key to promote");
  return run;
}

/**
 * Another version is current than we expected. The same key in it means that somebody edited another field: the
 * incoming key goes into a copy of their version. Another key means that somebody rotated by hand: stop.
 */
async function mergeEdit({ input, policy, mayHaveLanded }: Moving, deps: Deps): Promise<"landed" | "merged"> {
  const { secretArn } = input;
  const { retiring, incoming } = await promotingRun(input, deps);
  const current = await deps.store.current(secretArn);
  const fingerprint = fingerprintOf(keyIn(current.text, policy.field));
  if (fingerprint === incoming.fingerprint) {
    await deps.store.clearPending({ secretArn, versionId: incoming.versionId });
    await recordMerge({ input, incoming: current.versionId, retiring: retiring.versionId }, deps);
    return "landed";
  }
  if (fingerprint !== retiring.fingerprint) {
    await deps.ledger.changeSecret(secretArn, (now) => markPromotionRefused(now, input, { mayHaveLanded }));
    throw new VersionMoved(`the current version is now ${current.versionId}, which holds another key`);
  }
  const pending = await deps.store.read(secretArn, incoming.versionId);
  const text = withKey(current.text, policy.field, keyIn(pending.text, policy.field));
  // The id follows from key and edit, so that a run that resumes this one writes the same version.
  const part = `merge ${incoming.keyId} ${current.versionId}`;
  const versionId = versionIdFor({ secretArn, rotationId: "merge", attempt: 0, part }, deps);
  await deps.store.write({ secretArn, versionId, text });
  await deps.store.clearPending({ secretArn, versionId: incoming.versionId });
  // Recorded before it is marked: what is pending is always a version that a resuming run knows as its own.
  await recordMerge({ input, incoming: versionId, retiring: current.versionId }, deps);
  await takePending({ secretArn, versionId }, deps);
  return "merged";
}

async function recordMerge(
  merge: { readonly input: TicketInput; readonly incoming: VersionId; readonly retiring: VersionId },
  deps: Deps,
): Promise<void> {
  const versions = { incomingVersionId: merge.incoming, retiringVersionId: merge.retiring };
  await deps.ledger.changeSecret(merge.input.secretArn, (record) =>
    markMerged(record, merge.input, versions),
  );
}

async function tellAudit(
  { input, promoted }: { readonly input: TicketInput; readonly promoted: WithIncoming },
  deps: Deps,
): Promise<void> {
  await deps.audit.append(input.secretArn, {
    id: `${input.rotationId}/promote`,
    atMs: input.at,
    actor: input.rotationId,
    action: "VersionPromoted",
    detail: {
      keyId: promoted.incoming.keyId,
      versionId: promoted.incoming.versionId,
      retiringKeyId: promoted.retiring.keyId,
    },
  });
}
