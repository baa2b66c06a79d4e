import * as z from "zod";
import { isInstance, mayForget } from "../../core/adoption/evidence.ts";
import { InputInvalid } from "../../core/errors.ts";
import { closeRetained, closeRun } from "../../core/rotation/lease.ts";
import { keysOf } from "../../core/rotation/left-keys.ts";
import { assertPromoted, type PromotedRun } from "../../core/rotation/secret-record.ts";
import type { RotationRecord } from "../../ledger/entries.ts";
import type { Deps } from "../deps.ts";
import { metricLine } from "../metrics.ts";
import { noteSuccess } from "../secret/account-failures.ts";
import { certifiedShape, noteCertificate, oweCertificate } from "../secret/certified.ts";
import { noteRun } from "../secret/run-record.ts";
import { onLambda, step, type TicketInput, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";

/** The lease is freed last: until then a repeat finds its run and does everything again, which changes nothing. */
export const closeRotation = step({
  name: "close-rotation",
  input: z.object({
    ...ticketShape,
    certificate: certifiedShape.optional(),
    /** The retiring key is not dead: its policy keeps it, or the run has been settled and only its certificate is noted. */
    ending: z.enum(["retained", "settled", "rotated"]).optional(),
    /** A run that was settled has given its fence back, or never had one: 0. */
    fence: z.number().int().min(0).optional(),
  }),
  run: async ({ certificate, ending, fence, ...run }, deps: Deps) => {
    const { secretArn, rotationId, at: atMs } = run;
    const known = await deps.ledger.rotation(secretArn, rotationId);
    const owedFor = isOver(known) ? rotationId : known?.death?.keyId;
    if (certificate !== undefined && owedFor !== undefined)
      await noteCertificate(
        { secretArn, rotationId, owedFor, atMs, certificate, closedAtMs: known?.closedAtMs },
        deps,
      );
    if (ending === "settled") return { outcome: "settled" as const };
    if (fence === undefined) throw new InputInvalid("a run that holds its secret names its fence");
    const input = { ...run, fence };
    if (ending === "retained") return keepRetiring(input, deps);
    return close(input, known, deps);
  },
});

export const handler = onLambda(closeRotation, wiring());

/** Settled or kept: its certificate is owed under the run's own name. */
function isOver(known: RotationRecord | undefined): boolean {
  return known !== undefined && ["rolledBack", "needsHuman", "retained"].includes(known.outcome);
}

async function close(input: TicketInput, known: RotationRecord | undefined, deps: Deps) {
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
  if (known !== undefined) await noteSuccess(known.policy, deps);
  noteTimes(known, { run, atMs: input.at, deps });
  return free(input, deps);
}

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
 * Nothing was revoked, and the certificate says that both keys are alive. The pin stays: without its version nobody
 * could prove the key dead later, when the policy keeps it no more.
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
    ...{ reason, left: keysOf(closeRetained(record, input), run), owes: [] },
    closedAtMs: input.at,
    incomingKeyId,
    incomingVersionId,
  } as const;
  await noteRun({ ticket: input, note }, deps);
  await oweCertificate({ secretArn, rotationId, atMs: input.at }, deps);
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

/** What is left over goes by its time to live (ledger/instances.ts) or when the next rotation closes. */
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
