import { type EventBridge, eventBridge } from "../../local/aws/event-bridge.ts";
import { integrations } from "../../local/aws/integrations.ts";
import { type Lambda, lambda } from "../../local/aws/lambda.ts";
import type { JSONValue } from "../../local/aws/machine.ts";
import { type Sns, sns } from "../../local/aws/sns.ts";
import { type StepFunctions, stepFunctions } from "../../local/aws/step-functions.ts";

const place = { region: "eu-west-1", account: "111122223333" };
const caller = { accessKeyId: "", account: "111122223333", arn: "" };
const machineArn = (name: string) => `arn:aws:states:eu-west-1:111122223333:stateMachine:${name}`;
const pollsMax = 100;

/** A cloud without a server, with one machine that runs this single task. */
function world(task: object) {
  const seen: unknown[] = [];
  const functions: Lambda = lambda({
    ...place,
    timeoutMs: { stuck: 10 },
    functions: {
      see: async (event) => {
        seen.push(event);
        return { seen: true };
      },
      refuse: async () => {
        throw Object.assign(new Error("still used"), { name: "RevokeRefused" });
      },
      stuck: () => new Promise(() => undefined),
    },
  });
  const topics: Sns = sns(place);
  const reach = { lambda: () => functions, stepFunctions: (): StepFunctions => machines };
  const bus: EventBridge = eventBridge({ ...place, reach });
  const definition = { StartAt: "A", States: { A: { Type: "Task", End: true, ...task } } };
  const child = { StartAt: "C", States: { C: { Type: "Succeed" } } };
  const machines: StepFunctions = stepFunctions({
    ...place,
    machines: {
      parent: { definition, arn: machineArn("parent") },
      child: { definition: child, arn: machineArn("child") },
    },
    task: integrations({ ...reach, eventBridge: () => bus, sns: () => topics }),
  });
  return { machines, bus, topics, seen };
}

interface Described {
  readonly status: string;
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
}

/** Runs the machine and describes its end. */
async function outcome(machines: StepFunctions): Promise<Described> {
  const request = { stateMachineArn: machineArn("parent"), name: "r-1" };
  const { executionArn } = (await machines.call("StartExecution", request, caller)) as {
    executionArn: string;
  };
  for (let poll = 0; poll < pollsMax; poll += 1) {
    const described = (await machines.call("DescribeExecution", { executionArn }, caller)) as Described;
    if (described.status !== "RUNNING") return described;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error("the execution does not end");
}

const outputOf = ({ output = "null" }: Described): JSONValue => JSON.parse(output);
const invoke = (FunctionName: string) => ({
  Resource: "arn:aws:states:::lambda:invoke",
  Parameters: { FunctionName, Payload: { secret: "s" } },
});

test("lambda:invoke wraps the function's answer as AWS does", async () => {
  const { machines, seen } = world(invoke("see"));
  expect(outputOf(await outcome(machines))).toEqual({
    ExecutedVersion: "$LATEST",
    Payload: { seen: true },
    StatusCode: 200,
  });
  expect(seen).toEqual([{ secret: "s" }]);
});

test("a plain function ARN answers with the function's own result", async () => {
  const { machines } = world({ Resource: "arn:aws:lambda:eu-west-1:111122223333:function:see" });
  expect(outputOf(await outcome(machines))).toEqual({ seen: true });
});

test("a function's error is the state's error, by its literal name and with its payload as cause", async () => {
  const { error, cause = "" } = await outcome(world(invoke("refuse")).machines);
  expect(error).toBe("RevokeRefused");
  expect(JSON.parse(cause)).toEqual({ errorType: "RevokeRefused", errorMessage: "still used", trace: [] });
});

test("a function that runs out of time is Lambda.Unknown", async () => {
  expect(await outcome(world(invoke("stuck")).machines)).toMatchObject({
    status: "FAILED",
    error: "Lambda.Unknown",
  });
});

test("a function that does not exist is Lambda.ResourceNotFoundException", async () => {
  expect((await outcome(world(invoke("none")).machines)).error).toBe("Lambda.ResourceNotFoundException");
});

test("events:putEvents publishes a structured detail and names the execution in the event's resources", async () => {
  const entry = { Source: "rekey", DetailType: "SecretVersionPromoted", Detail: { versionId: "v-1" } };
  const { machines, bus, seen } = world({
    Resource: "arn:aws:states:::events:putEvents",
    Parameters: { Entries: [entry] },
  });
  await bus.call("PutRule", { Name: "r", EventPattern: '{"source":["rekey"]}' }, caller);
  const Targets = [{ Id: "t", Arn: "arn:aws:lambda:eu-west-1:111122223333:function:see" }];
  await bus.call("PutTargets", { Rule: "r", Targets }, caller);
  expect(outputOf(await outcome(machines))).toMatchObject({ FailedEntryCount: 0 });
  await bus.idle();
  const executionArn = "arn:aws:states:eu-west-1:111122223333:execution:parent:r-1";
  expect(seen).toEqual([
    expect.objectContaining({
      detail: { versionId: "v-1" },
      resources: [executionArn, machineArn("parent")],
    }),
  ]);
});

test("an entry that the bus does not take fails the state", async () => {
  const { machines } = world({
    Resource: "arn:aws:states:::events:putEvents",
    Parameters: { Entries: [{ Source: "rekey", Detail: {} }] },
  });
  expect((await outcome(machines)).error).toBe("EventBridge.FailedEntry");
});

test("states:startExecution starts a machine, and a refusal carries the service's name", async () => {
  const start = (Name: string) => ({
    Resource: "arn:aws:states:::states:startExecution",
    Parameters: { StateMachineArn: machineArn("child"), Name, Input: { a: 1 } },
  });
  expect(outputOf(await outcome(world(start("c-1")).machines))).toMatchObject({
    ExecutionArn: "arn:aws:states:eu-west-1:111122223333:execution:child:c-1",
  });
  expect((await outcome(world(start("c 1")).machines)).error).toBe("StepFunctions.InvalidNameException");
});

test("sns:publish publishes to a topic that exists and fails for one that does not", async () => {
  const publish = {
    Resource: "arn:aws:states:::sns:publish",
    Parameters: {
      TopicArn: "arn:aws:sns:eu-west-1:111122223333:pages",
      Subject: "overdue",
      Message: { a: 1 },
    },
  };
  const { machines, topics } = world(publish);
  const form = {
    method: "POST",
    path: "/",
    query: new URLSearchParams(),
    headers: {},
    signingService: "sns",
    caller,
  };
  await topics.handle({ ...form, body: Buffer.from("Action=CreateTopic&Name=pages") });
  expect(outputOf(await outcome(machines))).toEqual({ MessageId: topics.messages()[0]?.messageId });
  expect(topics.messages()).toMatchObject([{ subject: "overdue", message: '{"a":1}' }]);
  expect((await outcome(world(publish).machines)).error).toBe("SNS.NotFoundException");
});
