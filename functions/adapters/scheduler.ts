import {
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  DeleteScheduleCommand,
  GetScheduleCommand,
  type GetScheduleCommandOutput,
  ListSchedulesCommand,
  type SchedulerClient,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import { isNamed, refusalOf } from "../../audit/refusals.ts";
import { together } from "../../consumers/together.ts";
import { InputInvalid } from "../../core/errors.ts";
import { type Schedule, type ScheduleTarget, startExecutionTarget } from "../../core/schedule.ts";
import type { Schedules } from "../deps.ts";

const place = "EventBridge Scheduler";
/** A page holds 100 schedules. */
const pagesMax = 500;
const atOnceMax = 8;

type Client = Pick<SchedulerClient, "send">;

/** The schedules of one group. ListSchedules returns too little to compare, so each is also read by itself. */
export function schedulerSchedules(client: Client, target: ScheduleTarget): Schedules {
  return {
    target,

    async list(isWanted = () => true) {
      const names = (await namesIn(client, target.group)).filter(isWanted);
      const work = async (name: string) =>
        scheduleFrom(await read(client, { name, group: target.group }), target);
      const found = await together(names, { atOnceMax, work });
      return found.filter((schedule) => schedule !== undefined);
    },

    async put(schedule) {
      const input = inputFor(schedule);
      try {
        await client.send(new CreateScheduleCommand(input));
      } catch (error) {
        if (!isNamed(error, "ConflictException"))
          throw refusalOf(error, { place, operation: "scheduler:CreateSchedule" });
        await update(client, input);
      }
    },

    async remove(name) {
      try {
        await client.send(new DeleteScheduleCommand({ Name: name, GroupName: target.group }));
      } catch (error) {
        if (!isNamed(error, "ResourceNotFoundException"))
          throw refusalOf(error, { place, operation: "scheduler:DeleteSchedule" });
      }
    },
  };
}

/** UpdateSchedule resets what it is not given, so settings that an operator added, such as a pause, are passed on. */
async function update(client: Client, input: CreateScheduleCommandInput): Promise<void> {
  const stored = await read(client, { name: input.Name ?? "", group: input.GroupName ?? "" });
  const kept = stored && {
    State: stored.State,
    Description: stored.Description,
    KmsKeyArn: stored.KmsKeyArn,
    EndDate: stored.EndDate,
  };
  await client.send(new UpdateScheduleCommand({ ...kept, ...input })).catch((error: unknown) => {
    throw refusalOf(error, { place, operation: "scheduler:UpdateSchedule" });
  });
}

function inputFor(schedule: Schedule): CreateScheduleCommandInput {
  const { windowMinutes, startAtMs, retries, deadLetterArn } = schedule;
  return {
    Name: schedule.name,
    GroupName: schedule.group,
    ScheduleExpression: schedule.expression,
    ScheduleExpressionTimezone: schedule.timezone,
    ...(startAtMs !== undefined && { StartDate: new Date(startAtMs) }),
    FlexibleTimeWindow:
      windowMinutes === 0 ? { Mode: "OFF" } : { Mode: "FLEXIBLE", MaximumWindowInMinutes: windowMinutes },
    Target: {
      Arn: startExecutionTarget(schedule),
      RoleArn: schedule.roleArn,
      Input: schedule.input,
      RetryPolicy: {
        MaximumRetryAttempts: retries.attemptsMax,
        MaximumEventAgeInSeconds: retries.ageMaxSeconds,
      },
      ...(deadLetterArn !== undefined && { DeadLetterConfig: { Arn: deadLetterArn } }),
    },
  };
}

async function namesIn(client: Client, group: string): Promise<readonly string[]> {
  const names: string[] = [];
  let token: string | undefined;
  for (let page = 0; page < pagesMax; page += 1) {
    const command = new ListSchedulesCommand({ GroupName: group, MaxResults: 100, NextToken: token });
    const answer = await client.send(command).catch((error: unknown) => {
      throw refusalOf(error, { place, operation: "scheduler:ListSchedules" });
    });
    names.push(...(answer.Schedules ?? []).flatMap(({ Name }) => Name ?? []));
    token = answer.NextToken;
    if (token === undefined) return names;
  }
  throw new InputInvalid(`the schedule group ${group} has more than ${pagesMax * 100} schedules`);
}

async function read(
  client: Client,
  { name, group }: { readonly name: string; readonly group: string },
): Promise<GetScheduleCommandOutput | undefined> {
  try {
    return await client.send(new GetScheduleCommand({ Name: name, GroupName: group }));
  } catch (error) {
    if (isNamed(error, "ResourceNotFoundException")) return undefined;
    throw refusalOf(error, { place, operation: "scheduler:GetSchedule" });
  }
}

/** Undefined if the schedule starts something other than a rotation. */
function scheduleFrom(
  stored: GetScheduleCommandOutput | undefined,
  { group }: ScheduleTarget,
): Schedule | undefined {
  const { Name: name, Target: target } = stored ?? {};
  const input = target?.Input ?? "";
  const secretArn = secretIn(input);
  if (stored === undefined || name === undefined || secretArn === undefined) return undefined;
  const { StartDate, FlexibleTimeWindow, ScheduleExpression, ScheduleExpressionTimezone } = stored;
  const deadLetterArn = target?.DeadLetterConfig?.Arn;
  return {
    ...{ name, group, secretArn, input },
    machineArn: String(fieldsIn(input)["StateMachineArn"]),
    roleArn: target?.RoleArn ?? "",
    ...(deadLetterArn !== undefined && { deadLetterArn }),
    expression: ScheduleExpression ?? "",
    timezone: ScheduleExpressionTimezone ?? "UTC",
    ...(stored.State === "DISABLED" && { isPaused: true as const }),
    ...(StartDate !== undefined && { startAtMs: StartDate.getTime() }),
    windowMinutes:
      FlexibleTimeWindow?.Mode === "FLEXIBLE" ? (FlexibleTimeWindow.MaximumWindowInMinutes ?? 0) : 0,
    retries: {
      attemptsMax: target?.RetryPolicy?.MaximumRetryAttempts ?? 0,
      ageMaxSeconds: target?.RetryPolicy?.MaximumEventAgeInSeconds ?? 0,
    },
  };
}

function secretIn(input: string): string | undefined {
  const secretArn = fieldsIn(String(fieldsIn(input)["Input"] ?? ""))["secretArn"];
  return typeof secretArn === "string" ? secretArn : undefined;
}

function fieldsIn(json: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(json);
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
