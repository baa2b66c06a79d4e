import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import type { Deps } from "../deps.ts";

/** Tells the machine that its run was aborted. A run that is not waiting meets the order at its next step. */
export async function endAbortedWait(
  { run, wait }: Pick<SecretRecord, "run" | "wait">,
  { executions }: Pick<Deps, "executions">,
): Promise<"woken" | "atWork"> {
  if (run?.aborted === undefined || wait === undefined) return "atWork";
  const { by, reason } = run.aborted;
  await executions.fail(wait.token, { error: "Aborted", cause: `${by} aborted it: ${reason}` });
  return "woken";
}
