import type { AdoptionReason, AdoptionVerdict } from "../adoption/adoption.ts";

/**
 * A decision as text, without ages: two decisions with the same text lead to the same actions. Bounded,
 * because it is in the machine's state.
 */
export function decisionText(verdict: AdoptionVerdict, blockers: readonly string[] = []): string {
  if (verdict.verdict === "adopted")
    return blockers.length === 0 ? "adopted" : `blocked: ${blockers.join("; ")}`;
  const named = verdict.reasons.map(({ reason, consumer, instance }) =>
    [reason, consumer, instance].filter((part) => part !== undefined).join(" "),
  );
  const all = [...new Set([...blockers, ...named])].sort();
  const shown = all.slice(0, decisionPartsMax);
  const more = all.length > shown.length ? [`and ${all.length - shown.length} more`] : [];
  return `${verdict.verdict}: ${[...shown, ...more].join("; ")}`;
}

const decisionPartsMax = 20;

export interface Pace {
  readonly reasons: readonly AdoptionReason[];
  readonly untilDeadlineMs: number;
  /** The longest wait while some source still has to be asked again. */
  readonly lapMs: number;
}

/**
 * How long the answer cannot change by itself: until the last window ends if only windows are open, otherwise
 * one lap, because some sources have to be asked. Never past the deadline.
 */
export function nextCheckMs({ reasons, untilDeadlineMs, lapMs }: Pace): number {
  const windows = reasons.flatMap(({ remainingMs }) => (remainingMs === undefined ? [] : [remainingMs]));
  const onlyWindows = reasons.length > 0 && windows.length === reasons.length;
  return Math.max(0, Math.min(onlyWindows ? Math.max(...windows) : lapMs, untilDeadlineMs));
}
