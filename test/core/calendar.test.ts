import { type ChangeWindows, freezeAt, longestClosedMs, opensAtMs } from "../../core/calendar.ts";
import { instantOf, localTimeIn } from "../../events/zone-time.ts";

const hourMs = 3_600_000;
const everyDay = [0, 1, 2, 3, 4, 5, 6];
const at = (iso: string) => Date.parse(iso);
const windows = (fromMinute: number, untilMinute: number, days = everyDay): ChangeWindows => ({
  timezone: "Europe/Berlin",
  open: [{ days, fromMinute, untilMinute }],
});
const opens = (each: ChangeWindows, iso: string) => {
  const opensAt = opensAtMs(each, { nowMs: at(iso), localTime: localTimeIn });
  return opensAt === undefined ? "open" : new Date(opensAt).toISOString().slice(0, 16);
};

/** Berlin goes from 02:00 to 03:00 on 2027-03-28 (01:00 UTC), and from 03:00 to 02:00 on 2027-10-31. */
test.each([
  ["in winter 09:00 is 08:00 UTC", windows(540, 1020), "2027-01-12T07:59:00Z", "2027-01-12T08:00"],
  ["in summer 09:00 is 07:00 UTC", windows(540, 1020), "2027-07-12T06:59:00Z", "2027-07-12T07:00"],
  ["its end is not in it", windows(540, 1020), "2027-01-12T16:00:00Z", "2027-01-13T08:00"],
  ["its last minute is in it", windows(540, 1020), "2027-01-12T15:59:59Z", "open"],
  ["on the day the clocks go forward", windows(540, 1020), "2027-03-27T16:30:00Z", "2027-03-28T07:00"],
  ["on the day the clocks go back", windows(540, 1020), "2027-10-30T16:30:00Z", "2027-10-31T08:00"],
  ["a beginning that the clocks leave out", windows(150, 300), "2027-03-28T00:10:00Z", "2027-03-28T01:00"],
  ["hours that the clocks leave out whole", windows(120, 180), "2027-03-28T00:10:00Z", "2027-03-29T00:00"],
  ["hours that the clocks show twice", windows(120, 180), "2027-10-31T01:30:00Z", "open"],
  ["over midnight, on its second day", windows(1320, 360, [5]), "2027-01-16T04:59:00Z", "open"],
  [
    "over midnight, after its second day",
    windows(1320, 360, [5]),
    "2027-01-16T05:00:00Z",
    "2027-01-22T21:00",
  ],
  ["weekdays only", windows(540, 1020, [1, 2, 3, 4, 5]), "2027-01-15T16:00:00Z", "2027-01-18T08:00"],
])("%s", (_name, each, now, expected) => {
  expect(opens(each, now)).toBe(expected);
});

test("a zone that is three quarters of an hour off opens on its own minute", () => {
  const kathmandu = { ...windows(540, 1020), timezone: "Asia/Kathmandu" };
  expect(opens(kathmandu, "2027-01-12T00:00:00Z")).toBe("2027-01-12T03:15");
});

test("no windows are never closed", () => {
  expect(opensAtMs(undefined, { nowMs: 0, localTime: localTimeIn })).toBeUndefined();
});

test("windows that never open are asked about again after a week and a day", () => {
  const never = { timezone: "UTC", open: [] };
  expect(opensAtMs(never, { nowMs: 1, localTime: localTimeIn })).toBe(1 + 8 * 24 * hourMs);
});

test("nothing is frozen where no period is named, and of two that are on the one that ends last counts", () => {
  expect(freezeAt(undefined, 0)).toBeUndefined();
  const periods = [
    { fromMs: 0, untilMs: 30, reason: "long" },
    { fromMs: 0, untilMs: 20, reason: "short" },
  ];
  expect(freezeAt(periods, 10)?.reason).toBe("long");
  expect(freezeAt(periods.toReversed(), 10)?.reason).toBe("long");
});

test("the longest closed stretch goes over the end of the week", () => {
  expect(longestClosedMs(windows(540, 1020, [1, 2, 3, 4, 5]))).toBe((7 + 24 + 24 + 9) * hourMs);
  expect(longestClosedMs(windows(0, 1440))).toBe(0);
});

test.each([
  ["2027-03-28T02:30", "2027-03-28T01:30", "left out: the same after the change"],
  ["2027-10-31T02:30", "2027-10-31T00:30", "twice: the first"],
  ["2027-01-12T00:00", "2027-01-11T23:00", "winter"],
  ["2027-07-12T00:00", "2027-07-11T22:00", "summer"],
])("%s in Berlin is %s UTC (%s)", (wall, utc) => {
  const instant = instantOf(at(`${wall}:00Z`), "Europe/Berlin");
  expect(new Date(instant).toISOString().slice(0, 16)).toBe(utc);
});

test("a freeze has its beginning and not its end, and of two the later end counts", () => {
  const periods = [
    { fromMs: 10, untilMs: 20, reason: "one" },
    { fromMs: 15, untilMs: 30, reason: "two" },
  ];
  expect(freezeAt(periods, 9)).toBeUndefined();
  expect(freezeAt(periods, 10)?.reason).toBe("one");
  expect(freezeAt(periods, 16)?.reason).toBe("two");
  expect(freezeAt(periods, 30)).toBeUndefined();
});
