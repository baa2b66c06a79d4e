import { type CalendarDay, type CronTimes, cronTimes } from "./cron.ts";
import { dateOf } from "./utc.ts";

/** When schedules fire. A local time is counted in milliseconds as if it were UTC, and called `wallMs`. */

const dayMs = 86_400_000;
const minuteMs = 60_000;
const units = { minute: minuteMs, hour: 60 * minuteMs, day: dayMs } as const;

/** The instant of a local time; undefined if a change of the clock leaves it out: AWS does not fire then. */
export type InstantIn = (wallMs: number, timezone: string) => number | undefined;

export interface Firing {
  readonly expression: string;
  readonly timezone?: string | undefined;
}

interface Question {
  readonly afterMs: number;
  readonly count: number;
  /** When a `rate` fires first; else it counts from `afterMs`. */
  readonly startAtMs?: number | undefined;
  readonly instantIn: InstantIn;
}

/** The next firings of a valid expression, oldest first; fewer than asked for if it ends. */
export function nextFirings({ expression, timezone = "UTC" }: Firing, question: Question): readonly number[] {
  const { afterMs, count, startAtMs, instantIn } = question;
  const body = expression.slice(expression.indexOf("(") + 1, -1);
  const everyMs = rateMs(expression);
  if (everyMs !== undefined) {
    const first = startAtMs ?? afterMs + everyMs;
    return Array.from({ length: count }, (_each, index) => first + index * everyMs);
  }
  if (expression.startsWith("at(")) {
    const atMs = instantIn(wallOf(body), timezone);
    return atMs !== undefined && atMs > afterMs ? [atMs] : [];
  }
  return cronFirings(cronTimes(body), { afterMs, count, instantIn, timezone });
}

type SixNumbers = readonly [number, number, number, number, number, number];

/** The local time that a valid `at(...)` names. */
function wallOf(text: string): number {
  const [year, month, day, hour, minute, second] = text.split(/[-T:]/).map(Number) as unknown as SixNumbers;
  return (dayNumberOf(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second) * 1000;
}

interface CronQuestion {
  readonly afterMs: number;
  readonly count: number;
  readonly timezone: string;
  readonly instantIn: InstantIn;
}

/** Every date of the calendar repeats within this time. */
const searchDaysMax = 400 * 366;

function cronFirings(
  times: CronTimes,
  { afterMs, count, timezone, instantIn }: CronQuestion,
): readonly number[] {
  const found: number[] = [];
  // A zone is at most 14 hours off UTC, so the day before is looked at too.
  const firstDay = Math.floor(afterMs / dayMs) - 1;
  const from = Math.max(firstDay, dayNumberOf(times.firstYear, 1, 1));
  const until = Math.min(from + searchDaysMax, dayNumberOf(times.lastYear + 1, 1, 1));
  for (const day of daysFrom(from, until)) {
    if (!times.firesOn(day)) continue;
    for (const minute of times.minutes) {
      const atMs = instantIn(day.number * dayMs + minute * minuteMs, timezone);
      if (atMs === undefined || atMs <= afterMs) continue;
      found.push(atMs);
      if (found.length === count) return found;
    }
  }
  return found;
}

export interface Gaps {
  readonly shortestMs: number;
  readonly longestMs: number;
}

/**
 * The shortest and the longest time between two firings, by the clocks on the wall; undefined for one that fires
 * once or never.
 */
export function gapsOf(expression: string): Gaps | undefined {
  const everyMs = rateMs(expression);
  if (everyMs !== undefined) return { shortestMs: everyMs, longestMs: everyMs };
  if (!expression.startsWith("cron(")) return undefined;
  const times = cronTimes(expression.slice("cron(".length, -1));
  for (const years of looksYears) {
    const gaps = gapsWithin(times, years);
    if (gaps !== undefined) return gaps;
  }
  return undefined;
}

/** Three leap years are enough for nearly everything; a date such as a fifth Monday in February needs more. */
const looksYears = [12, 130] as const;
/** Always the same years: the answer is part of a policy, and must not change from one day to the next. */
const looksFrom = 2024;

function gapsWithin(times: CronTimes, years: number): Gaps | undefined {
  const firstYear = Math.max(times.firstYear, looksFrom);
  const lastYear = Math.min(times.lastYear, firstYear + years - 1);
  const { minutes } = times;
  let shortestMs = Number.POSITIVE_INFINITY;
  let longestMs = 0;
  const see = (gapMs: number) => {
    shortestMs = Math.min(shortestMs, gapMs);
    longestMs = Math.max(longestMs, gapMs);
  };
  const first = Math.min(...minutes);
  const last = Math.max(...minutes);
  const seeWithinDay = () => {
    let earlier = first;
    for (const minute of minutes) {
      if (minute > earlier) see((minute - earlier) * minuteMs);
      earlier = minute;
    }
  };
  let before: number | undefined;
  for (const day of daysFrom(dayNumberOf(firstYear, 1, 1), dayNumberOf(lastYear + 1, 1, 1))) {
    if (!times.firesOn(day)) continue;
    if (before !== undefined) see((day.number - before) * dayMs + (first - last) * minuteMs);
    else seeWithinDay();
    before = day.number;
  }
  return longestMs === 0 ? undefined : { shortestMs, longestMs };
}

/** Milliseconds of such as `rate(30 days)`. */
export function rateMs(expression: string): number | undefined {
  const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  return unit === undefined ? undefined : Number(count) * units[unit as keyof typeof units];
}

/** The days of the calendar from one day number to before another; day 0 is 1970-01-01, a Thursday. */
function* daysFrom(from: number, until: number): Generator<CalendarDay & { readonly number: number }> {
  let date = dateOf(from);
  let daysOfMonth = lengthOf(date.year, date.month);
  for (let number = from; number < until; number += 1) {
    yield { ...date, number, weekday: (((number + 4) % 7) + 7) % 7, daysOfMonth };
    if (date.day < daysOfMonth) date = { ...date, day: date.day + 1 };
    else {
      date =
        date.month === 12
          ? { year: date.year + 1, month: 1, day: 1 }
          : { ...date, month: date.month + 1, day: 1 };
      daysOfMonth = lengthOf(date.year, date.month);
    }
  }
}

function lengthOf(year: number, month: number): number {
  const [nextYear, nextMonth] = month === 12 ? [year + 1, 1] : [year, month + 1];
  return dayNumberOf(nextYear, nextMonth, 1) - dayNumberOf(year, month, 1);
}

/** The number of a day, by Howard Hinnant's `days_from_civil`. */
function dayNumberOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
