import assert from "node:assert/strict";
import {
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  CreateScheduleGroupCommand,
  DeleteScheduleCommand,
  DeleteScheduleGroupCommand,
  GetScheduleCommand,
  ListSchedulesCommand,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import { DescribeExecutionCommand, ListExecutionsCommand } from "@aws-sdk/client-sfn";
import type { Clients, ConformanceCase, Scratch } from "../case.ts";
import { makeMachine } from "../waiting.ts";

const service = "scheduler";
const universalTarget = "arn:aws:scheduler:::aws-sdk:sfn:startExecution";

/** A schedule's request that nothing would fire soon. */
function request(
  scratch: Scratch,
  more: Partial<CreateScheduleCommandInput> = {},
): CreateScheduleCommandInput {
  return {
    Name: scratch.unique("rekey-conformance"),
    ScheduleExpression: "rate(30 days)",
    StartDate: new Date(Date.now() + 86_400_000),
    FlexibleTimeWindow: { Mode: "OFF" },
    Target: {
      Arn: universalTarget,
      RoleArn: scratch.roleArn,
      Input: JSON.stringify({ StateMachineArn: "arn:aws:states:eu-west-1:111122223333:stateMachine:none" }),
    },
    ...more,
  };
}

async function create(
  { scheduler }: Clients,
  scratch: Scratch,
  input: CreateScheduleCommandInput,
): Promise<void> {
  await scheduler.send(new CreateScheduleCommand(input));
  scratch.cleanUp(() =>
    scheduler.send(new DeleteScheduleCommand({ Name: input.Name, GroupName: input.GroupName })),
  );
}

/** The first execution of a machine that a schedule with this expression starts. */
async function firedBy(clients: Clients, scratch: Scratch, more: Partial<CreateScheduleCommandInput>) {
  const stateMachineArn = await makeMachine(clients, scratch, { states: { A: { Type: "Succeed" } } });
  const Input = JSON.stringify({
    StateMachineArn: stateMachineArn,
    Name: "<aws.scheduler.execution-id>",
    Input: JSON.stringify({ at: "<aws.scheduler.scheduled-time>", schedule: "<aws.scheduler.schedule-arn>" }),
  });
  const Target = { Arn: universalTarget, RoleArn: scratch.roleArn, Input };
  const input = request(scratch, { Target, ...more });
  await create(clients, scratch, input);
  const executionArn = await scratch.eventually(async () => {
    const { executions } = await clients.sfn.send(new ListExecutionsCommand({ stateMachineArn }));
    return executions?.[0]?.executionArn;
  }, 120_000);
  return {
    schedule: input.Name,
    ...(await clients.sfn.send(new DescribeExecutionCommand({ executionArn }))),
  };
}

export const schedulerCases: readonly ConformanceCase[] = [
  {
    service,
    name: "a schedule cannot be made twice",
    run: async (clients, scratch) => {
      const input = request(scratch);
      await create(clients, scratch, input);
      const again = clients.scheduler.send(
        new CreateScheduleCommand({ ...input, ScheduleExpression: "rate(2 days)" }),
      );
      await assert.rejects(again, { name: "ConflictException" });
    },
  },
  {
    service,
    name: "UpdateSchedule replaces everything, and what it does not say goes back to its default",
    run: async (clients, scratch) => {
      const input = request(scratch, {
        Description: "first",
        ScheduleExpressionTimezone: "Europe/Berlin",
        State: "DISABLED",
        FlexibleTimeWindow: { Mode: "FLEXIBLE", MaximumWindowInMinutes: 15 },
      });
      await create(clients, scratch, input);
      const { Name, Target } = input;
      const update = {
        Name,
        Target,
        ScheduleExpression: "rate(7 days)",
        FlexibleTimeWindow: { Mode: "OFF" } as const,
      };
      await clients.scheduler.send(
        new UpdateScheduleCommand({ ...update, StartDate: new Date(Date.now() + 86_400_000) }),
      );
      const got = await clients.scheduler.send(new GetScheduleCommand({ Name }));
      assert.deepEqual(
        {
          expression: got.ScheduleExpression,
          zone: got.ScheduleExpressionTimezone,
          state: got.State,
          description: got.Description,
          window: got.FlexibleTimeWindow?.Mode,
        },
        { expression: "rate(7 days)", zone: "UTC", state: "ENABLED", description: undefined, window: "OFF" },
      );
    },
  },
  {
    service,
    name: "a schedule that does not exist can be neither read, updated nor deleted",
    run: async ({ scheduler }, scratch) => {
      const input = request(scratch);
      const { Name } = input;
      for (const send of [
        () => scheduler.send(new GetScheduleCommand({ Name })),
        () => scheduler.send(new UpdateScheduleCommand(input)),
        () => scheduler.send(new DeleteScheduleCommand({ Name })),
      ]) {
        await assert.rejects(send(), { name: "ResourceNotFoundException" });
      }
    },
  },
  ...[
    "rate(0 days)",
    "rate(1 week)",
    "rate(1 second)",
    "cron(0 12 * * * *)",
    "cron(61 12 * * ? *)",
    "at(tomorrow)",
    "daily",
  ].map(
    (ScheduleExpression): ConformanceCase => ({
      service,
      name: `${ScheduleExpression} is refused`,
      run: async (clients, scratch) => {
        await assert.rejects(create(clients, scratch, request(scratch, { ScheduleExpression })), {
          name: "ValidationException",
        });
      },
    }),
  ),
  {
    service,
    name: "at() fires once, with the schedule's attributes in the input",
    run: async (clients, scratch) => {
      const at = new Date(Date.now() + 1_500).toISOString().slice(0, 19);
      const { input = "", schedule } = await firedBy(clients, scratch, {
        ScheduleExpression: `at(${at})`,
        StartDate: undefined,
      });
      const told = JSON.parse(input);
      assert.equal(told.at, `${at}Z`);
      assert.match(told.schedule, new RegExp(`:schedule/default/${schedule}$`));
    },
  },
  {
    service,
    name: "rate() without a StartDate fires at once",
    run: async (clients, scratch) => {
      const { status } = await firedBy(clients, scratch, {
        ScheduleExpression: "rate(30 days)",
        StartDate: undefined,
      });
      assert.ok(status);
    },
  },
  {
    service,
    name: "a one-time schedule with ActionAfterCompletion DELETE is gone after it fired",
    run: async (clients, scratch) => {
      const at = new Date(Date.now() + 1_500).toISOString().slice(0, 19);
      const { schedule: Name } = await firedBy(clients, scratch, {
        ScheduleExpression: `at(${at})`,
        StartDate: undefined,
        ActionAfterCompletion: "DELETE",
      });
      await scratch.eventually(async () => {
        const gone = await clients.scheduler
          .send(new GetScheduleCommand({ Name }))
          .catch(({ name }: Error) => name);
        return gone === "ResourceNotFoundException" ? gone : undefined;
      }, 120_000);
    },
  },
  {
    service,
    name: "a group lists its own schedules and takes them with it when it goes",
    run: async (clients, scratch) => {
      const { scheduler } = clients;
      const GroupName = scratch.unique("group");
      await assert.rejects(create(clients, scratch, request(scratch, { GroupName })), {
        name: "ResourceNotFoundException",
      });
      await scheduler.send(new CreateScheduleGroupCommand({ Name: GroupName }));
      scratch.cleanUp(() => scheduler.send(new DeleteScheduleGroupCommand({ Name: GroupName })));
      const input = request(scratch, { GroupName });
      await create(clients, scratch, input);
      const { Schedules } = await scheduler.send(new ListSchedulesCommand({ GroupName }));
      assert.deepEqual(
        Schedules?.map(({ Name }) => Name),
        [input.Name],
      );
      await scheduler.send(new DeleteScheduleGroupCommand({ Name: GroupName }));
      await scratch.eventually(async () => {
        const gone = await scheduler
          .send(new GetScheduleCommand({ Name: input.Name, GroupName }))
          .catch(({ name }: Error) => name);
        return gone === "ResourceNotFoundException" ? gone : undefined;
      }, 60_000);
    },
  },
];
