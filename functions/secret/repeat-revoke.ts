import { RotationError } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import type { KeyId, KeyProvider } from "../../core/ports.ts";
import { isRepeatDue } from "../../core/rotation/death.ts";
import { whyNotRepeatRevoke } from "../../core/rotation/gate.ts";
import { markRevokeRepeated } from "../../core/rotation/retiring.ts";
import type { PromotedRun } from "../../core/rotation/secret-record.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { keyIn } from "../../stores/value.ts";
import type { Deps } from "../deps.ts";
import type { TicketInput } from "../step.ts";
import { stopFor } from "./stop-order.ts";

/** What the provider says to it now. A failure is an answer too: the key goes on being probed. */
export async function askRevokeAgain(provider: KeyProvider, keyId: KeyId): Promise<string> {
  try {
    return await provider.revoke(keyId);
  } catch (error) {
    if (error instanceof RotationError) return error.name;
    throw error;
  }
}

/** Revokes a rotation's retiring key once more, if it is time and nothing that the gate asks speaks against it. */
export async function repeatRevoke(
  { input, policy, run }: { readonly input: TicketInput; readonly policy: Policy; readonly run: PromotedRun },
  deps: Deps,
): Promise<void> {
  const { revokedAtMs, lastRevokeAtMs = revokedAtMs, revokesAgain = 0 } = run;
  if (run.phase !== "revoked" || lastRevokeAtMs === undefined) return;
  if (!isRepeatDue({ revokesAgain, lastRevokeAtMs }, input.at)) return;
  const { keyId } = run.retiring;
  const record = await deps.ledger.secret(input.secretArn);
  const { versionId, text } = await deps.store.current(input.secretArn);
  const current = { versionId, fingerprint: fingerprintOf(keyIn(text, policy.field)) };
  if (whyNotRepeatRevoke({ record, target: keyId, current }) !== undefined) return;
  if ((await stopFor(policy, deps)) !== undefined) return;
  const nth = revokesAgain + 1;
  await deps.ledger.changeSecret(input.secretArn, (record) => markRevokeRepeated(record, input, input.at));
  const outcome = await askRevokeAgain(deps.provider(policy), keyId);
  await deps.audit.append(input.secretArn, {
    id: `${input.rotationId}/revoke-again/${nth}`,
    atMs: input.at,
    actor: input.rotationId,
    action: "RevokeRepeated",
    detail: { keyId, outcome, nth },
  });
}
