import type { Policy } from "../core/policy.ts";
import { whichSecret } from "../functions/admin/which-secret.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { CliFailure } from "./command.ts";

/** The policy of the secret with this name or ARN. */
export async function findSecret(named: string, ledger: Ledger): Promise<Policy> {
  const found = await whichSecret(named, { ledger });
  if ("policy" in found) return found.policy;
  const { detail, hint } = found.refusal;
  throw new CliFailure(detail, { hint, facts: found.refusal });
}
