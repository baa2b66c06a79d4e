import { type AdoptionReason, type AdoptionView, adoption } from "../../../core/adoption/adoption.ts";
import type {
  AttestationEvidence,
  Evidence,
  InstanceEvidence,
  ProviderEvidence,
  ReadEvidence,
  RestartEvidence,
} from "../../../core/adoption/evidence.ts";
import type { ConsumerPolicy } from "../../../core/policy.ts";

export const second = 1_000;
export const minute = 60 * second;
export const account = "111122223333";
/** The promotion is at zero, and it is ten minutes later unless a test says otherwise. */
export const nowMs = 10 * minute;
export const lagMs = minute;
export const quietMs = 2 * minute;

export const retiring = { keyId: "k1", versionId: "v1", fingerprint: "sha256:FAKE-1" };
export const incoming = { keyId: "k2", versionId: "v2", fingerprint: "sha256:FAKE-2" };
export const role = `arn:aws:iam::${account}:role/billing`;

export function consumer(fields: Partial<ConsumerPolicy> = {}): ConsumerPolicy {
  return {
    name: "billing",
    environment: "production",
    account,
    evidence: ["client"],
    maxStaleMs: 5 * minute,
    demandUse: false,
    refresh: { kind: "announce" },
    ...fields,
  };
}

const from = { consumer: "billing", environment: "production", account, observedAtMs: nowMs - second };

export function report(fields: Partial<InstanceEvidence> = {}): InstanceEvidence {
  return {
    ...from,
    kind: "client",
    instance: "i1",
    sequence: 1,
    maxStaleMs: 0,
    holds: incoming,
    uses: [],
    ended: false,
    ...fields,
  };
}

export function use(
  { fingerprint }: { readonly fingerprint: string },
  [lastSuccessAgoMs, lastRefusalAgoMs]: readonly [number | null, number | null],
) {
  return { fingerprint, lastSuccessAgoMs, lastRefusalAgoMs };
}

export function restart(fields: Partial<RestartEvidence> = {}): RestartEvidence {
  return {
    ...from,
    kind: "ecs",
    versionId: "v2",
    state: "finished",
    instances: 3,
    wiring: "current",
    ...fields,
  };
}

export function read(fields: Partial<ReadEvidence> = {}): ReadEvidence {
  return { ...from, kind: "kms", principal: role, versionId: "v2", ...fields };
}

export function attestation(fields: Partial<AttestationEvidence> = {}): AttestationEvidence {
  return {
    ...from,
    kind: "attestation",
    principal: `arn:aws:iam::${account}:user/ada`,
    versionId: "v2",
    ...fields,
  };
}

export function provider(fields: Partial<ProviderEvidence> = {}): ProviderEvidence {
  const seen = { keyId: "k1", seenAtMs: nowMs, lastUsedAtMs: nowMs - quietMs - lagMs };
  return { kind: "provider", observedAtMs: nowMs, lagMs, retiring: seen, ...fields };
}

type Fields = Partial<Omit<AdoptionView, "policy">> & { readonly policy?: Partial<AdoptionView["policy"]> };

/** One consumer whose client reports, and a provider that has not seen the retiring key for long enough. */
export function view({ policy, ...fields }: Fields = {}): AdoptionView {
  return {
    policy: { consumers: [consumer()], signals: ["client", "provider"], quietMs, ...policy },
    ...{ retiring, incoming, promotedAtMs: 0, nowMs },
    evidence: [report(), provider()],
    ...fields,
  };
}

/** `consumers` under a rule that names no signal, so that only they can be in the way. */
export function withConsumers(
  consumers: readonly ConsumerPolicy[],
  evidence: readonly Evidence[],
): AdoptionView {
  return view({ policy: { consumers, signals: [], quietMs: 0 }, evidence });
}

/** The verdict and each reason, as "waiting", "HoldsRetiringKey billing i1 by client". */
export function said(asked: AdoptionView): readonly string[] {
  const answer = adoption(asked);
  const reasons = answer.verdict === "adopted" ? [] : answer.reasons;
  return [answer.verdict, ...reasons.map(shown)];
}

function shown({ reason, consumer: name, instance, source }: AdoptionReason): string {
  return [reason, name, instance, `by ${source}`].filter((part) => part !== undefined).join(" ");
}

export function reasonsOf(asked: AdoptionView): readonly AdoptionReason[] {
  const answer = adoption(asked);
  return answer.verdict === "adopted" ? [] : answer.reasons;
}
