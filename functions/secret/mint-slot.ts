import { AccountBusy } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import type { RotationId } from "../../core/ports.ts";
import { giveMintBack, takeMint } from "../../core/provider-account.ts";
import type { Deps } from "../deps.ts";

/**
 * Makes a key while no more rotations of the same account do so than its budget allows. Asked before the attempt is
 * claimed: a run that has to come back later has then left nothing at the provider.
 */
export async function withMintSlot<Answer>(
  slot: { readonly policy: Policy; readonly runId: RotationId; readonly isIncident: boolean },
  deps: Pick<Deps, "ledger" | "clock">,
  mint: () => Promise<Answer>,
): Promise<Answer> {
  const { account, budget } = slot.policy.provider;
  if (budget?.mintsAtOnce === undefined) return mint();
  let isMine = false;
  await deps.ledger.changeAccount(account, (use) => {
    const taken = takeMint(use, { ...slot, budget, nowMs: deps.clock.nowMs() });
    isMine = taken !== undefined;
    return taken ?? use;
  });
  if (!isMine)
    throw new AccountBusy(`${budget.mintsAtOnce} keys of account ${account} are being made already`);
  try {
    return await mint();
  } finally {
    // A slot that is not given back becomes free by itself.
    const given = deps.ledger.changeAccount(account, (use) => giveMintBack(use, slot.runId));
    await given.catch(() => undefined);
  }
}
