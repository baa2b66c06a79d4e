import type { Policy } from "../../core/policy.ts";
import type { SecretArn } from "../../core/ports.ts";
import { decisionText } from "../../core/rotation/decision.ts";
import { bump, type SecretRecord } from "../../core/rotation/secret-record.ts";
import { endWait } from "../../core/rotation/wait.ts";
import type { Deps } from "../deps.ts";
import { askGateNow } from "./gate.ts";
import { askPromotion } from "./promotion-gate.ts";
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
  const decision = await decisionNow({ policy, record, nowMs: news.nowMs }, deps);
  // A run that waits for its incoming key does not ask the gate: nothing that arrives here can help it.
  if (decision === undefined) return "nobodyWaits";
  if (decision === wait.decision) return "stillWaiting";
  await deps.executions.succeed(wait.token, { outcome: "decisionChanged" });
  await deps.ledger.changeSecret(news.secretArn, (now) =>
    now.wait?.token === wait.token ? endWait(now) : now,
  );
  return "woken";
}

/** What the run would decide now; undefined if it has nothing to decide. */
async function decisionNow(
  question: { readonly policy: Policy; readonly record: SecretRecord; readonly nowMs: number },
  deps: Deps,
): Promise<string | undefined> {
  if (question.record.run?.phase === "proven") return (await askPromotion(question, deps)).decision;
  const gate = await askGateNow(question, deps);
  return gate && decisionText(gate.verdict, gate.blockers);
}
