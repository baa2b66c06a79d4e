import assert from "node:assert/strict";
import {
  CreateEventBusCommand,
  DeleteEventBusCommand,
  DeleteRuleCommand,
  DescribeRuleCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  type PutEventsRequestEntry,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
  TestEventPatternCommand,
} from "@aws-sdk/client-eventbridge";
import { DescribeExecutionCommand, ListExecutionsCommand } from "@aws-sdk/client-sfn";
import type { Clients, ConformanceCase, Scratch } from "../case.ts";
import { ended, makeMachine, startExecution } from "../waiting.ts";

const service = "eventBridge";
const entry: PutEventsRequestEntry = { Source: "rekey.conformance", DetailType: "Tried", Detail: "{}" };

const event = {
  id: "7bf73129-1428-4cd3-a780-95db273d1602",
  "detail-type": "KeyCompromised",
  source: "rekey.intake",
  account: "111122223333",
  time: "2026-01-01T00:00:00Z",
  region: "eu-west-1",
  resources: ["arn:aws:secretsmanager:eu-west-1:111122223333:secret:a-AbCdEf"],
  detail: {
    age: 300,
    state: "",
    nothing: null,
    address: "10.0.0.7",
    file: "logs/2026/key.json",
    list: ["a", "b"],
  },
};

const patterns: readonly [string, object, boolean][] = [
  ["one of several values", { source: ["other", "rekey.intake"] }, true],
  ["another value", { source: ["other"] }, false],
  ["a value in a list", { detail: { list: ["b"] } }, true],
  ["prefix", { resources: [{ prefix: "arn:aws:secretsmanager:" }] }, true],
  ["a prefix of the source", { source: [{ prefix: "rekey.intake" }] }, true],
  ["exists", { detail: { age: [{ exists: true }] } }, true],
  ["exists false on a missing field", { detail: { missing: [{ exists: false }] } }, true],
  ["null", { detail: { nothing: [null] } }, true],
  ["empty text", { detail: { state: [""] } }, true],
];

/** A machine that a rule starts for every event its pattern matches; the input of its first execution is the answer. */
async function firstInput(
  clients: Clients,
  scratch: Scratch,
  { bus, pattern, input, put }: { bus: string; pattern: object; input?: object; put(): Promise<unknown> },
): Promise<string> {
  const { eventBridge, sfn } = clients;
  const stateMachineArn = await makeMachine(clients, scratch, { states: { A: { Type: "Succeed" } } });
  const at = { EventBusName: bus };
  const Name = scratch.unique("rule");
  await eventBridge.send(new PutRuleCommand({ Name, ...at, EventPattern: JSON.stringify(pattern) }));
  scratch.cleanUp(() => eventBridge.send(new DeleteRuleCommand({ Name, ...at })));
  const Targets = [{ Id: "machine", Arn: stateMachineArn, RoleArn: scratch.roleArn, ...input }];
  await eventBridge.send(new PutTargetsCommand({ Rule: Name, ...at, Targets }));
  scratch.cleanUp(() => eventBridge.send(new RemoveTargetsCommand({ Rule: Name, ...at, Ids: ["machine"] })));
  await put();
  const executionArn = await scratch.eventually(async () => {
    const { executions } = await sfn.send(new ListExecutionsCommand({ stateMachineArn }));
    return executions?.[0]?.executionArn;
  }, 60_000);
  return (await sfn.send(new DescribeExecutionCommand({ executionArn }))).input ?? "";
}

async function makeBus({ eventBridge }: Clients, scratch: Scratch): Promise<string> {
  const Name = scratch.unique("rekey-conformance");
  await eventBridge.send(new CreateEventBusCommand({ Name }));
  scratch.cleanUp(() => eventBridge.send(new DeleteEventBusCommand({ Name })));
  return Name;
}

export const eventBridgeCases: readonly ConformanceCase[] = [
  ...patterns.map(
    ([label, pattern, expected]): ConformanceCase => ({
      service,
      name: `a pattern ${expected ? "matches" : "does not match"} by ${label}`,
      run: async ({ eventBridge }) => {
        const request = { EventPattern: JSON.stringify(pattern), Event: JSON.stringify(event) };
        assert.equal((await eventBridge.send(new TestEventPatternCommand(request))).Result, expected);
      },
    }),
  ),
  {
    service,
    name: "a pattern whose leaf is no list is refused",
    run: async ({ eventBridge }) => {
      const request = { EventPattern: '{"source":"rekey"}', Event: JSON.stringify(event) };
      await assert.rejects(eventBridge.send(new TestEventPatternCommand(request)), {
        name: "InvalidEventPatternException",
      });
    },
  },
  {
    service,
    name: "PutEvents takes the good entries and names what is wrong with the others, in order",
    run: async ({ eventBridge }) => {
      const { Detail, ...withoutDetail } = entry;
      const Entries = [
        entry,
        withoutDetail,
        { ...entry, Detail: "{" },
        { ...entry, Source: "aws.states" },
        entry,
      ];
      const answer = await eventBridge.send(new PutEventsCommand({ Entries }));
      assert.equal(answer.FailedEntryCount, 3);
      assert.deepEqual(
        answer.Entries?.map(({ ErrorCode, EventId }) => ErrorCode ?? typeof EventId),
        ["string", "InvalidArgument", "MalformedDetail", "NotAuthorizedForSourceException", "string"],
      );
    },
  },
  {
    service,
    name: "PutEvents refuses eleven entries",
    run: async ({ eventBridge }) => {
      const put = eventBridge.send(
        new PutEventsCommand({ Entries: Array.from({ length: 11 }, () => entry) }),
      );
      await assert.rejects(put, { name: "ValidationException" });
    },
  },
  {
    service,
    name: "PutEvents refuses a request over 1 MiB",
    run: async ({ eventBridge }) => {
      const Detail = JSON.stringify({ filler: "x".repeat(1024 * 1024) });
      await assert.rejects(eventBridge.send(new PutEventsCommand({ Entries: [{ ...entry, Detail }] })));
    },
  },
  {
    service,
    name: "a rule starts a state machine with the event, which names its bus's account and the time",
    run: async (clients, scratch) => {
      const bus = await makeBus(clients, scratch);
      const put = () =>
        clients.eventBridge.send(
          new PutEventsCommand({
            Entries: [{ ...entry, EventBusName: bus, Detail: '{"n":1}', Resources: ["a"] }],
          }),
        );
      const received = JSON.parse(
        await firstInput(clients, scratch, { bus, pattern: { source: ["rekey.conformance"] }, put }),
      );
      const { version, source, detail, resources, account, time, id } = received;
      assert.deepEqual(
        { version, source, type: received["detail-type"], detail, resources },
        { version: "0", source: "rekey.conformance", type: "Tried", detail: { n: 1 }, resources: ["a"] },
      );
      assert.match(account, /^\d{12}$/);
      assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.ok(id);
    },
  },
  {
    service,
    name: "an InputTransformer shapes what the target gets",
    run: async (clients, scratch) => {
      const bus = await makeBus(clients, scratch);
      const Detail = JSON.stringify({ key: 'k "1"', n: 7, list: [1] });
      const input = {
        InputTransformer: {
          InputPathsMap: { key: "$.detail.key", n: "$.detail.n", list: "$.detail.list" },
          InputTemplate: '{"key": <key>, "n": <n>, "list": <list>, "told": "n is <n>"}',
        },
      };
      const put = () =>
        clients.eventBridge.send(
          new PutEventsCommand({ Entries: [{ ...entry, EventBusName: bus, Detail }] }),
        );
      const received = await firstInput(clients, scratch, {
        bus,
        pattern: { source: ["rekey.conformance"] },
        input,
        put,
      });
      assert.deepEqual(JSON.parse(received), { key: 'k "1"', n: 7, list: [1], told: "n is 7" });
    },
  },
  {
    service,
    name: "the default bus tells how an execution ended",
    run: async (clients, scratch) => {
      const states = { A: { Type: "Fail", Error: "NeedsHuman" } };
      const watched = await makeMachine(clients, scratch, { states });
      const pattern = {
        source: ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        detail: { stateMachineArn: [watched], status: ["FAILED", "TIMED_OUT", "ABORTED"] },
      };
      const put = async () =>
        ended(
          clients,
          scratch,
          await startExecution(clients, scratch, { stateMachineArn: watched, name: "r-1" }),
        );
      const { detail } = JSON.parse(await firstInput(clients, scratch, { bus: "default", pattern, put }));
      assert.deepEqual(
        { status: detail.status, name: detail.name, error: detail.error, input: detail.input },
        { status: "FAILED", name: "r-1", error: "NeedsHuman", input: "{}" },
      );
    },
  },
  {
    service,
    name: "PutRule replaces what the rule said before and keeps its targets, which must go before the rule",
    run: async (clients, scratch) => {
      const { eventBridge } = clients;
      const bus = await makeBus(clients, scratch);
      const rule = { Name: "r", EventBusName: bus };
      const EventPattern = '{"source":["a"]}';
      await eventBridge.send(new PutRuleCommand({ ...rule, EventPattern, Description: "first" }));
      scratch.cleanUp(() => eventBridge.send(new DeleteRuleCommand(rule)));
      const targets = { Rule: "r", EventBusName: bus };
      const Arn = await makeMachine(clients, scratch, { states: { A: { Type: "Succeed" } } });
      await eventBridge.send(
        new PutTargetsCommand({ ...targets, Targets: [{ Id: "t", Arn, RoleArn: scratch.roleArn }] }),
      );
      scratch.cleanUp(() => eventBridge.send(new RemoveTargetsCommand({ ...targets, Ids: ["t"] })));
      await eventBridge.send(new PutRuleCommand({ ...rule, EventPattern: '{"source":["b"]}' }));
      const described = await eventBridge.send(new DescribeRuleCommand(rule));
      assert.equal(described.Description, undefined);
      assert.equal(described.EventPattern, '{"source":["b"]}');
      assert.equal((await eventBridge.send(new ListTargetsByRuleCommand(targets))).Targets?.[0]?.Arn, Arn);
      await assert.rejects(eventBridge.send(new DeleteRuleCommand(rule)), { name: "ValidationException" });
    },
  },
  {
    service,
    name: "a bus cannot be made twice, and a rule needs its bus",
    run: async (clients, scratch) => {
      const Name = await makeBus(clients, scratch);
      await assert.rejects(clients.eventBridge.send(new CreateEventBusCommand({ Name })), {
        name: "ResourceAlreadyExistsException",
      });
      const rule = { Name: "r", EventBusName: scratch.unique("none"), EventPattern: '{"source":["a"]}' };
      await assert.rejects(clients.eventBridge.send(new PutRuleCommand(rule)), {
        name: "ResourceNotFoundException",
      });
    },
  },
];
