import cronParser from "aws-cron-parser";
import { whyNotCron } from "../../../core/cron.ts";
import { invalid } from "../input.ts";

/** When a schedule fires, in ms; asked for the first instant at or after `from`. */
export interface Timing {
  readonly once: boolean;
  next(from: number): number | undefined;
}

export interface TimingOptions {
  readonly expression: string;
  readonly timeZone: string;
  /** In ms: the StartDate, or when the schedule was made or changed. */
  readonly anchor: number;
}

const unitMs: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
/** AWS promises a minute's precision: a one-time schedule that is late by less still fires. */
const lateMsMax = 60_000;

/** Reads `rate(...)`, `cron(...)` or `at(...)`. Throws ValidationException. */
export function parseExpression(options: TimingOptions): Timing {
  const { expression, timeZone } = options;
  if (!isTimeZone(timeZone)) throw invalid("Invalid ScheduleExpressionTimezone");
  const [, kind, body = ""] = /^(rate|cron|at)\((.*)\)$/.exec(expression) ?? [];
  switch (kind) {
    case "rate":
      return rate(body, options);
    case "at":
      return at(body, options);
    case "cron":
      return cron(body, options);
    default:
      throw badExpression(expression);
  }
}

function rate(body: string, { expression, anchor }: TimingOptions): Timing {
  const [, count = "", unit = ""] = /^(\d+) (minute|hour|day)s?$/.exec(body) ?? [];
  const everyMs = Number(count) * (unitMs[unit] ?? 0);
  if (everyMs === 0) throw badExpression(expression);
  return {
    once: false,
    next: (from) => anchor + Math.max(0, Math.ceil((from - anchor) / everyMs)) * everyMs,
  };
}

function at(body: string, { expression, timeZone, anchor }: TimingOptions): Timing {
  const wall = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(body) ? Date.parse(`${body}Z`) : Number.NaN;
  if (Number.isNaN(wall)) throw badExpression(expression);
  const instant = fromWall(wall, timeZone);
  const fires = instant >= anchor - lateMsMax;
  return {
    once: true,
    next: (from) => (fires && from <= Math.max(instant, anchor) ? Math.max(instant, anchor) : undefined),
  };
}

function cron(body: string, { expression, timeZone }: TimingOptions): Timing {
  // The parser accepts anything.
  if (whyNotCron(body) !== undefined) throw badExpression(expression);
  const parsed = cronParser.parse(body);
  return {
    once: false,
    next: (from) => {
      // The parser works in whole minutes of UTC and answers with what comes after the given instant.
      const wall = cronParser.next(parsed, new Date(toWall(from, timeZone) - 1));
      return wall ? fromWall(wall.getTime(), timeZone) : undefined;
    },
  };
}

function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
    return true;
  } catch {
    return false;
  }
}

/** What a clock on the wall shows at an instant, as if it showed UTC. */
function toWall(instant: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat("en", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(instant);
  const read = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  const seconds = Date.UTC(
    read("year"),
    read("month") - 1,
    read("day"),
    read("hour"),
    read("minute"),
    read("second"),
  );
  return seconds + (((instant % 1000) + 1000) % 1000);
}

/** The instant at which the wall clock shows this; a time that a clock change skips is taken after it. */
function fromWall(wall: number, timeZone: string): number {
  const first = wall - (toWall(wall, timeZone) - wall);
  return first + (wall - toWall(first, timeZone));
}

function badExpression(expression: string): Error {
  return invalid(`Invalid Schedule Expression ${expression}.`);
}
