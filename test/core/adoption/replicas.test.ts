import { adoption } from "../../../core/adoption/adoption.ts";
import {
  evidenceKey,
  isConsumers,
  isMaterial,
  isOfNobody,
  mayForget,
  type ReplicaEvidence,
} from "../../../core/adoption/evidence.ts";
import { sayReason, sayWanted } from "../../../core/adoption/reason-text.ts";
import { claimOf } from "../../../core/certificate/claims.ts";
import type { ReplicaBehind } from "../../../core/ports.ts";
import { reasonsAsked } from "../../../core/rotation/gate.ts";
import { consumer, incoming, nowMs, report, second, withConsumers } from "./adoption-world.ts";

const replicas = (...behind: readonly ReplicaBehind[]): ReplicaEvidence => ({
  ...{ kind: "replicas", behind, observedAtMs: nowMs - second },
});
const inProgress = { place: "us-east-1", state: "inProgress" } as const;
const failed = { place: "ap-south-1", state: "failed", detail: "the key there is disabled" } as const;

function reasonsWith(evidence: ReplicaEvidence) {
  const verdict = adoption(withConsumers([consumer()], [report(), evidence]));
  return verdict.verdict === "adopted" ? [] : verdict.reasons;
}

test("a replica that is behind keeps the retiring key alive although every consumer has moved", () => {
  expect(reasonsWith(replicas())).toEqual([]);
  const verdict = adoption(withConsumers([consumer()], [report(), replicas(inProgress)]));
  expect(verdict).toMatchObject({
    verdict: "waiting",
    reasons: [{ reason: "ReplicaBehind", source: "store" }],
  });
});

test.each([
  [inProgress, "the secret is not replicated yet to us-east-1, seen 1.0 s ago"],
  [failed, "the secret could not be replicated to ap-south-1: the key there is disabled, seen 1.0 s ago"],
])("%j is said with its place", (behind, text) => {
  const [reason] = reasonsWith(replicas(behind));
  expect(reason && sayReason(reason)).toBe(text);
  expect(reason && sayWanted(reason)).toContain("remove the replica there");
});

test("each replica that is behind is a reason of its own, and the gate's list has it", () => {
  expect(reasonsWith(replicas(inProgress, failed)).map(({ detail }) => detail)).toHaveLength(2);
  expect(reasonsAsked).toContain("ReplicaBehind");
});

test("it is about no consumer, is kept once, and is forgotten with the run", () => {
  const evidence = replicas(inProgress);
  expect([isOfNobody(evidence), isConsumers(evidence), evidenceKey(evidence)]).toEqual([
    true,
    false,
    "replicas",
  ]);
  expect(claimOf("replicas")).toBe("observed");
  expect(mayForget(evidence, { incoming, atMs: nowMs })).toBe(true);
});

test("only another state of a replica wakes a run", () => {
  expect(isMaterial(replicas(failed), replicas(inProgress))).toBe(true);
  expect(isMaterial(replicas({ ...failed, detail: "other words" }), replicas(failed))).toBe(false);
});
