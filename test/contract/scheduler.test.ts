import {
  CreateScheduleCommand,
  CreateScheduleGroupCommand,
  GetScheduleCommand,
  SchedulerClient,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import { together } from "../../consumers/together.ts";
import { planOf } from "../../core/apply-plan.ts";
import { StoreUnavailable } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import { type Schedule, scheduleFor } from "../../core/schedule.ts";
import { schedulerSchedules } from "../../functions/adapters/scheduler.ts";
import { type Scheduler, scheduler } from "../../local/aws/scheduler.ts";
import { type Cloud, startCloud } from "../../local/aws/server.ts";

const account = "111122223333";
const target = {
  group: "rekey",
  machineArn: `arn:aws:states:eu-west-1:${account}:stateMachine:rekey-rotation`,
  roleArn: `arn:aws:iam::${account}:role/rekey-scheduler`,
  deadLetterArn: `arn:aws:sqs:eu-west-1:${account}:rekey-schedules`,
};
let cloud: Cloud;
let service: Scheduler;
let client: SchedulerClient;

beforeEach(async () => {
  const reach = { lambda: nowhere, stepFunctions: nowhere, forward: nowhere };
  service = scheduler({ region: "eu-west-1", account, reach });
  cloud = await startCloud({ services: [service], account });
  const credentials = { accessKeyId: "AKIAFAKE", secretAccessKey: "FAKE" };
  client = new SchedulerClient({ region: "eu-west-1", endpoint: cloud.url, credentials, maxAttempts: 1 });
  await client.send(new CreateScheduleGroupCommand({ Name: "rekey" }));
});

afterEach(async () => {
  client.destroy();
  service.close();
  await cloud.close();
});

function nowhere(): never {
  throw new Error("nothing fires in this test");
}

function scheduleOf(expression: string, name = "billing"): Schedule {
  const secretArn = `arn:aws:secretsmanager:eu-west-1:${account}:secret:${name}-AbCdEf`;
  const policy = { secretArn, name, mode: "rotate", schedule: expression } as Policy;
  const schedule = scheduleFor(policy, { nowMs: Date.now(), hash: 7, target });
  if (schedule === undefined) throw new Error("no schedule");
  return schedule;
}

test.each(["rate(30 days)", "cron(0 3 1 * ? *)", "at(2199-01-31T03:00:00)"])(
  "%s is read back as it was put",
  async (expression) => {
    const schedules = schedulerSchedules(client, target);
    const schedule = scheduleOf(expression);
    await schedules.put(schedule);
    const [stored] = await schedules.list();
    const plan = planOf(
      { policies: [], schedules: [stored ?? schedule] },
      { policies: [], schedules: [schedule] },
      { files: [], prune: true },
    );
    expect(stored).toBeDefined();
    expect(plan).toMatchObject([{ action: "unchanged" }]);
  },
);

test("a second put replaces what differs and keeps a pause that an operator set", async () => {
  const schedules = schedulerSchedules(client, target);
  const first = scheduleOf("rate(30 days)");
  await schedules.put(first);
  const name = { Name: first.name, GroupName: "rekey" };
  const { FlexibleTimeWindow, ScheduleExpression, Target } = await client.send(new GetScheduleCommand(name));
  const paused = { State: "DISABLED", Description: "paused by anna" } as const;
  await client.send(
    new UpdateScheduleCommand({ ...name, ...paused, FlexibleTimeWindow, ScheduleExpression, Target }),
  );

  await schedules.put(scheduleOf("rate(7 days)"));
  expect(await client.send(new GetScheduleCommand(name))).toMatchObject({
    ...paused,
    ScheduleExpression: "rate(7 days)",
  });
});

test("removing twice is fine, and other people's schedules in the group are left out", async () => {
  const schedules = schedulerSchedules(client, target);
  const schedule = scheduleOf("rate(30 days)");
  await schedules.put(schedule);
  await client.send(
    new CreateScheduleCommand({
      ...{ Name: "theirs", GroupName: "rekey", ScheduleExpression: "rate(1 day)" },
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: {
        Arn: `arn:aws:lambda:eu-west-1:${account}:function:theirs`,
        RoleArn: target.roleArn,
        Input: "no json",
      },
    }),
  );
  await schedules.remove(schedule.name);
  await schedules.remove(schedule.name);
  expect(await schedules.list()).toEqual([]);
});

test("more schedules than fit on a page are all listed", async () => {
  const schedules = schedulerSchedules(client, target);
  const names = Array.from({ length: 120 }, (_, n) => `s-${n}`);
  const work = (name: string) => schedules.put({ ...scheduleOf("rate(30 days)"), name });
  await together(names, { atOnceMax: 16, work });
  expect((await schedules.list()).length).toBe(names.length);
});

test("a service that cannot be reached may be asked again later", async () => {
  const closed = new SchedulerClient({
    ...{ region: "eu-west-1", endpoint: "http://127.0.0.1:1", maxAttempts: 1 },
    credentials: { accessKeyId: "AKIAFAKE", secretAccessKey: "FAKE" },
  });
  const schedules = schedulerSchedules(closed, target);
  await expect(schedules.list()).rejects.toMatchObject({
    name: "StoreUnavailable",
    message: expect.stringContaining("EventBridge Scheduler is not available now (scheduler:ListSchedules, "),
  });
  await expect(schedules.put(scheduleOf("rate(30 days)"))).rejects.toThrow(StoreUnavailable);
  await expect(schedules.remove("x")).rejects.toThrow(StoreUnavailable);
});

test("what AWS refuses is not tried again", async () => {
  const schedules = schedulerSchedules(client, { ...target, group: "missing" });
  await expect(schedules.put({ ...scheduleOf("rate(30 days)"), group: "missing" })).rejects.toMatchObject({
    name: "InputInvalid",
    message: "EventBridge Scheduler refused scheduler:CreateSchedule with ResourceNotFoundException",
  });
});
