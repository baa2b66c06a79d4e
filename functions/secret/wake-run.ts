import type { SecretArn } from "../../core/ports.ts";
import { decisionText } from "../../core/rotation/decision.ts";
import { bump } from "../../core/rotation/secret-record.ts";
import { endWait } from "../../core/rotation/wait.ts";
import type { Deps } from "../deps.ts";
import { askGateNow } from "./gate.ts";
import { policyAtGate } from "./run-record.ts";

/**
 * Something changed that a waiting run may care about. Raising `seq` first means that a wait which is just
 * being stored notices too; the run is woken only if its decision is another one now.
 */
export async function wakeIfDecided(
  news: { readonly secretArn: SecretArn; readonly nowMs: number },
  deps: Deps,
): Promise<"woken" | "stillWaiting" | "nobodyWaits"> {
  const record = await deps.ledger.changeSecret(news.secretArn, (now) =>
    now.lease === undefined ? now : bump(now),
  );
  const { wait } = record;
  if (wait === undefined) return "nobodyWaits";
  const policy = await policyAtGate({ ...news, rotationId: wait.rotationId, fence: record.fence }, deps);
  const gate = await askGateNow({ policy, record, nowMs: news.nowMs }, deps);
  // A run that waits for its incoming key asks no gate yet: nothing that is learned here can give it one.
  if (gate === undefined) return "nobodyWaits";
  if (decisionText(gate.verdict, gate.blockers) === wait.decision) return "stillWaiting";
  await deps.executions.succeed(wait.token, { outcome: "decisionChanged" });
  await deps.ledger.changeSecret(news.secretArn, (now) =>
    now.wait?.token === wait.token ? endWait(now) : now,
  );
  return "woken";
}
