import { AccountBusy } from "../../core/errors.ts";
import type { SecretArn } from "../../core/ports.ts";
import type { Deps } from "../deps.ts";
import { within } from "../invocation.ts";

const triesMax = 200;
const pauseMs = 3_000;

/**
 * Runs the work on one of many secrets as if a function had been called for this secret alone: so its account's budget
 * counts it. While the budget is used up, the work is tried again until `untilMs`; then its `AccountBusy` is thrown.
 */
export async function whenFree<Answer>(
  one: { readonly functionName: string; readonly secretArn: SecretArn; readonly untilMs: number },
  { clock }: Pick<Deps, "clock">,
  work: () => Promise<Answer>,
): Promise<Answer> {
  const { functionName, secretArn, untilMs } = one;
  for (let tries = 1; ; tries += 1) {
    try {
      return await within({ functionName, event: { secretArn } }, work);
    } catch (error) {
      const leftMs = untilMs - clock.nowMs();
      if (!(error instanceof AccountBusy) || leftMs <= 0 || tries === triesMax) throw error;
      await clock.pause(Math.min(leftMs, pauseMs));
    }
  }
}
