import * as z from "zod";
import { whyNotRevoke } from "../../core/rotation/gate.ts";
import { markQuarantined, markRestored } from "../../core/rotation/retiring.ts";
import { assertPromoted, type SecretRecord } from "../../core/rotation/secret-record.ts";
import type { Deps, With } from "../deps.ts";
import { freezeIfMoved } from "../secret/freeze.ts";
import { noteSentBack, overtaken, recordIntent, revokeView } from "../secret/gate.ts";
import { restoreKey } from "../secret/restore-key.ts";
import { policyAtGate } from "../secret/run-record.ts";
import { onLambda, step, type TicketInput, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { destinations } from "../wiring/parts/destinations.ts";
import { sources } from "../wiring/parts/sources.ts";

type Quarantined = {
  readonly outcome: "quarantined" | "cannot" | "refused" | "undone";
  readonly soakSeconds: number;
};

/**
 * Disables the retiring key for the soak time, behind the same gate as the revoke, and restores it at any
 * sign of use.
 */
export const quarantineKey = step({
  name: "quarantine-key",
  input: z.object({ ...ticketShape, action: z.enum(["quarantine", "undo"]) }),
  run: async (input, deps: With<"sources" | "destinations">): Promise<Quarantined> => {
    return input.action === "undo" ? undo(input, deps) : quarantine(input, deps);
  },
});

export const handler = onLambda(quarantineKey, wiring({ sources, destinations }));

async function quarantine(input: TicketInput, deps: With<"sources" | "destinations">): Promise<Quarantined> {
  const policy = await policyAtGate(input, deps);
  const soakSeconds = Math.max(1, Math.ceil(policy.soakMs / 1000));
  const view = await revokeView({ ticket: input, policy, nowMs: input.at }, deps);
  const { keyId } = view.run.retiring;
  // The intent is recorded: the call is repeated, because it may have had no effect. A quarantine can be
  // undone, so the gate is asked again too.
  const isRepeat = view.run.phase === "quarantined";
  const refusal = whyNotRevoke(view);
  if (refusal) {
    await freezeIfMoved({ ticket: input, retiringKeyId: keyId, refusal }, deps);
    if (isRepeat) await restoreKey({ ticket: input, policy, keyId }, deps);
    return sendBack({ input, refusal, soakSeconds }, deps);
  }
  const mark = (record: SecretRecord) => markQuarantined(record, input, { quarantinedAtMs: input.at });
  if (!isRepeat && !(await recordIntent({ view, mark }, deps)))
    return sendBack({ input, refusal: overtaken, soakSeconds }, deps);

  const scopes = view.record.keys.find((key) => key.keyId === keyId)?.scopes;
  const outcome = await deps.provider(policy).quarantine({ keyId, ...(scopes && { scopes }) });
  if (outcome === "cannot") {
    await deps.ledger.changeSecret(input.secretArn, (record) => markRestored(record, input));
  }
  return { outcome, soakSeconds };
}

async function sendBack(
  back: {
    readonly input: TicketInput;
    readonly refusal: Parameters<typeof noteSentBack>[0]["refusal"];
    readonly soakSeconds: number;
  },
  deps: Deps,
): Promise<Quarantined> {
  const { input, refusal, soakSeconds } = back;
  await noteSentBack({ ticket: input, refusal }, deps);
  return { outcome: "refused", soakSeconds };
}

async function undo(input: TicketInput, deps: Deps): Promise<Quarantined> {
  const policy = await policyAtGate(input, deps);
  const record = await deps.ledger.secret(input.secretArn);
  const { retiring, phase } = assertPromoted(record, input);
  if (phase === "quarantined") await restoreKey({ ticket: input, policy, keyId: retiring.keyId }, deps);
  return { outcome: "undone", soakSeconds: 1 };
}
