const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof unitMs;

/** Longer than any key should live, and short enough that sums of durations stay exact. */
export const durationMsMax = 3_650 * unitMs.d;

/** Milliseconds of "30d", "2h", "15m" or "90s"; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  if (match === null) return undefined;
  const ms = Number(match[1]) * unitMs[match[2] as Unit];
  return ms <= durationMsMax ? ms : undefined;
}

/** The shortest exact form in one unit, as `rekey.yml` writes it; parts of a second are shown as ms. */
export function durationText(ms: number): string {
  const units: readonly Unit[] = ["d", "h", "m", "s"];
  const unit = units.find((each) => ms % unitMs[each] === 0 && ms > 0);
  if (unit !== undefined) return `${ms / unitMs[unit]}${unit}`;
  return ms === 0 ? "0s" : `${ms} ms`;
}

/** For people: how long ago, in the largest unit that fits, rounded down. */
export function roughDuration(ms: number): string {
  const rounded = Math.max(0, ms);
  if (rounded < unitMs.m) return `${Math.floor(rounded / unitMs.s)} s`;
  if (rounded < unitMs.h) return `${Math.floor(rounded / unitMs.m)} min`;
  if (rounded < 2 * unitMs.d) return `${Math.floor(rounded / unitMs.h)} h`;
  return `${Math.floor(rounded / unitMs.d)} days`;
}
