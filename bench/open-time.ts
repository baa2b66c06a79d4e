export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The time between two moments in which at least one of these was open: what overlaps counts once. */
export function openMs(spans: readonly Span[], within: Span): number {
  const clipped = spans
    .map(({ fromMs, toMs }) => ({
      fromMs: Math.max(fromMs, within.fromMs),
      toMs: Math.min(toMs, within.toMs),
    }))
    .filter(({ fromMs, toMs }) => fromMs < toMs)
    .sort((a, b) => a.fromMs - b.fromMs);
  let coveredToMs = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (const { fromMs, toMs } of clipped) {
    sum += Math.max(0, toMs - Math.max(fromMs, coveredToMs));
    coveredToMs = Math.max(coveredToMs, toMs);
  }
  return sum;
}
