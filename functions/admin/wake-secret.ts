import type { SecretArn } from "../../core/ports.ts";
import type { Deps } from "../deps.ts";
import { wakeIfDecided } from "../wake.ts";

/** Ends the wait of a run whose decision is another one now. A run that waits for a key to be supplied stays. */
export async function wakeSecret(
  news: { readonly secretArn: SecretArn; readonly nowMs: number },
  deps: Deps,
): Promise<"woken" | "stillWaiting" | "nobodyWaits"> {
  const { wait } = await deps.ledger.secret(news.secretArn);
  return wait?.decision === "supply" ? "stillWaiting" : wakeIfDecided(news, deps);
}
