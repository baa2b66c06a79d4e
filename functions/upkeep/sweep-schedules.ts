import { together } from "../../consumers/together.ts";
import type { Policy } from "../../core/policy.ts";
import { scheduleFault } from "../../core/schedule.ts";
import type { With } from "../deps.ts";

const atOnceMax = 8;

/**
 * Compares every policy with its schedule. What is wrong is kept for `rekey status`, which asks no service, and
 * written to the log; `rekey apply` repairs what is missing or changed, and leaves a pause to whoever set it.
 */
export async function sweepSchedules(
  sweep: { readonly policies: readonly Policy[]; readonly nowMs: number; readonly dryRun: boolean },
  deps: With<"schedules">,
): Promise<number> {
  const { policies, nowMs, dryRun } = sweep;
  const schedules = await deps.schedules.list();
  const looks = await together(policies, {
    atOnceMax,
    work: async (policy) => {
      const fault = scheduleFault(policy, schedules);
      const { secretArn, name } = policy;
      if (!dryRun) await deps.ledger.changeScheduleSeen(secretArn, { fault, nowMs });
      if (fault !== undefined) deps.log({ step: "sweep", outcome: "scheduleOff", secretArn, name, fault });
      return fault === undefined ? 0 : 1;
    },
  });
  return looks.reduce<number>((sum, each) => sum + each, 0);
}
