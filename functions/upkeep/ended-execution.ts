import { endedUnsettled, hasEnded } from "../../core/rotation/sweep.ts";
import type { Deps } from "../deps.ts";

/** What to settle this execution's work with, of which it said nothing itself; undefined while it may be at work. */
export async function whyEnded(
  executionArn: string,
  { executions }: Pick<Deps, "executions">,
): Promise<string | undefined> {
  const state = await executions.describe(executionArn);
  return hasEnded(state) ? endedUnsettled(state) : undefined;
}
