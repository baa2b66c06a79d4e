import fc from "fast-check";
import { planOf } from "../../core/apply-plan.ts";
import { whyNotCron } from "../../core/cron.ts";
import { durationMsMax, durationText, parseDuration, roughDuration } from "../../core/duration.ts";
import { nearest } from "../../core/nearest.ts";
import type { Policy } from "../../core/policy.ts";
import {
  hashLimit,
  intervalMs,
  rateExpression,
  type Schedule,
  scheduleFor,
  secretNameOf,
  startExecutionTarget,
} from "../../core/schedule.ts";

const arn = (name: string) => `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${name}-AbCdEf`;
const nowMs = Date.UTC(2026, 10, 22, 12);
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const target = {
  group: "rekey",
  machineArn: "arn:aws:states:eu-west-1:111122223333:stateMachine:rekey-rotation",
  roleArn: "arn:aws:iam::111122223333:role/rekey-scheduler",
  deadLetterArn: "arn:aws:sqs:eu-west-1:111122223333:rekey-schedules",
};

function policyWith(over: Partial<Policy>): Policy {
  return {
    ...{ secretArn: arn("billing/openai"), name: "billing-key", environment: "production", mode: "rotate" },
    provider: { account: "main", kind: "openai", adminCredential: arn("admin"), settings: {} },
    ...{
      consumers: "none",
      signals: [],
      schedule: "rate(30 days)",
      maxAgeMs: day,
      quietMs: 0,
      overlapMs: hour,
    },
    ...{ soakMs: 0, retain: false, incident: { containByMs: 1, escalateAfterMs: 1 } },
    ...over,
  } as Policy;
}

function scheduled(over: Partial<Policy> = {}, options: { hash?: number; nowMs?: number } = {}): Schedule {
  const schedule = scheduleFor(policyWith(over), { nowMs, hash: 0, target, ...options });
  if (schedule === undefined) throw new Error("no schedule");
  return schedule;
}

describe("a schedule", () => {
  test("starts one execution per firing, however often Scheduler delivers it", () => {
    const { input, ...schedule } = scheduled();
    expect(schedule).toEqual({
      ...target,
      name: "billing-openai-000000000000",
      secretArn: arn("billing/openai"),
      expression: "rate(30 days)",
      timezone: "UTC",
      startAtMs: Math.ceil((nowMs + 1) / (30 * day)) * 30 * day,
      windowMinutes: 60,
      retries: { attemptsMax: 20, ageMaxSeconds: 3_600 },
    });
    const request = JSON.parse(input);
    expect(request).toMatchObject({
      StateMachineArn: target.machineArn,
      Name: "billing-openai-<aws.scheduler.execution-id>",
    });
    expect(JSON.parse(request.Input)).toEqual({ secretArn: arn("billing/openai"), trigger: "schedule" });
  });

  test.each(["aws", "aws-cn", "aws-us-gov"])(
    "calls Step Functions in its machine's partition %s",
    (partition) => {
      const machineArn = `arn:${partition}:states:eu-west-1:111122223333:stateMachine:rekey-rotation`;
      expect(startExecutionTarget({ machineArn })).toBe(
        `arn:${partition}:scheduler:::aws-sdk:sfn:startExecution`,
      );
    },
  );

  test("of a secret that is only watched, or rotated by hand, is none", () => {
    const { schedule: _none, ...manual } = policyWith({});
    expect(scheduleFor(policyWith({ mode: "index" }), { nowMs, hash: 0, target })).toBeUndefined();
    expect(scheduleFor(manual, { nowMs, hash: 0, target })).toBeUndefined();
  });

  test("never fires at once: its start lies within the next interval, wherever the hash falls", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: hashLimit - 1 }),
        fc.integer({ min: 1, max: 400 }),
        (hash, days) => {
          const { startAtMs = 0 } = scheduled({ schedule: `rate(${days} days)` }, { hash });
          expect(startAtMs).toBeGreaterThan(nowMs);
          expect(startAtMs).toBeLessThanOrEqual(nowMs + days * day);
        },
      ),
    );
  });

  test("of 300 secrets adopted at once are spread over the whole interval", () => {
    const starts = Array.from({ length: 300 }, (_, n) =>
      scheduled({}, { hash: Math.floor((n / 300) * hashLimit) }),
    );
    const days = new Set(starts.map(({ startAtMs = 0 }) => Math.floor((startAtMs - nowMs) / day)));
    expect(days.size).toBe(30);
  });

  test("keeps its place in the interval whenever it is applied again", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: hashLimit - 1 }),
        fc.integer({ min: 0, max: 10_000 * hour }),
        (hash, laterMs) => {
          const first = scheduled({}, { hash }).startAtMs ?? 0;
          const later = scheduled({}, { hash, nowMs: nowMs + laterMs }).startAtMs ?? 0;
          expect((later - first) % (30 * day)).toBe(0);
        },
      ),
    );
  });

  test("by cron starts now and says when in its own time zone; at() has neither start nor window", () => {
    expect(scheduled({ schedule: "cron(0 3 1 * ? *)", scheduleTimezone: "Europe/Berlin" })).toMatchObject({
      ...{ startAtMs: nowMs, timezone: "Europe/Berlin", windowMinutes: 60 },
    });
    const once = scheduled({ schedule: "at(2027-01-31T03:00:00)" });
    expect(once.windowMinutes).toBe(0);
    expect(once).not.toHaveProperty("startAtMs");
  });

  test.each([
    ["rate(1 minute)", 0],
    ["rate(1 hour)", 0],
    ["rate(1 day)", 14],
    ["rate(90 days)", 60],
  ])("%s may fire %i minutes late, which no rotation notices", (schedule, windowMinutes) => {
    expect(scheduled({ schedule }).windowMinutes).toBe(windowMinutes);
  });

  test("has a name that AWS takes, whatever the secret is called", () => {
    const name = `${"x/+=@ü".repeat(40)}`;
    const long = scheduled({ secretArn: arn(name) }, { hash: hashLimit - 1 }).name;
    expect(long).toMatch(/^[0-9A-Za-z_.-]{64}$/);
    expect(long.endsWith("-ffffffffffff")).toBe(true);
    expect(secretNameOf(arn("a:b"))).toBe("a:b");
  });

  test("intervals are read back from the expressions", () => {
    expect(rateExpression(30 * day)).toBe("rate(30 days)");
    expect(rateExpression(day)).toBe("rate(1 day)");
    expect(rateExpression(90 * minute)).toBe("rate(90 minutes)");
    expect(rateExpression(90_000)).toBeUndefined();
    expect(rateExpression(0)).toBeUndefined();
    expect(intervalMs("rate(36 hours)")).toBe(36 * hour);
    expect(intervalMs("cron(0 3 ? * MON *)")).toBe(7 * day);
    expect(intervalMs("at(2027-01-31T03:00:00)")).toBeUndefined();
  });
});

describe("a cron expression", () => {
  test.each([
    "0 3 1 * ? *",
    "*/5 0-23/2 ? JAN-MAR,DEC MON-FRI 2026-2030",
    "0 10 L * ? *",
    "0 10 LW * ? *",
    "0 10 L-3 * ? *",
    "0 10 15W * ? *",
    "0 10 ? * 6L *",
    "0 10 ? * FRI#2 *",
    "0,30 10 ? * L *",
    "5/15 10 ? * 1 2199",
  ])("%s is sound", (expression) => {
    expect(whyNotCron(expression)).toBeUndefined();
  });

  test.each([
    ["0 3 1 * *", "six fields"],
    ["0  3 1 * ? *", "six fields"],
    [`0 3 ${"1,".repeat(200)}1 * ? *`, "six fields"],
    ["60 3 1 * ? *", "minutes"],
    ["0 24 1 * ? *", "hours"],
    ["0 3 0 * ? *", "day of month"],
    ["0 3 32W * ? *", "day of month"],
    ["0 3 1 13 ? *", "month"],
    ["0 3 1 JAM ? *", "month"],
    ["0 3 ? * 8 *", "day of week"],
    ["0 3 ? * MON#6 *", "day of week"],
    ["0 3 1 * ? 1969", "year"],
    ["? 3 1 * ? *", "minutes"],
    ["5-1 3 1 * ? *", "minutes"],
    ["1-2-3 3 1 * ? *", "minutes"],
    ["1- 3 1 * ? *", "minutes"],
    ["*/0 3 1 * ? *", "minutes"],
    ["*/5/5 3 1 * ? *", "minutes"],
    [", 3 1 * ? *", "minutes"],
    ["0 3 1 * MON *", "exactly one"],
    ["0 3 ? * ? *", "exactly one"],
  ])("%s is not: %s", (expression, why) => {
    expect(whyNotCron(expression)).toContain(why);
  });
});

describe("the plan", () => {
  const ours = { files: ["rekey"], prune: true };
  const declared = (policies: readonly Policy[], schedules: readonly Schedule[] = []) => ({
    policies,
    schedules,
  });

  test("creates, updates, keeps and removes, policies first", () => {
    const a = policyWith({ secretArn: arn("a"), name: "a" });
    const b = policyWith({ secretArn: arn("b"), name: "b" });
    const c = policyWith({ secretArn: arn("c"), name: "c" });
    const plan = planOf(
      declared([a, b], [scheduled({ secretArn: arn("a") })]),
      declared([{ ...a, overlapMs: 1, retain: true }, c], [scheduled({ secretArn: arn("c") })]),
      ours,
    );
    expect(
      plan.map(({ kind, action, name, changes }) => [
        kind,
        action,
        name,
        changes.map((one) => one.field).join(),
      ]),
    ).toEqual([
      ["policy", "update", "a", "overlap,retain"],
      ["policy", "create", "c", ""],
      ["policy", "remove", "b", ""],
      ["schedule", "create", "c-000000000000", ""],
      ["schedule", "remove", "a-000000000000", ""],
    ]);
  });

  test("what the table gives back in another order is the same", () => {
    const policy = policyWith({});
    const shuffled = Object.fromEntries(
      Object.entries({ ...policy, incident: { escalateAfterMs: 1, containByMs: 1 } }).reverse(),
    ) as unknown as Policy;
    expect(planOf(declared([shuffled]), declared([policy]), ours)).toMatchObject([{ action: "unchanged" }]);
  });

  test("a list in another order is another list", () => {
    const [one, two] = [
      policyWith({ signals: ["client", "provider"] }),
      policyWith({ signals: ["provider", "client"] }),
    ];
    expect(planOf(declared([one]), declared([two]), ours)).toMatchObject([
      { action: "update", changes: [{ field: "signals" }] },
    ]);
  });

  test("a later start moves no schedule, but a new interval does", () => {
    const before = scheduled({}, { hash: 7 });
    const later = scheduled({}, { hash: 7, nowMs: nowMs + 90 * day });
    expect(later.startAtMs).not.toBe(before.startAtMs);
    expect(planOf(declared([], [before]), declared([], [later]), ours)).toMatchObject([
      { action: "unchanged" },
    ]);
    const other = scheduled({ schedule: "rate(7 days)" }, { hash: 7 });
    expect(planOf(declared([], [before]), declared([], [other]), ours)).toMatchObject([
      {
        action: "update",
        changes: [{ field: "expression", before: "rate(30 days)", after: "rate(7 days)" }],
      },
    ]);
  });
});

describe("words", () => {
  test.each([
    ["30d", 30 * day],
    ["2h", 2 * hour],
    ["15m", 15 * minute],
    ["90s", 90_000],
    ["0s", 0],
    ["", undefined],
    ["1", undefined],
    ["1.5h", undefined],
    ["-1h", undefined],
    ["1w", undefined],
    ["3651d", undefined],
    ["9999999999s", undefined],
  ])("%s is %s ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test("a duration reads back as it was meant", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: durationMsMax / 1_000 }), (seconds) => {
        expect(parseDuration(durationText(seconds * 1_000))).toBe(seconds * 1_000);
      }),
    );
    expect([0, 1_500].map(durationText)).toEqual(["0s", "1500 ms"]);
    expect([0, 59_999, 3_599_999, 47 * hour, 48 * hour, -1].map(roughDuration)).toEqual([
      ...["0 s", "59 s", "59 min", "47 h", "2 days", "0 s"],
    ]);
  });

  test.each([
    ["overlapp", "overlap"],
    ["mian", "main"],
    ["maxstale", "maxStale"],
    ["x", undefined],
    ["something", undefined],
    // A letter replaced, missing, and too many: half as many mistakes as the word has letters, and at most three.
    ["maim", "main"],
    ["man", "main"],
    ["maiin", "main"],
    ["mxyn", "main"],
    ["mxyz", undefined],
    ["overlxyz", "overlap"],
    ["ovewxyz", undefined],
    ["x".repeat(65), undefined],
  ])("%s was meant to be %s", (word, meant) => {
    expect(nearest(word, ["overlap", "main", "maxStale", "y".repeat(65), "maxAge"])).toBe(meant);
  });

  test("the nearer of two wins", () => {
    expect(nearest("signal", ["single", "signals"])).toBe("signals");
  });
});
