import { parseExpression } from "../../local/aws/scheduler/expression.ts";
import { AwsError } from "../../local/aws/service.ts";

const at = (text: string) => Date.parse(text);
const iso = (instant: number | undefined) =>
  instant === undefined ? undefined : new Date(instant).toISOString();

/** The instants at which a schedule made at `from` fires, the first three at most. */
function firings(
  expression: string,
  { from, timeZone = "UTC" }: { from: string; timeZone?: string },
): string[] {
  const timing = parseExpression({ expression, timeZone, anchor: at(from) });
  const found: string[] = [];
  let next = timing.next(at(from));
  for (let count = 0; count < 3 && next !== undefined; count += 1) {
    found.push(new Date(next).toISOString().replace(".000Z", "Z"));
    next = timing.next(next + 1);
  }
  return found;
}

test("rate() fires at its anchor and then after every interval", () => {
  expect(firings("rate(2 hours)", { from: "2026-01-01T00:00:30Z" })).toEqual([
    "2026-01-01T00:00:30Z",
    "2026-01-01T02:00:30Z",
    "2026-01-01T04:00:30Z",
  ]);
});

test("cron() fires at the minutes it names, with the present minute among them", () => {
  expect(firings("cron(0/15 12 * * ? *)", { from: "2026-01-01T12:15:00Z" })).toEqual([
    "2026-01-01T12:15:00Z",
    "2026-01-01T12:30:00Z",
    "2026-01-01T12:45:00Z",
  ]);
  expect(firings("cron(0 8 ? * MON-FRI *)", { from: "2026-01-02T09:00:00Z" })).toEqual([
    "2026-01-05T08:00:00Z",
    "2026-01-06T08:00:00Z",
    "2026-01-07T08:00:00Z",
  ]);
  expect(firings("cron(0 0 L * ? 2026)", { from: "2026-01-01T00:00:00Z" })[1]).toBe("2026-02-28T00:00:00Z");
});

test("cron() keeps the wall clock of its time zone when summer time begins", () => {
  expect(firings("cron(30 9 * * ? *)", { from: "2026-03-28T00:00:00Z", timeZone: "Europe/Berlin" })).toEqual([
    "2026-03-28T08:30:00Z",
    "2026-03-29T07:30:00Z",
    "2026-03-30T07:30:00Z",
  ]);
});

test("at() fires once, in its time zone", () => {
  expect(
    firings("at(2026-07-01T12:00:00)", { from: "2026-01-01T00:00:00Z", timeZone: "America/New_York" }),
  ).toEqual(["2026-07-01T16:00:00Z"]);
});

test("at() that is late by less than a minute still fires, at once", () => {
  const late = { expression: "at(2026-01-01T00:00:00)", timeZone: "UTC", anchor: at("2026-01-01T00:00:40Z") };
  expect(iso(parseExpression(late).next(late.anchor))).toBe("2026-01-01T00:00:40.000Z");
  const past = { ...late, anchor: at("2026-01-01T00:02:00Z") };
  expect(parseExpression(past).next(past.anchor)).toBeUndefined();
});

test.each([
  "rate(0 minutes)",
  "rate(1 second)",
  "rate(minute)",
  "cron(0 12 * * *)",
  "cron(0 12 * * * *)",
  "cron(0 12 ? * ? *)",
  "cron(60 12 * * ? *)",
  "cron(0 24 * * ? *)",
  "cron(0 12 * FOO ? *)",
  "cron(0/0 12 * * ? *)",
  "cron(a b c d e f)",
  "at(2026-13-01T00:00:00)",
  "at(2026-01-01)",
  "every day",
])("%s is refused", (expression) => {
  expect(() => parseExpression({ expression, timeZone: "UTC", anchor: 0 })).toThrow(AwsError);
});

test("a time zone that does not exist is refused", () => {
  expect(() => parseExpression({ expression: "rate(1 day)", timeZone: "Mars/Base", anchor: 0 })).toThrow(
    AwsError,
  );
});
