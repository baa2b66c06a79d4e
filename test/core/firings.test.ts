import cronParser from "aws-cron-parser";
import { gapsOf, nextFirings } from "../../core/firings.ts";
import type { Policy } from "../../core/policy.ts";
import { scheduleFault } from "../../core/schedule.ts";
import { instantIn } from "../../events/zone-time.ts";

const nowMs = Date.UTC(2026, 10, 30, 11);
const day = 86_400_000;
const minute = 60_000;

function firings(
  expression: string,
  { timezone = "UTC", count = 3, afterMs = nowMs, startAtMs = undefined as number | undefined } = {},
) {
  const times = nextFirings({ expression, timezone }, { afterMs, count, startAtMs, instantIn });
  return times.map((atMs) => new Date(atMs).toISOString().slice(0, 16));
}

describe("the next firings", () => {
  test.each([
    "0 3 1 * ? *",
    "*/5 0-23/2 ? JAN-MAR,DEC MON-FRI 2026-2030",
    "0 10 L * ? *",
    "0 10 L-3 * ? *",
    "0 10 15W * ? *",
    "0 10 1W * ? *",
    "0 10 ? * 6L *",
    "0 10 ? * FRI#2 *",
    "5/15 10 ? * 1 2199",
    "0 3 1 */3 ? *",
  ])("of cron(%s) are those of another reader of it", (expression) => {
    const parsed = cronParser.parse(expression);
    const theirs: string[] = [];
    for (let from = new Date(nowMs); theirs.length < 12; ) {
      const next = cronParser.next(parsed, from);
      if (!next) break;
      theirs.push(next.toISOString().slice(0, 16));
      from = next;
    }
    expect(firings(`cron(${expression})`, { count: 12 })).toEqual(theirs);
  });

  // The other reader takes 29 February of another year for 1 March, and does not know these forms.
  test.each([
    ["0 3 29 2 ? *", ["2028-02-29T03:00", "2032-02-29T03:00", "2036-02-29T03:00"]],
    ["0 3 31 2 ? *", []],
    ["0 3 1 1 ? 2025", []],
    ["0 3 1 1 ? 2028", ["2028-01-01T03:00"]],
    ["0 10 LW * ? *", ["2026-12-31T10:00", "2027-01-29T10:00", "2027-02-26T10:00"]],
    ["0 10 31W * ? *", ["2026-12-31T10:00", "2027-01-29T10:00", "2027-03-31T10:00"]],
    ["0 10 ? * L *", ["2026-12-05T10:00", "2026-12-12T10:00", "2026-12-19T10:00"]],
    // A time that is named twice fires once.
    ["0,0 3 1 1,1-2 ? 2028", ["2028-01-01T03:00", "2028-02-01T03:00"]],
    ["30/15 22/1 1 1 ? 2028", ["2028-01-01T22:30", "2028-01-01T22:45", "2028-01-01T23:30"]],
    ["0 10 ? * sun 2028", ["2028-01-02T10:00", "2028-01-09T10:00", "2028-01-16T10:00"]],
    ["0 10 ? * MON,6L 2028", ["2028-01-03T10:00", "2028-01-10T10:00", "2028-01-17T10:00"]],
    ["0 0 ? 2 MON#5 *", ["2044-02-29T00:00", "2072-02-29T00:00", "2112-02-29T00:00"]],
  ])("of cron(%s) are %j", (expression, expected) => {
    expect(firings(`cron(${expression})`)).toEqual(expected);
  });

  test("are in the schedule's own time zone, and a time that the clocks leave out does not fire", () => {
    expect(
      firings("cron(30 2 * * ? *)", { timezone: "Europe/Berlin", afterMs: Date.UTC(2027, 2, 26, 12) }),
    ).toEqual(["2027-03-27T01:30", "2027-03-29T00:30", "2027-03-30T00:30"]);
    // In autumn 02:30 is there twice, and fires once.
    expect(
      firings("cron(30 2 * * ? *)", { timezone: "Europe/Berlin", afterMs: Date.UTC(2027, 9, 30, 12) }),
    ).toEqual(["2027-10-31T00:30", "2027-11-01T01:30", "2027-11-02T01:30"]);
  });

  test("are in UTC if no time zone is said", () => {
    expect(nextFirings({ expression: "cron(0 3 * * ? *)" }, { afterMs: nowMs, count: 1, instantIn })).toEqual(
      [Date.UTC(2026, 11, 1, 3)],
    );
  });

  test("before 1970 are as good as any", () => {
    expect(firings("cron(0 3 ? * MON *)", { afterMs: Date.UTC(1969, 11, 20), count: 3 })).toEqual([
      ...["1970-01-05T03:00", "1970-01-12T03:00", "1970-01-19T03:00"],
    ]);
  });

  test("of a rate count from its start, and of at(...) there is one until it is past", () => {
    expect(firings("rate(30 days)", { startAtMs: nowMs + day, count: 2 })).toEqual([
      "2026-12-01T11:00",
      "2026-12-31T11:00",
    ]);
    expect(firings("rate(12 hours)", { count: 1 })).toEqual(["2026-11-30T23:00"]);
    expect(firings("at(2027-01-31T03:00:00)", { timezone: "Asia/Tokyo" })).toEqual(["2027-01-30T18:00"]);
    expect(firings("at(2026-11-30T11:00:00)")).toEqual([]);
    expect(firings("at(2026-11-30T11:30:00)", { timezone: "Asia/Tokyo" })).toEqual([]);
  });
});

describe("the gaps between firings", () => {
  test.each([
    ["rate(36 hours)", 1.5, 1.5],
    ["cron(0 3 * * ? *)", 1, 1],
    ["cron(0 3,9 ? * MON *)", 0.25, 6.75],
    ["cron(0 3 ? * MON-FRI *)", 1, 3],
    ["cron(0 3 1 * ? *)", 28, 31],
    ["cron(0 3 31 * ? *)", 31, 61],
    ["cron(0 3 1 1,4,7,10 ? *)", 90, 92],
    ["cron(0 3 29 2 ? *)", 1461, 1461],
    ["cron(0 3 1 1,7 ? 2027-2028)", 181, 184],
    ["cron(0 3,3 * * ? *)", 1, 1],
    ["cron(0,0 3-6/3,3 * * ? *)", 0.125, 0.875],
    ["cron(0 3,4,6 ? * MON *)", 1 / 24, 7 - 3 / 24],
  ])("of %s are at least %d and at most %d days", (expression, shortest, longest) => {
    expect(gapsOf(expression)).toEqual({ shortestMs: shortest * day, longestMs: longest * day });
  });

  test.each(["rate(soon)", "at(2027-01-31T03:00:00)", "cron(0 3 31 2 ? *)", "cron(0 3 1 1 ? 2028)"])(
    "%s has none",
    (expression) => {
      expect(gapsOf(expression)).toBeUndefined();
    },
  );

  test("cost little, also for an expression that never fires", () => {
    const began = performance.now();
    for (let turn = 0; turn < 20; turn += 1) gapsOf("cron(*/5 * ? * MON-FRI *)");
    gapsOf("cron(0 3 31 2 ? *)");
    firings("cron(0 3 31 2 ? *)");
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});

describe("what somebody did to a schedule", () => {
  const policy = { secretArn: "a", schedule: "rate(30 days)", mode: "rotate" } as Policy;
  const schedule = { secretArn: "a", expression: "rate(30 days)", timezone: "UTC" };

  test.each([
    ["nothing", policy, [schedule], undefined],
    ["it is another secret's", policy, [{ ...schedule, secretArn: "b" }], "missing"],
    ["disabled", policy, [{ ...schedule, isPaused: true as const }], "paused"],
    [
      "disabled, beside one that is not",
      policy,
      [schedule, { ...schedule, isPaused: true as const }],
      "paused",
    ],
    ["one more beside it", policy, [{ ...schedule, expression: "rate(1 day)" }, schedule], undefined],
    ["another interval", policy, [{ ...schedule, expression: "rate(31 days)" }], "changed"],
    ["another zone", { ...policy, scheduleTimezone: "Asia/Tokyo" }, [schedule], "changed"],
    ["a policy without one", { secretArn: "a", mode: "rotate" } as Policy, [], undefined],
    ["a policy that only watches", { ...policy, mode: "index" as const }, [], undefined],
  ])("%s", (_title, of, schedules, fault) => {
    expect(scheduleFault(of as Policy, schedules)).toBe(fault);
  });
});

test("a minute is a minute", () => {
  expect(gapsOf("cron(*/15 3 * * ? *)")).toEqual({ shortestMs: 15 * minute, longestMs: day - 45 * minute });
});
