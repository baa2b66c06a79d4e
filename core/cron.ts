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

const fields: readonly Field[] = [
  { name: "minutes", min: 0, max: 59, words: [] },
  { name: "hours", min: 0, max: 23, words: [] },
  {
    name: "day of month",
    min: 1,
    max: 31,
    words: [],
    special: /^(L|LW|([1-9]|[12]\d|3[01])W|L-([1-9]|[12]\d|30))$/,
  },
  { name: "month", min: 1, max: 12, words: monthWords },
  {
    name: "day of week",
    min: 1,
    max: 7,
    words: dayWords,
    special: /^(L|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(L|#[1-5]))$/,
  },
  { name: "year", min: 1970, max: 2199, words: [] },
];

const [, , dayOfMonth, , dayOfWeek] = fields;
const lengthMax = 200;

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
  if (text === "?") return field === dayOfMonth || field === dayOfWeek;
  return text.split(",").every((part) => isPart(part, field));
}

function isPart(part: string, field: Field): boolean {
  if (field.special?.test(part)) return true;
  const [range = "", step, ...more] = part.split("/");
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
  const [minutes, hours, days, months, weekdays, years] = expression
    .split(" ")
    .map((text, index) => valuesIn(text, fields[index]));
  const [, , dayText = "", , weekdayText = ""] = expression.toUpperCase().split(" ");
  const all = hours?.flatMap((hour) => (minutes ?? []).map((minute) => hour * 60 + minute)) ?? [];
  return {
    minutes: all.sort((one, other) => one - other),
    firstYear: Math.min(...(years ?? [])),
    lastYear: Math.max(...(years ?? [])),
    firesOn: (date) =>
      years?.includes(date.year) === true &&
      months?.includes(date.month) === true &&
      (dayText === "?" ||
        days?.includes(date.day) === true ||
        dayText.split(",").some((part) => isDay(part, date))) &&
      (weekdayText === "?" ||
        weekdays?.includes(date.weekday + 1) === true ||
        weekdayText.split(",").some((part) => isWeekday(part, date))),
  };
}

/** The plain values of a field; forms such as L are no values. */
function valuesIn(text: string, field: Field | undefined): readonly number[] {
  if (field === undefined) return [];
  const { min, max } = field;
  return text.split(",").flatMap((part) => {
    const [range = "", step = "1"] = part.split("/");
    const [first, last] = range === "*" ? [min, max] : range.split("-").map((end) => numberOf(end, field));
    if (first === undefined) return [];
    const hasEnd = range === "*" || range.includes("-");
    const end = hasEnd ? (last ?? first) : part.includes("/") ? max : first;
    const count = Math.floor((end - first) / Number(step)) + 1;
    return Array.from({ length: Math.max(0, count) }, (_each, index) => first + index * Number(step));
  });
}

/** The last day of a month, some days before it, or the working day that is nearest to a date. */
function isDay(part: string, { day, weekday, daysOfMonth }: CalendarDay): boolean {
  const before = /^L-(\d+)$/.exec(part)?.[1];
  if (before !== undefined) return day === daysOfMonth - Number(before);
  if (part === "L") return day === daysOfMonth;
  const wanted = part === "LW" ? daysOfMonth : Number(/^(\d+)W$/.exec(part)?.[1] ?? Number.NaN);
  if (Number.isNaN(wanted) || wanted > daysOfMonth || weekday === 0 || weekday === 6) return false;
  const weekdayOfWanted = (((weekday + wanted - day) % 7) + 7) % 7;
  return day === workingDayNear({ wanted, weekdayOfWanted, daysOfMonth });
}

/** Never in another month: then it is the nearest one on the other side. */
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
  const wanted = dayOfWeek === undefined ? undefined : numberOf(name, dayOfWeek);
  if (wanted === undefined || weekday !== wanted - 1) return false;
  return kind === "L" ? day > daysOfMonth - 7 : Math.ceil(day / 7) === Number(nth);
}
