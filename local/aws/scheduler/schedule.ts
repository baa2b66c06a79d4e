import { Input, invalid, isObject } from "../input.ts";
import { AwsError } from "../service.ts";
import { parseExpression, type Timing } from "./expression.ts";

export interface ScheduleTarget {
  readonly Arn: string;
  readonly RoleArn: string;
  readonly Input?: string;
  readonly RetryPolicy?: { readonly MaximumRetryAttempts?: number };
  readonly DeadLetterConfig?: { readonly Arn?: string };
  readonly EventBridgeParameters?: { readonly DetailType: string; readonly Source: string };
}

/** A schedule as Create or Update left it; nothing is kept from before an update but its creation date. */
export interface Schedule {
  readonly name: string;
  readonly group: string;
  readonly arn: string;
  readonly timing: Timing;
  readonly target: ScheduleTarget;
  readonly enabled: boolean;
  readonly startAt: number | undefined;
  readonly endAt: number | undefined;
  readonly windowMs: number;
  readonly deleteAfterwards: boolean;
  /** The members that GetSchedule gives back as they came. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly createdAt: number;
  readonly changedAt: number;
}

export const universalTarget = "arn:aws:scheduler:::aws-sdk:sfn:startExecution";
const windowMinutesMax = 1_440;
/** AWS refuses a StartDate that lies further back. */
const startDateAgeMsMax = 5 * 60_000;

export interface ScheduleOrigin {
  readonly name: string;
  readonly arnPrefix: string;
  readonly createdAt: number | undefined;
}

/** Reads the body of CreateSchedule or UpdateSchedule. Throws ValidationException. */
export function readSchedule(
  body: Record<string, unknown>,
  { name, arnPrefix, createdAt }: ScheduleOrigin,
): Schedule {
  const input = new Input(body);
  const now = Date.now();
  const group = input.optionalText("GroupName") ?? "default";
  const expression = input.text("ScheduleExpression");
  const timeZone = input.optionalText("ScheduleExpressionTimezone") ?? "UTC";
  const startAt = dateOf(input, "StartDate");
  if (startAt !== undefined && startAt < now - startDateAgeMsMax) {
    throw invalid("The StartDate you specify cannot be earlier than 5 minutes ago.");
  }
  const endAt = dateOf(input, "EndDate");
  if (endAt !== undefined && endAt < (startAt ?? now))
    throw invalid("EndDate must be after StartDate and in the future.");
  const { window, windowMs } = readWindow(input);
  const timing = parseExpression({ expression, timeZone, anchor: startAt ?? now });
  return {
    name,
    group,
    arn: `${arnPrefix}schedule/${group}/${name}`,
    timing,
    target: readTarget(input),
    enabled: (input.optionalText("State") ?? "ENABLED") === "ENABLED",
    // One-time schedules have no use for dates, and AWS ignores them.
    startAt: timing.once ? undefined : startAt,
    endAt: timing.once ? undefined : endAt,
    windowMs,
    deleteAfterwards: input.optionalText("ActionAfterCompletion") === "DELETE",
    given: {
      ScheduleExpression: expression,
      ScheduleExpressionTimezone: timeZone,
      State: input.optionalText("State") ?? "ENABLED",
      ActionAfterCompletion: input.optionalText("ActionAfterCompletion") ?? "NONE",
      FlexibleTimeWindow: window,
      Description: input.optionalText("Description"),
      KmsKeyArn: input.optionalText("KmsKeyArn"),
      StartDate: body["StartDate"],
      EndDate: body["EndDate"],
      Target: {
        RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
        ...input.object("Target"),
      },
    },
    createdAt: createdAt ?? now,
    changedAt: now,
  };
}

/** The first instant at or after `from` at which the schedule fires, before its flexible window. */
export function nextFire({ timing, startAt, endAt }: Schedule, from: number): number | undefined {
  const at = timing.next(Math.max(from, startAt ?? from));
  return at === undefined || (endAt !== undefined && at > endAt) ? undefined : at;
}

function dateOf(input: Input, member: string): number | undefined {
  const seconds = input.optionalNumber(member);
  return seconds === undefined ? undefined : Math.round(seconds * 1000);
}

function readWindow(input: Input): { window: Record<string, unknown>; windowMs: number } {
  const window = input.object("FlexibleTimeWindow");
  if (!window) throw invalid("FlexibleTimeWindow is required");
  const { Mode, MaximumWindowInMinutes: minutes } = window;
  if (Mode === "OFF" && minutes === undefined) return { window, windowMs: 0 };
  if (Mode === "FLEXIBLE" && typeof minutes === "number" && minutes >= 1 && minutes <= windowMinutesMax) {
    return { window, windowMs: minutes * 60_000 };
  }
  throw invalid("FlexibleTimeWindow is OFF, or FLEXIBLE with 1 to 1440 minutes");
}

function readTarget(input: Input): ScheduleTarget {
  const target = input.object("Target");
  const { Arn, RoleArn, Input: text, EventBridgeParameters } = target ?? {};
  if (typeof Arn !== "string" || typeof RoleArn !== "string")
    throw invalid("a Target has an Arn and a RoleArn");
  if (!/^arn:aws[\w-]*:iam::\d{12}:role\/.+/.test(RoleArn)) throw invalid("RoleArn is the ARN of a role");
  const service = Arn.split(":")[2] ?? "";
  if (Arn !== universalTarget && !["lambda", "states", "events"].includes(service)) {
    throw invalid(`Provided Arn is not supported here: ${Arn}`);
  }
  if (service === "events" && !isObject(EventBridgeParameters))
    throw invalid("EventBridgeParameters are required");
  if ((Arn === universalTarget || service === "states") && !isJson(text)) throw invalid("Input is JSON");
  return { ...target, Arn, RoleArn };
}

function isJson(text: unknown): boolean {
  if (text === undefined) return true;
  try {
    JSON.parse(String(text));
    return true;
  } catch {
    return false;
  }
}

export function notFound(kind: "Schedule" | "Schedule group", name: string): AwsError {
  return new AwsError("ResourceNotFoundException", `${kind} ${name} does not exist.`, 404);
}
