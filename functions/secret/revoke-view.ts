import { type Evidence, isInstance } from "../../core/adoption/evidence.ts";
import type { Policy } from "../../core/policy.ts";
import type { RevokeView } from "../../core/rotation/gate.ts";
import { assertPromoted, type PromotedRun, type Ticket } from "../../core/rotation/secret-record.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { keyIn } from "../../stores/value.ts";
import type { Deps } from "../deps.ts";
import { askGate, gatherEvidence } from "./gate.ts";

interface Question {
  readonly ticket: Ticket;
  readonly policy: Policy;
  readonly nowMs: number;
}

type Decision = RevokeView & { readonly run: PromotedRun };

/** Everything that `whyNotRevoke` needs, read now. The record is read first, so that later changes show in `seq`. */
export async function revokeView({ ticket, policy, nowMs }: Question, deps: Deps): Promise<Decision> {
  const { secretArn } = ticket;
  const record = await deps.ledger.secret(secretArn);
  const run = assertPromoted(record, ticket);
  const evidence = await evidenceFor({ policy, run, nowMs, secretArn }, deps);
  const gate = await askGate({ policy, record, run, nowMs, evidence }, deps);
  const current = await deps.store.current(secretArn);
  return {
    record,
    run,
    target: run.retiring.keyId,
    current: { versionId: current.versionId, fingerprint: fingerprintOf(keyIn(current.text, policy.field)) },
    adoption: gate.verdict,
    sharedWith: gate.sharedWith,
    retain: policy.retain,
    // After an undone quarantine earlier refusals do not count: the consumer counts by the key that it holds now.
    missedInQuarantine: run.phase === "quarantined" && evidence.some((item) => missedSince(item, run)),
    ...(gate.stop !== undefined && { stop: gate.stop }),
  };
}

/**
 * Asks the provider again: what it said at the check may be minutes old, after a soak or some retries (S8).
 * If the revoke is recorded, nothing needs to be asked.
 */
async function evidenceFor(
  question: Parameters<typeof gatherEvidence>[0],
  deps: Deps,
): Promise<readonly Evidence[]> {
  const isOpen = question.run.phase === "promoted" || question.run.phase === "quarantined";
  return isOpen ? gatherEvidence(question, deps) : deps.ledger.evidence(question.secretArn);
}

function missedSince(item: Evidence, { retiring, quarantinedAtMs }: PromotedRun): boolean {
  if (quarantinedAtMs === undefined || !isInstance(item)) return false;
  const use = item.uses.find(({ fingerprint }) => fingerprint === retiring.fingerprint);
  if (use === undefined || use.lastRefusalAgoMs === null) return false;
  return item.observedAtMs - use.lastRefusalAgoMs >= quarantinedAtMs;
}
