import { AccountBusy } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import { takeTurn, turnWaitMaxMs } from "../../core/provider-account.ts";
import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import { supersededToResume } from "../../core/rotation/superseded.ts";
import type { Deps } from "../deps.ts";

/**
 * How long a new rotation waits until it is its turn at the provider's account. One that goes on with the work of an
 * earlier run has no turn to wait for: an old key is still alive.
 */
export async function secondsToTurn(
  { policy, record, at }: { readonly policy: Policy; readonly record: SecretRecord; readonly at: number },
  { ledger, provider }: Pick<Deps, "ledger" | "provider">,
): Promise<number> {
  const { account, budget } = policy.provider;
  if (budget?.callsPerSecond === undefined && budget?.callsPerMinute === undefined) return 0;
  if (record.run?.owed !== undefined || supersededToResume(record) !== undefined) return 0;
  const calls = provider(policy).callsPerRotation;
  let waitMs: number | undefined;
  await ledger.changeAccount(account, (use) => {
    const turn = takeTurn(use, { budget, nowMs: at, calls });
    waitMs = turn?.waitMs;
    return turn?.use ?? use;
  });
  if (waitMs === undefined)
    throw new AccountBusy(
      `the rotations of account ${account} that are due take more than ${turnWaitMaxMs / 3_600_000} hours`,
    );
  return Math.ceil(waitMs / 1000);
}
