import type { Simulated } from "../run/simulated.ts";
import { account } from "../world/account.ts";
import { ruleOfTwo } from "./orders.ts";

const everyMs = 5_000;
const looksMax = 2_000;
const [role] = ruleOfTwo.mayApprove;
const by = { principal: `arn:aws:sts::${account}:assumed-role/${role}/eve`, twoPeople: ruleOfTwo };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Somebody other than who asked looks at what waits for an approval, and approves it: shown first, confirmed then. */
export async function approveSteps(simulation: Simulated, fromMs: number): Promise<void> {
  const { outside, secrets, watch } = simulation;
  await pause(fromMs);
  for (let looks = 0; looks < looksMax && watch.violations.length === 0; looks++) {
    for (const { record, policy } of secrets) {
      const { wait, run } = record ?? {};
      if (policy.approve === undefined || wait === undefined || run === undefined) continue;
      const order = { command: "approve", order: run.rotationId };
      const shown = await outside.order(order, by);
      const digest = shown?.["digest"];
      if (digest !== undefined) await outside.order({ ...order, digest }, by);
    }
    await pause(everyMs);
  }
}
