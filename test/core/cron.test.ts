import { type CalendarDay, cronTimes, whyNotCron } from "../../core/cron.ts";

const isRead = (expression: string) => whyNotCron(expression) === undefined;
const firstOfJune: CalendarDay = { year: 2026, month: 6, day: 1, weekday: 1, daysOfMonth: 30 };

/** The days of June 2026, which begins on a Monday, on which this expression fires. */
function daysOf(expression: string, month: Partial<CalendarDay> = {}): readonly number[] {
  const first = { ...firstOfJune, ...month };
  const { firesOn } = cronTimes(expression);
  return Array.from({ length: first.daysOfMonth }, (_, index) => index + 1).filter((day) =>
    firesOn({ ...first, day, weekday: (first.weekday + day - 1) % 7 }),
  );
}

test.each([
  ...["L", "LW", "1W", "9W", "10W", "19W", "20W", "29W", "30W", "31W"],
  ...["L-1", "L-9", "L-10", "L-19", "L-20", "L-29", "L-30", "1,15W,L"],
])("%s is a day of the month", (day) => {
  expect(isRead(`0 3 ${day} * ? *`)).toBe(true);
});

test.each([
  ...["0W", "32W", "40W", "1WX", "X1W", "W", "LL", "XL", "LX", "L-0", "L-31", "L-40", "L-3x", "xL-3", "1,32"],
])("%s is no day of the month", (day) => {
  expect(isRead(`0 3 ${day} * ? *`)).toBe(false);
});

test.each(["L", "1L", "7L", "SUNL", "SAT#1", "2#5", "MON,6L"])("%s is a day of the week", (day) => {
  expect(isRead(`0 3 ? * ${day} *`)).toBe(true);
});

test.each(["0L", "8L", "FOOL", "SAT#0", "SAT#6", "XSAT#1", "SAT#1X", "MON,8"])(
  "%s is no day of the week",
  (day) => {
    expect(isRead(`0 3 ? * ${day} *`)).toBe(false);
  },
);

test.each(["5-5", "*/1", "*/1000", "0/15", "5-10/2", "0,59"])("%s are minutes", (minutes) => {
  expect(isRead(`${minutes} 3 * * ? *`)).toBe(true);
});

test.each(["6-5", "*/0", "*/10000", "*/1x", "*/x1", "1x", "x1", "60", "0,60", "1-2-3", "1/2/3", "00001"])(
  "%s are no minutes",
  (minutes) => {
    expect(isRead(`${minutes} 3 * * ? *`)).toBe(false);
  },
);

test("an expression may be 200 characters long", () => {
  const years = (count: number) => Array.from({ length: count }, () => "2026").join(",");
  const expression = `0 3 * * ? ${years(38)}`;
  expect(expression).toHaveLength(199);
  expect(isRead(`0${expression}`)).toBe(true);
  expect(isRead(`0${expression},2026`)).toBe(false);
});

test("months and days of the week have names", () => {
  const months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
  for (const [index, name] of months.entries()) {
    const { firesOn } = cronTimes(`0 3 1 ${name} ? *`);
    const found = months.flatMap((_, nth) => (firesOn({ ...firstOfJune, month: nth + 1 }) ? [nth] : []));
    expect([name, found]).toEqual([name, [index]]);
  }
  const days = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
  for (const [index, name] of days.entries()) {
    const { firesOn } = cronTimes(`0 3 ? * ${name} *`);
    const found = days.flatMap((_, weekday) => (firesOn({ ...firstOfJune, weekday }) ? [weekday] : []));
    expect([name, found]).toEqual([name, [index]]);
  }
});

test("a list fires on each of its days, whatever form they have", () => {
  expect(daysOf("0 3 3,L,L-10,6W * ? *")).toEqual([3, 5, 20, 30]);
  expect(daysOf("0 3 ? * 2#1,6L,L *")).toEqual([1, 6, 13, 20, 26, 27]);
});

test("the working day near a date is in the date's own month, and a date that the month lacks has none", () => {
  expect(daysOf("0 3 31W * ? *")).toEqual([]);
  // April 2027 would have had a Saturday as its 31st day.
  expect(daysOf("0 3 31W * ? *", { year: 2027, month: 4, weekday: 4 })).toEqual([]);
  // August 2026 begins on a Saturday, and May 2026 ends on a Sunday.
  expect(daysOf("0 3 1W * ? *", { month: 8, weekday: 6, daysOfMonth: 31 })).toEqual([3]);
  expect(daysOf("0 3 LW * ? *", { month: 5, weekday: 5, daysOfMonth: 31 })).toEqual([29]);
  expect(daysOf("0 3 13W,14W * ? *")).toEqual([12, 15]);
});

test("times of a day come in order and once, however they are written", () => {
  expect(cronTimes("30,0,30 9,3 * * ? *").minutes).toEqual([180, 210, 540, 570]);
});
