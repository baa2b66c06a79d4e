import * as z from "zod";
import { WrongProject } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import { type RevokeReason, whyNotRepeatRevoke, whyNotRevoke } from "../../core/rotation/gate.ts";
import type { Refusal } from "../../core/rotation/refusal.ts";
import { markRetiring, markRevoked } from "../../core/rotation/retiring.ts";
import type { PromotedRun, SecretRecord } from "../../core/rotation/secret-record.ts";
import type { Deps, With } from "../deps.ts";
import { freezeIfMoved } from "../secret/freeze.ts";
import { noteSentBack, overtaken, recordIntent, revokeView } from "../secret/gate.ts";
import { noteOpening } from "../secret/note-opening.ts";
import { policyAtGate } from "../secret/run-record.ts";
import { onLambda, step, type TicketInput, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { destinations } from "../wiring/parts/destinations.ts";
import { sources } from "../wiring/parts/sources.ts";

type Revoked =
  | { readonly outcome: "revoked" | "alreadyGone" }
  | ({ readonly outcome: "refused" | "undo" } & Refusal<RefusedReason>);

type RefusedReason = RevokeReason | typeof overtaken.reason;

export const revokeKey = step({
  name: "revoke-key",
  input: z.object(ticketShape),
  run: async (input, deps: With<"sources" | "destinations">): Promise<Revoked> => {
    const policy = await policyAtGate(input, deps);
    const view = await revokeView({ ticket: input, policy, nowMs: input.at }, deps);
    const { run } = view;
    if (run.phase === "revoked" || run.phase === "dead") return { outcome: "revoked" };

    const refusal = run.phase === "revoking" ? whyNotRepeatRevoke(view) : whyNotRevoke(view);
    if (refusal) {
      await freezeIfMoved({ ticket: input, retiringKeyId: run.retiring.keyId, refusal }, deps);
      return sendBack({ input, run, refusal }, deps);
    }
    if (run.phase !== "revoking") await noteOpening({ input, policy, view }, deps);
    const mark = (record: SecretRecord) => markRetiring(record, input, "revoking");
    if (!(await recordIntent({ view, mark }, deps)))
      return sendBack({ input, run, refusal: overtaken }, deps);

    const outcome = await deps.provider(policy).revoke(run.retiring.keyId);
    if (outcome === "alreadyGone") await assertSameAccount({ policy, run }, deps);
    await deps.ledger.changeSecret(input.secretArn, (record) =>
      markRevoked(record, input, { revokedAtMs: input.at }),
    );
    await tellAudit({ input, run, outcome }, deps);
    return { outcome };
  },
});

export const handler = onLambda(revokeKey, wiring({ sources, destinations }));

/** From a quarantine the way back is by undoing it. */
async function sendBack(
  back: { readonly input: TicketInput; readonly run: PromotedRun; readonly refusal: Refusal<RefusedReason> },
  deps: Deps,
): Promise<Revoked> {
  const { input, run, refusal } = back;
  await noteSentBack({ ticket: input, refusal }, deps);
  return { outcome: run.phase === "quarantined" ? "undo" : "refused", ...refusal };
}

/**
 * "Not found" proves nothing if the credential belongs to another account, so it has to see the incoming key
 * (S2).
 */
async function assertSameAccount(
  { policy, run }: { policy: Policy; run: PromotedRun },
  deps: Deps,
): Promise<void> {
  if ((await deps.provider(policy).find(run.incoming.keyId)) !== undefined) return;
  throw new WrongProject("the admin credential sees neither key: it belongs to another project");
}

async function tellAudit(
  { input, run, outcome }: { input: TicketInput; run: PromotedRun; outcome: string },
  deps: Deps,
): Promise<void> {
  await deps.audit.append(input.secretArn, {
    id: `${input.rotationId}/revoke`,
    atMs: input.at,
    actor: input.rotationId,
    action: "KeyRevoked",
    detail: { keyId: run.retiring.keyId, outcome, incomingKeyId: run.incoming.keyId },
  });
}
