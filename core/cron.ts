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

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** A rough upper bound of the time between two firings of a valid expression. */
export function cronGapMaxMs(expression: string): number {
  const [, hours = "*", day = "*", month = "*", weekday = "?"] = expression.split(" ");
  if (month !== "*") return 366 * dayMs;
  // Not every month has a 29th, and the nearest weekday can be a few days away.
  if (day !== "*" && day !== "?") return (isInEveryMonth(day) ? 35 : 65) * dayMs;
  if (weekday !== "*" && weekday !== "?") return (/[#L]/i.test(weekday) ? 35 : 7) * dayMs;
  return hours === "*" ? hourMs : dayMs;
}

function isInEveryMonth(day: string): boolean {
  return day.split(",").some((part) => /^[*L]/.test(part) || Number.parseInt(part, 10) <= 28);
}
