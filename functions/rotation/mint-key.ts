import * as z from "zod";
import { PendingHeld } from "../../core/errors.ts";
import type { SecretArn, VersionId } from "../../core/ports.ts";
import { nativeTokenOf } from "../../core/rotation/native.ts";
import { assertHolder, type PlacedKey } from "../../core/rotation/secret-record.ts";
import type { Deps } from "../deps.ts";
import { mintAndStage, stagedKey } from "../secret/mint-and-stage.ts";
import { policyOf } from "../secret/run-record.ts";
import { onLambda, step, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";

type Minted = ({ readonly outcome: "staged" } & PlacedKey) | { readonly outcome: "needsSupply" };

/**
 * Mints the incoming key and puts it into the store as a pending version. A provider that makes no keys needs a person
 * for it; for a rotation that Secrets Manager started, its rotation function does the same.
 */
export const mintKey = step({
  name: "mint-key",
  input: z.object(ticketShape),
  run: async (input, deps): Promise<Minted> => {
    const policy = await policyOf(input, deps);
    const run = assertHolder(await deps.ledger.secret(input.secretArn), input);
    if (run.phase !== "opened") return { outcome: "staged", ...stagedKey(run) };
    const token = nativeTokenOf(input.rotationId);
    if (token !== undefined) await assertPending(token, { secretArn: input.secretArn, deps });
    const isAssisted = deps.provider(policy).capabilities.shape.kind === "assisted";
    if (isAssisted || token !== undefined) return { outcome: "needsSupply" };
    return { outcome: "staged", ...(await mintAndStage({ input, policy }, deps)) };
  },
});

/** Without it Secrets Manager's rotation is over, and nobody would bring a key to wait for. */
async function assertPending(
  token: VersionId,
  { secretArn, deps }: { readonly secretArn: SecretArn; readonly deps: Pick<Deps, "store"> },
): Promise<void> {
  const { pending } = await deps.store.versionsInUse(secretArn);
  if (pending?.versionId !== token)
    throw new PendingHeld(`version ${token} is not pending any more: its rotation was ended, start it again`);
}

export const handler = onLambda(mintKey, wiring());
