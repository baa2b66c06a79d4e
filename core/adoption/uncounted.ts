import type { UncountedEvidence } from "./evidence.ts";
import { instanceLimits, undeclaredName } from "./instance-limits.ts";
import { type AdoptionReason, type AdoptionView, uncountedUntilMs } from "./view.ts";

/**
 * Nobody knows which of these instances has moved, so the gate stays shut until each of them has reported the incoming
 * key or must have dropped the retiring one. It ends by itself.
 */
export function whyUncounted(item: UncountedEvidence, view: AdoptionView): readonly AdoptionReason[] {
  const remainingMs = blocksUntilMs(item, view) - view.nowMs;
  // At exactly the limit the key still counts as used.
  if (remainingMs < 0) return [];
  const { consumer, environment, reportedBy: source, observedAtMs } = item;
  const agoMs = Math.max(0, view.nowMs - observedAtMs);
  const whose = consumer === undeclaredName ? {} : { consumer };
  const detail = detailOf(item);
  return [{ reason: "TooManyInstances", ...whose, environment, source, agoMs, remainingMs, detail }];
}

function blocksUntilMs(item: UncountedEvidence, view: AdoptionView): number {
  const untilMs = uncountedUntilMs(item, view);
  if (item.fingerprint !== view.incoming.fingerprint) return untilMs;
  // These have moved, as they prove: only a refusal, or another key in use, speaks against them.
  const { refusedAtMs = Number.NEGATIVE_INFINITY, otherUsedAtMs = Number.NEGATIVE_INFINITY } = item;
  const { signals, quietMs } = view.policy;
  const quietUntilMs = signals.includes("client") ? otherUsedAtMs + quietMs - 1 : Number.NEGATIVE_INFINITY;
  const refusedUntilMs = refusedAtMs + (untilMs - Math.max(item.observedAtMs, view.promotedAtMs));
  return Math.max(quietUntilMs, refusedUntilMs);
}

function detailOf({ consumer, fingerprint }: UncountedEvidence): string {
  const who = consumer === undeclaredName ? "programs that no policy declares" : consumer;
  if (fingerprint === undefined)
    return `more than ${instanceLimits.unproven.ofConsumer} instances report as ${who} and do not prove that they hold a key: who may put reports?`;
  return `more than ${instanceLimits.instance.ofConsumer} instances of ${who} report, and of the others not all have moved`;
}
