import type { ConsumerPolicy, Policy } from "../policy.ts";
import { type InstanceEvidence, isForgotten, placeOf, type UncountedEvidence } from "./evidence.ts";

/**
 * How many instances of one secret are kept. Whoever may put reports can make up instances, so those that prove
 * nothing have places of their own and take none from those that prove that they hold the key.
 */
export const instanceLimits = {
  instance: { ofConsumer: 2_000, ofSecret: 5_000 },
  unproven: { ofConsumer: 100, ofSecret: 500 },
  jump: { ofConsumer: 20, ofSecret: 100 },
} as const;

/** Counts also those that matter no more and wait for the end of their time to live. */
const withSpent = 2;

/**
 * A report that proves nothing holds up a rotation for this long at most, or for the consumer's `maxStale` if that is
 * longer.
 */
export const unprovenStaleMsMax = 24 * 3_600_000;

/** An event is taken for a report no longer than this after it was sent, so what ended earlier cannot come back. */
const replayMs = 3_600_000;

/** What stands for the consumers that no policy declares: a policy's names have no brackets. */
export const undeclaredName = "(undeclared)";

export type CountingPolicy = Pick<Policy, "consumers" | "reports">;

export interface RoomView {
  readonly item: InstanceEvidence;
  /** Everything that is kept in the same pool. */
  readonly kept: readonly InstanceEvidence[];
  readonly policy: CountingPolicy;
}

/** Whether one more can be kept. Those that are spent hardly count: they go by themselves. */
export function hasRoom({ item, kept, policy }: RoomView): boolean {
  const { ofConsumer, ofSecret } = limitsFor(item, policy);
  const counted = kept.filter((one) => !isSpent(one, { policy, nowMs: item.observedAtMs }));
  const own = counted.filter((one) => groupOf(one, policy) === groupOf(item, policy));
  return own.length < ofConsumer && counted.length < ofSecret && kept.length < withSpent * ofSecret;
}

/** Where the policy takes any report, older clients are as many as newer ones. */
function limitsFor(item: InstanceEvidence, { reports }: CountingPolicy) {
  const pool = placeOf(item);
  return instanceLimits[pool === "unproven" && reports === "any" ? "instance" : pool];
}

/** All undeclared consumers share one pool, because whoever writes a report chooses the name in it. */
function groupOf(
  item: Pick<InstanceEvidence, "account" | "environment" | "consumer">,
  policy: CountingPolicy,
) {
  const place = `${item.account}/${item.environment}`;
  return `${place}/${declaredAs(item, policy)?.name ?? undeclaredName}`;
}

function declaredAs(
  { account, environment, consumer }: Pick<InstanceEvidence, "account" | "environment" | "consumer">,
  { consumers }: CountingPolicy,
): ConsumerPolicy | undefined {
  if (consumers === "none") return undefined;
  return consumers.find(
    (one) => one.name === consumer && one.environment === environment && one.account === account,
  );
}

/** It neither holds up a rotation nor speaks for one, now or later. */
function isSpent(
  item: InstanceEvidence,
  { policy, nowMs }: { readonly policy: CountingPolicy; readonly nowMs: number },
): boolean {
  const untilMs = unprovenUntilMs(item, policy);
  if (untilMs !== undefined) return untilMs < nowMs;
  return (item.ended || isForgotten(item)) && item.observedAtMs + replayMs < nowMs;
}

/** Until when a report that may not testify can be in the way; undefined for one that may. */
export function unprovenUntilMs(item: InstanceEvidence, policy: CountingPolicy): number | undefined {
  const mayTestify = item.unproven === undefined || (policy.reports === "any" && item.unproven !== "jump");
  if (mayTestify) return undefined;
  return item.observedAtMs + Math.max(unprovenStaleMsMax, declaredAs(item, policy)?.maxStaleMs ?? 0);
}

// ---- what is kept of the others ----------------------------------------------------------------------------

const minuteMs = 60_000;
/** Rounded up, so that a flood writes once a minute, and no wait gets shorter by it. */
const wholeMinute = (atMs: number) => Math.ceil(atMs / minuteMs) * minuteMs;

/**
 * A report for whose instance there is no room. It is kept together with the others of its consumer, and those that
 * prove it also by the key that they hold: so the gate knows what it cannot count, and does not open. Undefined for
 * an instance that has ended.
 */
export function uncounted(item: InstanceEvidence, policy: CountingPolicy): UncountedEvidence | undefined {
  const isProven = item.unproven === undefined;
  if (isProven && item.ended) return undefined;
  const { account, environment, kind: reportedBy, maxStaleMs, observedAtMs, holds } = item;
  const consumer = declaredAs(item, policy)?.name ?? undeclaredName;
  const place = { kind: "uncounted", account, environment, consumer, reportedBy } as const;
  const seen = { ...place, observedAtMs: wholeMinute(observedAtMs), maxStaleMs };
  if (!isProven) return seen;
  const others = item.uses.filter(({ fingerprint }) => fingerprint !== holds.fingerprint);
  const otherAgesMs = others.flatMap(({ lastSuccessAgoMs }) => lastSuccessAgoMs ?? []);
  const isRefused = item.uses.some(
    ({ fingerprint, lastSuccessAgoMs, lastRefusalAgoMs }) =>
      fingerprint === holds.fingerprint &&
      lastRefusalAgoMs !== null &&
      !(lastSuccessAgoMs !== null && lastSuccessAgoMs < lastRefusalAgoMs),
  );
  return {
    ...{ ...seen, fingerprint: holds.fingerprint },
    ...(isRefused && { refusedAtMs: seen.observedAtMs }),
    ...(otherAgesMs.length > 0 && { otherUsedAtMs: wholeMinute(observedAtMs - Math.min(...otherAgesMs)) }),
  };
}

/** Both as one. The stored one itself, if the other says nothing more. */
export function withUncounted(
  stored: UncountedEvidence | undefined,
  other: UncountedEvidence,
): UncountedEvidence {
  if (stored === undefined) return other;
  const latest = timesOf(other).filter(([field, ms]) => ms > (stored[field] ?? Number.NEGATIVE_INFINITY));
  return latest.length === 0 ? stored : { ...stored, ...Object.fromEntries(latest) };
}

function timesOf(item: UncountedEvidence) {
  const fields = ["observedAtMs", "maxStaleMs", "refusedAtMs", "otherUsedAtMs"] as const;
  return fields.flatMap((field) => {
    const ms = item[field];
    return ms === undefined ? [] : [[field, ms] as const];
  });
}
