import { adoption } from "../../core/adoption/adoption.ts";
import type { InstanceEvidence } from "../../core/adoption/evidence.ts";
import { hurtsNobody } from "../../core/adoption/hurts-nobody.ts";
import type { Policy } from "../../core/policy.ts";
import type { SecretArn } from "../../core/ports.ts";
import { decisionText } from "../../core/rotation/decision.ts";
import { bump, bumpHelped, promotedRun, type SecretRecord } from "../../core/rotation/secret-record.ts";
import { endWait } from "../../core/rotation/wait.ts";
import type { Deps } from "../deps.ts";
import { askGateNow } from "./gate.ts";
import { askPromotion } from "./promotion-gate.ts";
import { policyAtGate } from "./run-record.ts";

interface News {
  readonly secretArn: SecretArn;
  readonly nowMs: number;
  /** The report that was stored, if that is the news. */
  readonly report?: InstanceEvidence;
}

/**
 * Something changed that a waiting run may need to know. `seq` is raised first, so that a wait that is just
 * being stored notices it too. The run is woken only if its decision has changed.
 */
export async function wakeIfDecided(
  news: News,
  deps: Deps,
): Promise<"woken" | "stillWaiting" | "nobodyWaits"> {
  const openAtFence = await fenceOfOpenGate(news, deps);
  const record = await deps.ledger.changeSecret(news.secretArn, (now) => {
    if (now.lease === undefined) return now;
    return now.fence === openAtFence ? bumpHelped(now) : bump(now);
  });
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

/**
 * Set if the adoption rule still says "adopted" with everything that is stored, this report included, and nobody is
 * hurt by a revoke that is recorded while this is asked. Whatever came at the same time is stored before it is asked
 * too, so of several reports that close the gate together the last one sees it.
 */
async function fenceOfOpenGate({ secretArn, nowMs, report }: News, deps: Deps): Promise<number | undefined> {
  if (report === undefined) return undefined;
  const { lease, wait, fence, run } = await deps.ledger.secret(secretArn);
  const promoted = promotedRun(run);
  // While the run waits it revokes nothing, so nobody needs to know; a wait that is over is taken off by the next news.
  if (lease === undefined || wait !== undefined || promoted === undefined) return undefined;
  if (!hurtsNobody(report, promoted)) return undefined;
  const policy = await policyAtGate({ secretArn, rotationId: promoted.rotationId, fence }, deps);
  const evidence = await deps.ledger.evidence(secretArn);
  const { verdict } = adoption({ ...promoted, policy, nowMs, evidence });
  return verdict === "adopted" ? fence : undefined;
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
