import { observeProvider } from "../../consumers/provider.ts";
import { type AdoptionVerdict, adoption } from "../../core/adoption/adoption.ts";
import type { Evidence } from "../../core/adoption/evidence.ts";
import type { Policy } from "../../core/policy.ts";
import { type PromotedRun, promotedRun, type SecretRecord } from "../../core/rotation/secret-record.ts";
import type { Deps } from "../deps.ts";
import { sharedWith } from "./current-key.ts";
import { refreshMemory } from "./refresh-memory.ts";
import { stopFor } from "./stop-order.ts";

export interface Gate {
  readonly verdict: AdoptionVerdict;
  /** Reasons that no evidence can change: a hold, a stop, another secret with the same key. */
  readonly blockers: readonly string[];
  readonly stop?: string;
  readonly sharedWith: readonly string[];
}

interface GateQuestion {
  readonly policy: Policy;
  readonly record: SecretRecord;
  readonly run: PromotedRun;
  readonly nowMs: number;
  readonly evidence: readonly Evidence[];
}

/** The gate's answer from what is stored. The check, the revoke and each arriving report use it. */
export async function askGate(question: GateQuestion, deps: Deps): Promise<Gate> {
  const { policy, record, run, nowMs, evidence } = question;
  const verdict = adoption({ ...run, policy, nowMs, evidence });
  const stop = await stopFor(policy, deps);
  const others = await sharedWith(
    { fingerprint: run.retiring.fingerprint, secretArn: record.secretArn },
    deps,
  );
  const blockers = [
    ...(record.hold ? [`Held by ${record.hold.by}`] : []),
    ...(record.frozen ? [`Frozen: ${record.frozen.reason}`] : []),
    ...(stop ? [stop.detail] : []),
    ...(policy.retain ? ["Retained by policy"] : []),
    ...others.map((arn) => `KeyShared with ${arn}`),
  ];
  return { verdict, blockers, sharedWith: others, ...(stop && { stop: stop.detail }) };
}

/** The same for a secret whose run may not be promoted: undefined if there is no gate to ask. */
export async function askGateNow(
  question: { readonly policy: Policy; readonly record: SecretRecord; readonly nowMs: number },
  deps: Deps,
): Promise<Gate | undefined> {
  const run = promotedRun(question.record.run);
  if (run === undefined) return undefined;
  const evidence = await deps.ledger.evidence(question.record.secretArn);
  return askGate({ ...question, run, evidence }, deps);
}

/** Asks the provider about both keys, asks every other source, and stores the answers. */
export async function gatherEvidence(
  question: {
    readonly policy: Policy;
    readonly run: PromotedRun;
    readonly nowMs: number;
    readonly secretArn: string;
  },
  deps: Deps,
): Promise<readonly Evidence[]> {
  const { policy, run, nowMs, secretArn } = question;
  const fresh: Evidence[] = [];
  if (policy.signals.includes("provider")) fresh.push(await askProvider(question, deps));
  const incomingVersionId = run.incoming.versionId;
  const observing = { policy, incomingVersionId, nowMs, memory: refreshMemory(deps) };
  const named = new Set(
    policy.consumers === "none" ? [] : policy.consumers.flatMap(({ evidence }) => evidence),
  );
  for (const source of deps.sources) {
    if (named.has(source.kind)) fresh.push(...(await source.observe(observing)));
  }
  for (const evidence of fresh) await deps.ledger.putEvidence(secretArn, evidence);
  return deps.ledger.evidence(secretArn);
}

function askProvider(
  { policy, run, nowMs }: { readonly policy: Policy; readonly run: PromotedRun; readonly nowMs: number },
  deps: Deps,
): Promise<Evidence> {
  const { retiring, incoming, promotedAtMs } = run;
  const keys = { retiringKeyId: retiring.keyId, incomingKeyId: incoming.keyId };
  return observeProvider({ policy, ...keys, promotedAtMs, nowMs }, deps.provider(policy));
}
