import type { AdoptionReason, AdoptionVerdict } from "../adoption/adoption.ts";

/**
 * What a decision says, without its ages: two decisions are the same when nobody would act differently on them.
 * Bounded, because it travels through the machine.
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
  /** How long a wait may be while something has to be asked again. */
  readonly lapMs: number;
}

/**
 * How long nothing can change by itself: until the last window ends, where only windows are open; else one lap,
 * because some sources have to be asked. Never past the deadline.
 */
export function nextCheckMs({ reasons, untilDeadlineMs, lapMs }: Pace): number {
  const windows = reasons.flatMap(({ remainingMs }) => (remainingMs === undefined ? [] : [remainingMs]));
  const onlyWindows = reasons.length > 0 && windows.length === reasons.length;
  return Math.max(0, Math.min(onlyWindows ? Math.max(...windows) : lapMs, untilDeadlineMs));
}
