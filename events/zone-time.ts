import type { LocalTime } from "../core/calendar.ts";
import type { InstantIn } from "../core/firings.ts";

const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
/** Making one takes a hundred times as long as using it. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timezone: string): Intl.DateTimeFormat {
  const known = formats.get(timezone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    ...{ weekday: "short", year: "numeric", month: "2-digit", day: "2-digit" },
    ...{ hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  });
  formats.set(timezone, made);
  return made;
}

function partsAt(timezone: string, atMs: number): Readonly<Record<string, string>> {
  return Object.fromEntries(
    formatOf(timezone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, value]),
  );
}

/** What clocks in a time zone show at an instant. */
export const localTimeIn: LocalTime = (timezone, atMs) => {
  const { weekday = "", hour, minute } = partsAt(timezone, atMs);
  return { weekday: weekdays.indexOf(weekday), minute: Number(hour) * 60 + Number(minute) };
};

/**
 * The instant at which clocks in a time zone show `wallMs` (a local time written as if it were UTC). A time
 * that a change of the clock leaves out counts as the same time after the change, and of two the first counts.
 */
export function instantOf(wallMs: number, timezone: string): number {
  const guesses = [wallMs - dayMs, wallMs + dayMs].map((nearMs) => wallMs - offsetMs(timezone, nearMs));
  const exact = guesses.filter((atMs) => atMs + offsetMs(timezone, atMs) === wallMs);
  return exact.length > 0 ? Math.min(...exact) : Math.max(...guesses);
}

/** The instant of a local time; undefined if a change of the clock leaves it out. */
export const instantIn: InstantIn = (wallMs, timezone) => {
  const atMs = instantOf(wallMs, timezone);
  return atMs + offsetMs(timezone, atMs) === wallMs ? atMs : undefined;
};

const dayMs = 86_400_000;

function offsetMs(timezone: string, atMs: number): number {
  const { year, month, day, hour, minute } = partsAt(timezone, atMs);
  const shown = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute));
  return shown - Math.floor(atMs / 60_000) * 60_000;
}
