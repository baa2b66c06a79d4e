/** One part of a week in which changes may be made, on the clock of the windows' time zone. */
export interface OpenHours {
  /** The days on which it begins; 0 is Sunday. */
  readonly days: readonly number[];
  /** Minutes after midnight, in whole quarters of an hour. */
  readonly fromMinute: number;
  /** Not after `fromMinute`: then it ends on the next day. */
  readonly untilMinute: number;
}

export interface ChangeWindows {
  readonly timezone: string;
  readonly open: readonly OpenHours[];
}

/** A period without changes. The file's local times were converted when it was applied. */
export interface FreezePeriod {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly reason: string;
}

/** The day of the week and the minute of the day that clocks in a time zone show at an instant. */
export type LocalTime = (
  timezone: string,
  atMs: number,
) => { readonly weekday: number; readonly minute: number };

const quarterMs = 15 * 60_000;
const quartersOfDay = 96;
const daysOfWeek = 7;
export const minutesOfDay = 24 * 60;
/** Every window opens within a week, and a change of the clock can make it an hour later. */
const searchMs = 8 * 24 * 3_600_000;

/**
 * When the closed windows open next; undefined if one is open, or if there are none. Every time zone is
 * whole quarters of an hour off UTC, and windows begin at a quarter, so looking at each quarter finds the
 * exact instant, also on a day on which the clocks change.
 */
export function opensAtMs(
  windows: ChangeWindows | undefined,
  { nowMs, localTime }: { readonly nowMs: number; readonly localTime: LocalTime },
): number | undefined {
  if (windows === undefined) return undefined;
  const isOpenAt = (atMs: number) => isOpen(windows.open, localTime(windows.timezone, atMs));
  if (isOpenAt(nowMs)) return undefined;
  const firstMs = (Math.floor(nowMs / quarterMs) + 1) * quarterMs;
  for (let atMs = firstMs; atMs <= nowMs + searchMs; atMs += quarterMs) if (isOpenAt(atMs)) return atMs;
  return nowMs + searchMs;
}

function isOpen(open: readonly OpenHours[], { weekday, minute }: ReturnType<LocalTime>): boolean {
  const dayBefore = (weekday + daysOfWeek - 1) % daysOfWeek;
  return open.some(({ days, fromMinute, untilMinute }) => {
    if (untilMinute > fromMinute)
      return days.includes(weekday) && minute >= fromMinute && minute < untilMinute;
    return (
      (days.includes(weekday) && minute >= fromMinute) || (days.includes(dayBefore) && minute < untilMinute)
    );
  });
}

/** For how long the windows can be closed at a stretch. A change of the clock can add an hour. */
export function longestClosedMs({ open }: ChangeWindows): number {
  const quarters = Array.from({ length: daysOfWeek * quartersOfDay }, (_each, index) =>
    isOpen(open, {
      weekday: Math.floor(index / quartersOfDay),
      minute: (index % quartersOfDay) * (quarterMs / 60_000),
    }),
  );
  let longest = 0;
  let closed = 0;
  // Twice through the week, because the longest stretch may go over its end.
  for (const isQuarterOpen of [...quarters, ...quarters]) {
    closed = isQuarterOpen ? 0 : closed + 1;
    longest = Math.max(longest, closed);
  }
  return longest * quarterMs;
}

/** The freeze that is on now; of several, the one that ends last. */
export function freezeAt(
  periods: readonly FreezePeriod[] | undefined,
  nowMs: number,
): FreezePeriod | undefined {
  return (periods ?? [])
    .filter(({ fromMs, untilMs }) => fromMs <= nowMs && nowMs < untilMs)
    .toSorted((one, other) => other.untilMs - one.untilMs)[0];
}
