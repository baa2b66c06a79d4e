import type { SecretArn } from "../../core/ports.ts";
import { decisionText } from "../../core/rotation/decision.ts";
import { bump } from "../../core/rotation/secret-record.ts";
import { endWait } from "../../core/rotation/wait.ts";
import type { Deps } from "../deps.ts";
import { askGateNow } from "./gate.ts";
import { policyAtGate } from "./run-record.ts";

/**
 * Something changed that a waiting run may need to know. `seq` is raised first, so that a wait that is just
 * being stored notices it too. The run is woken only if its decision has changed.
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
  // A run that waits for its incoming key does not ask the gate: nothing that arrives here can help it.
  if (gate === undefined) return "nobodyWaits";
  if (decisionText(gate.verdict, gate.blockers) === wait.decision) return "stillWaiting";
  await deps.executions.succeed(wait.token, { outcome: "decisionChanged" });
  await deps.ledger.changeSecret(news.secretArn, (now) =>
    now.wait?.token === wait.token ? endWait(now) : now,
  );
  return "woken";
}
