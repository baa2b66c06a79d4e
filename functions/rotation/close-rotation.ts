import * as z from "zod";
import { isInstance, mayForget } from "../../core/adoption/evidence.ts";
import { closeRetained, closeRun } from "../../core/rotation/lease.ts";
import { assertPromoted, type PromotedRun } from "../../core/rotation/secret-record.ts";
import type { RotationRecord } from "../../ledger/entries.ts";
import type { Deps } from "../deps.ts";
import { metricLine } from "../metrics.ts";
import { certifiedShape, noteCertificate } from "../secret/certified.ts";
import { noteRun } from "../secret/run-record.ts";
import { onLambda, step, type TicketInput, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";

/** The lease is freed last: until then a repeat finds its run and does everything again, which changes nothing. */
export const closeRotation = step({
  name: "close-rotation",
  input: z.object({
    ...ticketShape,
    certificate: certifiedShape.optional(),
    /** The retiring key is not dead: its policy keeps it. */
    ending: z.literal("retained").optional(),
  }),
  run: async ({ certificate, ending, ...input }, deps: Deps) => {
    if (ending === "retained") return keepRetiring(input, deps);
    const known = await deps.ledger.rotation(input.secretArn, input.rotationId);
    const retiringKeyId = known?.death?.keyId;
    if (certificate !== undefined && retiringKeyId !== undefined)
      await noteCertificate(
        { ...input, retiringKeyId, atMs: input.at, certificate, closedAtMs: known?.closedAtMs },
        deps,
      );
    if (known?.outcome === "rotated") return free(input, deps);
    const run = assertPromoted(await deps.ledger.secret(input.secretArn), input);

    await deps.store.unpin({ secretArn: input.secretArn, versionId: run.retiring.versionId });
    await forgetEnded({ input, run }, deps);
    const debt = { secretArn: input.secretArn, keyId: run.retiring.keyId };
    await deps.ledger.removeDebt({ ...debt, kind: "RevokeOwed" });
    await deps.ledger.removeDebt({ ...debt, kind: "DeathUnproven" });
    await deps.bus.publish({
      type: "RotationSucceeded",
      secretArn: input.secretArn,
      detail: {
        rotationId: input.rotationId,
        retiringKeyId: run.retiring.keyId,
        incomingKeyId: run.incoming.keyId,
        versionId: run.incoming.versionId,
      },
    });
    const { keyId: incomingKeyId, versionId: incomingVersionId } = run.incoming;
    await noteRun(
      { ticket: input, note: { outcome: "rotated", closedAtMs: input.at, incomingKeyId, incomingVersionId } },
      deps,
    );
    noteTimes(known, { run, atMs: input.at, deps });
    return free(input, deps);
  },
});

export const handler = onLambda(closeRotation, wiring());

/** How long consumers took to move, and the provider to refuse the retiring key. */
function noteTimes(
  known: RotationRecord | undefined,
  { run, atMs, deps }: { readonly run: PromotedRun; readonly atMs: number; readonly deps: Deps },
): void {
  const { opening, death } = known ?? {};
  const seconds = (fromMs: number, untilMs: number) => Math.max(0, Math.round((untilMs - fromMs) / 1_000));
  const metrics = {
    RotationsRotated: 1,
    TimeToAdoption: opening && seconds(run.promotedAtMs, opening.openedAtMs),
    TimeToDeath: death && seconds(death.revokedAtMs, death.deadAtMs),
  };
  const { environment } = deps;
  deps.log({ step: "close-rotation", ...metricLine({ environment, atMs, metrics }) });
}

/**
 * Nothing was revoked, so nothing is certified; who asks is told that both keys are alive. The pin stays: without its
 * version nobody could prove the key dead later, when the policy keeps it no more.
 */
async function keepRetiring(input: TicketInput, deps: Deps) {
  const { secretArn, rotationId } = input;
  const record = await deps.ledger.secret(secretArn);
  const isClosed = record.lease?.runId !== rotationId && record.ended.includes(rotationId);
  if (isClosed) return { outcome: "retained" as const };
  const run = assertPromoted(record, input);
  const { keyId } = run.retiring;
  const { keyId: incomingKeyId, versionId: incomingVersionId } = run.incoming;
  await forgetEnded({ input, run }, deps);
  await deps.ledger.removeDebt({ secretArn, keyId, kind: "RevokeOwed" });
  const reason = `Retained: the policy keeps ${keyId}, which nobody uses any more`;
  await deps.audit.append(secretArn, {
    id: `${rotationId}/retained`,
    ...{ atMs: input.at, actor: rotationId, action: "RetiringKeyKept", detail: { keyId, incomingKeyId } },
  });
  const detail = { rotationId, retiringKeyId: keyId, incomingKeyId, versionId: incomingVersionId };
  await deps.bus.publish({ type: "RotationRetained", secretArn, detail });
  const note = {
    outcome: "retained",
    reason,
    closedAtMs: input.at,
    incomingKeyId,
    incomingVersionId,
  } as const;
  await noteRun({ ticket: input, note }, deps);
  await deps.ledger.changeSecret(secretArn, (now) => closeRetained(now, input));
  return { outcome: "retained" as const };
}

async function free(input: TicketInput, deps: Deps) {
  await deps.ledger.changeSecret(input.secretArn, (record) =>
    record.lease?.runId === input.rotationId ? closeRun(record, input) : record,
  );
  return { outcome: "rotated" as const };
}

interface Closing {
  readonly input: TicketInput;
  readonly run: PromotedRun;
}

/** What a fleet of short-lived instances leaves is more than one call can remove. */
const forgottenMax = 500;
const forgottenAtOnce = 25;

/** What is left over goes by its time to live (ledger/evidence.ts) or when the next rotation closes. */
async function forgetEnded({ input, run }: Closing, deps: Deps): Promise<void> {
  const evidence = await deps.ledger.evidence(input.secretArn);
  const over = evidence.filter((item) => mayForget(item, { incoming: run.incoming, atMs: input.at }));
  // Beside the instances there are few, and the next rotation must not read what the provider said in this one.
  const first = [...over.filter((item) => !isInstance(item)), ...over.filter(isInstance)].slice(
    0,
    forgottenMax,
  );
  for (let from = 0; from < first.length; from += forgottenAtOnce) {
    const batch = first.slice(from, from + forgottenAtOnce);
    await Promise.all(batch.map((item) => deps.ledger.removeEvidence(input.secretArn, item)));
  }
}
