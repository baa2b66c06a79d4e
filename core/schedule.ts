import { gapsOf } from "./firings.ts";
import { isRotated, type Policy } from "./policy.ts";
import type { SecretArn } from "./ports.ts";
import { executionName } from "./rotation/execution-name.ts";

/** Where schedules live and what they start: the same for every secret of a deployment. */
export interface ScheduleTarget {
  readonly group: string;
  readonly machineArn: string;
  readonly roleArn: string;
  readonly deadLetterArn?: string;
}

/** One EventBridge schedule, with the fields of CreateSchedule. */
export interface Schedule extends ScheduleTarget {
  readonly name: string;
  readonly secretArn: SecretArn;
  /** `rate(...)`, `cron(...)` or `at(...)`. */
  readonly expression: string;
  readonly timezone: string;
  /** The first firing is not before this. Absent for `at(...)`, where AWS ignores it. */
  readonly startAtMs?: number;
  /** How many minutes late a firing may come; 0 means exactly on time. */
  readonly windowMinutes: number;
  /** The request that the universal target sends, as JSON. */
  readonly input: string;
  readonly retries: { readonly attemptsMax: number; readonly ageMaxSeconds: number };
  /** Somebody disabled it. Applying again leaves it so. */
  readonly isPaused?: true;
}

/** What somebody did to the schedule of a policy outside Rekey. */
export type ScheduleFault = "paused" | "missing" | "changed";

/** Why this policy's schedule does not start its rotations as the policy says; undefined if it does. */
export function scheduleFault(
  policy: Policy,
  schedules: readonly Pick<Schedule, "secretArn" | "expression" | "timezone" | "isPaused">[],
): ScheduleFault | undefined {
  const { schedule, scheduleTimezone = "UTC", secretArn } = policy;
  if (schedule === undefined || !isRotated(policy)) return undefined;
  const own = schedules.filter((each) => each.secretArn === secretArn);
  if (own.length === 0) return "missing";
  if (own.some(({ isPaused }) => isPaused)) return "paused";
  const isSame = own.some(
    ({ expression, timezone }) => expression === schedule && timezone === scheduleTimezone,
  );
  return isSame ? undefined : "changed";
}

/** The same for people. */
export const scheduleFaultText: Readonly<Record<ScheduleFault, string>> = {
  paused: "its schedule is paused: somebody disabled it in EventBridge Scheduler",
  missing: "its policy has a schedule, and EventBridge Scheduler has none",
  changed: "its schedule in EventBridge Scheduler is not what its policy says",
};

/**
 * A universal target: it can name the execution, which the plain Step Functions target cannot. Its partition
 * is the machine's own, which in China and GovCloud is not "aws".
 */
export function startExecutionTarget({ machineArn }: Pick<ScheduleTarget, "machineArn">): string {
  return `arn:${machineArn.split(":")[1]}:scheduler:::aws-sdk:sfn:startExecution`;
}

/** Hashes of secrets' ARNs are below this: 48 bits, which a number can hold exactly. */
export const hashLimit = 2 ** 48;

const nameMax = 64;
const hashDigits = 12;
const windowMinutesMax = 60;
/** A window of one hundredth of the interval is too short to matter. */
const windowShare = 100;
const units = [
  { unit: "day", unitMs: 86_400_000 },
  { unit: "hour", unitMs: 3_600_000 },
  { unit: "minute", unitMs: 60_000 },
] as const;

interface ScheduleOptions {
  readonly nowMs: number;
  /** Of the secret's ARN, from 0 to `hashLimit`. */
  readonly hash: number;
  readonly target: ScheduleTarget;
}

/** The schedule that a policy asks for; undefined if only people and alerts start its rotations. */
export function scheduleFor(policy: Policy, options: ScheduleOptions): Schedule | undefined {
  const { schedule: expression, secretArn } = policy;
  if (expression === undefined || !isRotated(policy)) return undefined;
  const start = startAtMs(expression, options);
  return {
    ...options.target,
    name: scheduleName(secretArn, options.hash),
    secretArn,
    expression,
    timezone: policy.scheduleTimezone ?? "UTC",
    ...(start !== undefined && { startAtMs: start }),
    windowMinutes: windowMinutes(expression),
    input: startInput(secretArn, options.target),
    retries: { attemptsMax: 20, ageMaxSeconds: 3_600 },
  };
}

/** Longest time between two firings; undefined for one that fires once. */
export function intervalMs(expression: string): number | undefined {
  return gapsOf(expression)?.longestMs;
}

/** Such as `rate(30 days)`; undefined if it is not a whole number of minutes, the smallest unit of a schedule. */
export function rateExpression(everyMs: number): string | undefined {
  const known = units.find(({ unitMs }) => everyMs > 0 && everyMs % unitMs === 0);
  if (known === undefined) return undefined;
  const count = everyMs / known.unitMs;
  return `rate(${count} ${known.unit}${count === 1 ? "" : "s"})`;
}

/**
 * Without a start `rate()` fires at once, and secrets that were adopted together would rotate together. So
 * each gets a fixed point of the interval, counted from the epoch: applying again computes the same point and
 * changes nothing.
 */
function startAtMs(expression: string, { nowMs, hash }: ScheduleOptions): number | undefined {
  const interval = intervalMs(expression);
  if (interval === undefined) return undefined;
  // A cron expression contains its times; the start only has to be set.
  if (expression.startsWith("cron(")) return nowMs;
  const place = Math.floor((hash / hashLimit) * interval);
  const laps = Math.floor((nowMs - place) / interval) + 1;
  return place + laps * interval;
}

function windowMinutes(expression: string): number {
  const interval = intervalMs(expression) ?? 0;
  return Math.min(windowMinutesMax, Math.floor(interval / windowShare / 60_000));
}

/** A schedule's name may have letters, digits, hyphens, underscores and dots only. */
export function scheduleName(secretArn: SecretArn, hash: number): string {
  const suffix = `-${hash.toString(16).padStart(hashDigits, "0")}`;
  const readable = secretNameOf(secretArn).replace(/[^0-9A-Za-z_.-]/g, "-");
  return `${readable.slice(0, nameMax - suffix.length)}${suffix}`;
}

/** The name inside a full ARN, without the six characters that AWS appends. */
export function secretNameOf(secretArn: SecretArn): string {
  const name = secretArn.split(":").slice(6).join(":");
  return name.replace(/-[A-Za-z0-9]{6}$/, "");
}

/** Replaced by Scheduler, at every firing, by an id whose length AWS does not document: a UUID is the longest seen. */
const schedulerId = "<aws.scheduler.execution-id>";
const schedulerIdLengthMax = 36;

/** Scheduler's retries of one firing have the same execution id, so together they start one execution. */
function startInput(secretArn: SecretArn, { machineArn }: ScheduleTarget): string {
  return JSON.stringify({
    StateMachineArn: machineArn,
    Name: executionName(secretNameOf(secretArn), { once: schedulerId, onceLengthMax: schedulerIdLengthMax }),
    Input: JSON.stringify({ secretArn, trigger: "schedule" }),
  });
}
