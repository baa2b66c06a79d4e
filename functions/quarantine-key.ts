import * as z from "zod";
import { whyNotRevoke } from "../core/revoke.ts";
import { assertPromoted, markQuarantined, markRestored } from "../core/secret-record.ts";
import type { Deps } from "./deps.ts";
import { revokeView } from "./revoke-view.ts";
import { policyAtGate } from "./run-policy.ts";
import { onLambda, step, type TicketInput, ticketShape } from "./step.ts";
import { wiring } from "./wiring.ts";

type Quarantined = {
  readonly outcome: "quarantined" | "cannot" | "refused" | "undone";
  readonly soakSeconds: number;
};

/** Disables the retiring key for a soak, behind the same gate as revoke, and restores it on any sign of use. */
export const quarantineKey = step({
  name: "quarantine-key",
  input: z.object({ ...ticketShape, action: z.enum(["quarantine", "undo"]) }),
  run: async (input, deps: Deps): Promise<Quarantined> => {
    return input.action === "undo" ? undo(input, deps) : quarantine(input, deps);
  },
});

export const handler = onLambda(quarantineKey, wiring("quarantine-key"));

async function quarantine(input: TicketInput, deps: Deps): Promise<Quarantined> {
  const policy = await policyAtGate(input, deps);
  const soakSeconds = Math.max(1, Math.ceil(policy.soakMs / 1000));
  const view = await revokeView({ ticket: input, policy, nowMs: input.at }, deps);
  const { keyId } = view.run.retiring;
  if (view.run.phase === "quarantined") return { outcome: "quarantined", soakSeconds };
  if (whyNotRevoke(view)) return { outcome: "refused", soakSeconds };

  let isClear = false;
  await deps.ledger.changeSecret(input.secretArn, (record) => {
    isClear = record.seq === view.record.seq;
    return isClear ? markQuarantined(record, input, { quarantinedAtMs: input.at }) : record;
  });
  if (!isClear) return { outcome: "refused", soakSeconds };
  const scopes = view.record.keys.find((key) => key.keyId === keyId)?.scopes;
  const outcome = await deps.provider(policy).quarantine({ keyId, ...(scopes && { scopes }) });
  if (outcome === "cannot") {
    await deps.ledger.changeSecret(input.secretArn, (record) => markRestored(record, input));
  }
  return { outcome, soakSeconds };
}

async function undo(input: TicketInput, deps: Deps): Promise<Quarantined> {
  const policy = await policyAtGate(input, deps);
  const record = await deps.ledger.secret(input.secretArn);
  const { retiring, phase } = assertPromoted(record, input);
  if (phase === "quarantined") {
    const scopes = record.keys.find((key) => key.keyId === retiring.keyId)?.scopes;
    await deps.provider(policy).restore({ keyId: retiring.keyId, ...(scopes && { scopes }) });
    await deps.ledger.changeSecret(input.secretArn, (now) => markRestored(now, input));
    await deps.bus.publish({
      type: "QuarantineUndone",
      secretArn: input.secretArn,
      detail: { keyId: retiring.keyId, rotationId: input.rotationId },
    });
  }
  return { outcome: "undone", soakSeconds: 1 };
}
