/**
 * The six fields of an AWS cron expression: minutes, hours, day of month, month, day of week, year.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html (2026-11-22)
 */
interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly words: readonly string[];
  /** Forms that only this field has, such as the last Friday of a month. */
  readonly special?: RegExp;
}

const dayWords = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const monthWords = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

const minuteField: Field = { name: "minutes", min: 0, max: 59, words: [] };
const hourField: Field = { name: "hours", min: 0, max: 23, words: [] };
const dayField: Field = {
  ...{ name: "day of month", min: 1, max: 31, words: [] },
  special: /^(L|LW|([1-9]|[12]\d|3[01])W|L-([1-9]|[12]\d|30))$/,
};
const monthField: Field = { name: "month", min: 1, max: 12, words: monthWords };
const weekdayField: Field = {
  ...{ name: "day of week", min: 1, max: 7, words: dayWords },
  special: /^(L|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(L|#[1-5]))$/,
};
const yearField: Field = { name: "year", min: 1970, max: 2199, words: [] };

const fields = [minuteField, hourField, dayField, monthField, weekdayField, yearField];
const lengthMax = 200;

type Six = readonly [string, string, string, string, string, string];
/** A split gives at least one piece. */
const piecesOf = (text: string, by: string) => text.split(by) as [string, ...string[]];

/** Why EventBridge Scheduler would refuse this expression; undefined if it is valid. */
export function whyNotCron(expression: string): string | undefined {
  const given = expression.split(" ");
  if (expression.length > lengthMax || given.length !== fields.length) {
    return "a cron has six fields with one space between: minutes hours day-of-month month day-of-week year";
  }
  const wrong = fields.find((field, index) => !isField(String(given[index]), field));
  if (wrong !== undefined) return `the ${wrong.name} of this cron cannot be read`;
  const isDayOpen = given[2] === "?";
  const isWeekdayOpen = given[4] === "?";
  if (isDayOpen === isWeekdayOpen) return "exactly one of day-of-month and day-of-week has to be ?";
  return undefined;
}

function isField(text: string, field: Field): boolean {
  if (text === "?") return field === dayField || field === weekdayField;
  return text.split(",").every((part) => isPart(part, field));
}

function isPart(part: string, field: Field): boolean {
  if (field.special?.test(part)) return true;
  const [range, step, ...more] = piecesOf(part, "/");
  if (more.length > 0 || (step !== undefined && !/^[1-9]\d{0,3}$/.test(step))) return false;
  if (range === "*") return true;
  const [from, to, ...others] = range.split("-").map((end) => numberOf(end, field));
  if (others.length > 0 || from === undefined) return false;
  const isOneValue = !range.includes("-");
  return isOneValue || (to !== undefined && from <= to);
}

function numberOf(text: string, { words, min, max }: Field): number | undefined {
  const word = words.indexOf(text.toUpperCase());
  if (word >= 0) return word + min;
  if (!/^\d{1,4}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}

/** When an expression fires, in the local time of its time zone: its days, and its minutes of such a day. */
export interface CronTimes {
  /** In order; at least one. */
  readonly minutes: readonly number[];
  readonly firstYear: number;
  readonly lastYear: number;
  firesOn(day: CalendarDay): boolean;
}

export interface CalendarDay {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  readonly daysOfMonth: number;
}

/** The times of a valid expression. */
export function cronTimes(expression: string): CronTimes {
  const [minuteText, hourText, dayText, monthText, weekdayText, yearText] = expression
    .toUpperCase()
    .split(" ") as unknown as Six;
  const minutes = valuesIn(minuteText, minuteField);
  const ofDay = valuesIn(hourText, hourField).flatMap((hour) => minutes.map((minute) => hour * 60 + minute));
  const days = valuesIn(dayText, dayField);
  const months = valuesIn(monthText, monthField);
  const weekdays = valuesIn(weekdayText, weekdayField);
  const years = valuesIn(yearText, yearField);
  return {
    // A field may name the same time twice: it fires once.
    minutes: [...new Set(ofDay)].sort((one, other) => one - other),
    firstYear: Math.min(...years),
    lastYear: Math.max(...years),
    firesOn: (date) =>
      years.includes(date.year) &&
      months.includes(date.month) &&
      (dayText === "?" || days.includes(date.day) || dayText.split(",").some((part) => isDay(part, date))) &&
      (weekdayText === "?" ||
        weekdays.includes(date.weekday + 1) ||
        weekdayText.split(",").some((part) => isWeekday(part, date))),
  };
}

/** The plain values of a field; forms such as L are no values. */
function valuesIn(text: string, field: Field): readonly number[] {
  const { min, max } = field;
  return text.split(",").flatMap((part) => {
    const [range, step = "1"] = piecesOf(part, "/");
    const [first, last] = range === "*" ? [min, max] : range.split("-").map((end) => numberOf(end, field));
    if (first === undefined) return [];
    const end = last ?? (part.includes("/") ? max : first);
    const count = Math.floor((end - first) / Number(step)) + 1;
    return Array.from({ length: count }, (_each, index) => first + index * Number(step));
  });
}

/** The last day of a month, some days before it, or the working day that is nearest to a date. */
function isDay(part: string, { day, weekday, daysOfMonth }: CalendarDay): boolean {
  const before = /^L-(\d+)$/.exec(part)?.[1];
  if (before !== undefined) return day === daysOfMonth - Number(before);
  if (part === "L") return day === daysOfMonth;
  const wanted = part === "LW" ? daysOfMonth : Number(/^(\d+)W$/.exec(part)?.[1] ?? Number.NaN);
  if (wanted > daysOfMonth) return false;
  const weekdayOfWanted = (((weekday + wanted - day) % 7) + 7) % 7;
  return day === workingDayNear({ wanted, weekdayOfWanted, daysOfMonth });
}

/** If the nearest working day is in another month, the nearest one of this month counts. */
function workingDayNear(of: {
  readonly wanted: number;
  readonly weekdayOfWanted: number;
  readonly daysOfMonth: number;
}): number {
  const { wanted, weekdayOfWanted, daysOfMonth } = of;
  if (weekdayOfWanted === 6) return wanted === 1 ? 3 : wanted - 1;
  if (weekdayOfWanted === 0) return wanted === daysOfMonth ? wanted - 2 : wanted + 1;
  return wanted;
}

/** The last such weekday of a month, the n-th one, or with L alone Saturday. */
function isWeekday(part: string, { day, weekday, daysOfMonth }: CalendarDay): boolean {
  if (part === "L") return weekday === 6;
  const [, name = "", kind, nth] = /^(.+?)(L|#(\d))$/.exec(part) ?? [];
  const wanted = numberOf(name, weekdayField);
  if (wanted === undefined || weekday !== wanted - 1) return false;
  return kind === "L" ? day > daysOfMonth - 7 : Math.ceil(day / 7) === Number(nth);
}
