import { observeProvider } from "../../consumers/provider.ts";
import { type AdoptionVerdict, adoption } from "../../core/adoption/adoption.ts";
import {
  type Evidence,
  isInstance,
  type ReplicaEvidence,
  type SourceEvidence,
} from "../../core/adoption/evidence.ts";
import type { Policy } from "../../core/policy.ts";
import { type RevokeView, type StandingView, standingReasons } from "../../core/rotation/gate.ts";
import { type Refusal, refusalText } from "../../core/rotation/refusal.ts";
import {
  assertPromoted,
  closingSeq,
  type PromotedRun,
  promotedRun,
  type SecretRecord,
  type Ticket,
} from "../../core/rotation/secret-record.ts";
import { markSentBack } from "../../core/rotation/wait.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { keyIn } from "../../stores/value.ts";
import type { Deps, With } from "../deps.ts";
import { observeCopies } from "./copy-evidence.ts";
import { openingOf } from "./promotion-gate.ts";
import { refreshMemory } from "./refresh-memory.ts";
import { sharedWith } from "./shared-key.ts";
import { stopFor } from "./stop-order.ts";

export interface Gate {
  readonly verdict: AdoptionVerdict;
  /** Reasons that no evidence can change (a hold, a stop, ...), each in one line. */
  readonly blockers: readonly string[];
  /** What those reasons were found from: the revoke asks the same list of the same facts. */
  readonly standing: StandingView;
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
  const { fingerprint } = run.retiring;
  const others = await sharedWith({ fingerprint, secretArn: record.secretArn }, deps);
  const facts = { record, policy, nowMs, sharedWith: others, ...openingOf(policy, nowMs) };
  const standing = { ...facts, ...(stop && { stop: stop.detail }) };
  return { verdict, blockers: standingReasons(standing).map(refusalText), standing };
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
  deps: With<"sources" | "destinations">,
): Promise<readonly Evidence[]> {
  const { policy, run, nowMs, secretArn } = question;
  const fresh: SourceEvidence[] = [];
  if (policy.signals.includes("provider")) fresh.push(await askProvider(question, deps));
  const { retiring, incoming } = run;
  const observing = { policy, retiring, incoming, nowMs, memory: refreshMemory(deps) };
  const named = new Set(
    policy.consumers === "none" ? [] : policy.consumers.flatMap(({ evidence }) => evidence),
  );
  for (const source of deps.sources) {
    if (named.has(source.kind)) fresh.push(...(await source.observe(observing)));
  }
  fresh.push(...(await observeCopies({ policy, incomingVersionId: incoming.versionId, nowMs }, deps)));
  const replicas = await askStore(question, deps);
  if (replicas.behind.length > 0) fresh.push(replicas);
  for (const evidence of fresh) await deps.ledger.putEvidence(secretArn, evidence);
  const all = await deps.ledger.evidence(secretArn);
  const caughtUp = all.find(({ kind }) => kind === "replicas");
  if (caughtUp === undefined || replicas.behind.length > 0) return all;
  await deps.ledger.putEvidence(secretArn, replicas);
  return all.map((item) => (item === caughtUp ? replicas : item));
}

/** What the store says is kept only if some replica is, or was, behind: most secrets have none. */
async function askStore(
  { secretArn, nowMs }: { readonly secretArn: string; readonly nowMs: number },
  { store }: Pick<Deps, "store">,
): Promise<ReplicaEvidence> {
  return { kind: "replicas", behind: await store.replicasBehind(secretArn), observedAtMs: nowMs };
}

function askProvider(
  { policy, run, nowMs }: { readonly policy: Policy; readonly run: PromotedRun; readonly nowMs: number },
  deps: Deps,
): Promise<SourceEvidence> {
  const { retiring, incoming, promotedAtMs } = run;
  const keys = { retiringKeyId: retiring.keyId, incomingKeyId: incoming.keyId };
  return observeProvider({ policy, ...keys, promotedAtMs, nowMs }, deps.provider(policy));
}

// ---- the last look before a quarantine or a revoke ---------------------------------------------------------

interface LastLook {
  readonly ticket: Ticket;
  readonly policy: Policy;
  readonly nowMs: number;
}

/** With the evidence on which the answer rests. */
export type Decision = RevokeView & { readonly run: PromotedRun; readonly evidence: readonly Evidence[] };

/**
 * Everything that `whyNotRevoke` asks about, read now. The record is read first: what changes after that
 * raises its `seq`, and the intent to revoke is written only at the `closingSeq` seen here.
 */
export async function revokeView(
  { ticket, policy, nowMs }: LastLook,
  deps: With<"sources" | "destinations">,
): Promise<Decision> {
  const { secretArn } = ticket;
  const record = await deps.ledger.secret(secretArn);
  const run = assertPromoted(record, ticket);
  const evidence = await evidenceFor({ policy, run, nowMs, secretArn }, deps);
  const gate = await askGate({ policy, record, run, nowMs, evidence }, deps);
  const current = await deps.store.current(secretArn);
  return {
    ...gate.standing,
    ...{ run, evidence },
    target: run.retiring.keyId,
    current: { versionId: current.versionId, fingerprint: fingerprintOf(keyIn(current.text, policy.field)) },
    adoption: gate.verdict,
    // Once a quarantine is undone, consumers that were refused meanwhile count only by the key they hold now.
    missedInQuarantine: run.phase === "quarantined" && evidence.some((item) => missedSince(item, run)),
  };
}

/**
 * Asks the provider again: what it told the check may be minutes old by now, after a soak or some retries
 * (S8). Once the revoke is recorded, stored evidence is enough.
 */
async function evidenceFor(
  question: Parameters<typeof gatherEvidence>[0],
  deps: With<"sources" | "destinations">,
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

// ---- acting on the last look ---------------------------------------------------------------------------------

/** Something changed between the look and the write, so the run has to decide again. */
export const overtaken = {
  reason: "DecideAgain",
  detail: "something changed while the gate was asked",
} as const satisfies Refusal<string>;

/**
 * Writes the intent only if nothing came since the look that may close the gate, such as evidence, a hold or a policy.
 * Where instances come and go faster than the gate is asked, each of them would overtake it.
 */
export async function recordIntent(
  { view, mark }: { readonly view: RevokeView; readonly mark: (record: SecretRecord) => SecretRecord },
  deps: Deps,
): Promise<boolean> {
  const { secretArn } = view.record;
  const seenSeq = closingSeq(view.record);
  let isRecorded = false;
  await deps.ledger.changeSecret(secretArn, (record) => {
    isRecorded = closingSeq(record) === seenSeq;
    return isRecorded ? mark(record) : record;
  });
  return isRecorded;
}

/** The run goes back to its check. Throws NoProgress once it has gone round too often without a wait. */
export async function noteSentBack(
  { ticket, refusal }: { readonly ticket: Ticket; readonly refusal: Refusal<string> },
  deps: Deps,
): Promise<void> {
  await deps.ledger.changeSecret(ticket.secretArn, (record) => markSentBack(record, ticket, refusal));
}
