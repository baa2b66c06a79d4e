import type { PropagationProfile, VerifyResult } from "../ports.ts";

/**
 * When a revoked key counts as dead, for a rotation and for an incident: refused several times in a row, spread over
 * the provider's propagation window. One refusal is no proof, because a provider's regions and caches forget at their
 * own pace (reference: 8 to 23 minutes at one, 9 seconds at another).
 */

/** Refusals in a row since the first of them; one success starts it again. */
export interface DeathWatch {
  readonly refusals: number;
  readonly firstRefusedAtMs: number;
}

/** The row after one more call with the key. `notPermitted` is alive; `inconclusive` is neither and changes nothing. */
export function afterProbe(
  watch: DeathWatch | undefined,
  answer: VerifyResult,
  atMs: number,
): DeathWatch | undefined {
  switch (answer) {
    case "refused":
      return watch === undefined
        ? { refusals: 1, firstRefusedAtMs: atMs }
        : { ...watch, refusals: watch.refusals + 1 };
    case "inconclusive":
      return watch;
    case "valid":
    case "notPermitted":
      return undefined;
  }
}

export function isDead(
  watch: DeathWatch | undefined,
  { deadProbes, deadWindowMs }: Pick<PropagationProfile, "deadProbes" | "deadWindowMs">,
  nowMs: number,
): boolean {
  if (watch === undefined) return false;
  return watch.refusals >= deadProbes && nowMs - watch.firstRefusedAtMs >= deadWindowMs;
}
