import {
  CloudFormationClient,
  CreateChangeSetCommand,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
  type Stack,
  UpdateStackCommand,
} from "@aws-sdk/client-cloudformation";
import {
  DescribeRuleCommand,
  EventBridgeClient,
  ListTargetsByRuleCommand,
} from "@aws-sdk/client-eventbridge";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { clientAs } from "../../local/world.ts";
import {
  releases,
  type Stacks,
  settled as settledIn,
  startStacks,
  upload as uploadIn,
} from "./stack-world.ts";

let world: Stacks;
let cloud: Stacks["cloud"];
let stacks: Stacks["stacks"];
let objects: Stacks["objects"];
let lambda: LambdaClient;

beforeAll(async () => {
  world = await startStacks();
  ({ cloud, stacks, objects } = world);
  lambda = new LambdaClient(world.given);
});

afterAll(async () => {
  lambda.destroy();
  await world.close();
});

const resource = (Type: string, Properties: object = {}, rest: object = {}) => ({
  Type,
  Properties,
  ...rest,
});
const ref = (Ref: string) => ({ Ref });
const arnOf = (id: string) => ({ "Fn::GetAtt": [id, "Arn"] });

const trust = {
  Version: "2012-10-17",
  Statement: { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" },
};

const upload = (answer: string, key?: string) => uploadIn({ answer, key }, world);
const settled = (StackName: string) => settledIn(StackName, { stacks });

type Code = Pick<Awaited<ReturnType<typeof upload>>, "key" | "sha256" | "answer">;

/** Further resources, and how versions are retained. */
type Given = Readonly<Record<string, unknown>> & { readonly DeletionPolicy?: string };

/** One function with its version, as the release has them. */
const withFunction = (
  name: string,
  { key, sha256, answer }: Code,
  { DeletionPolicy = "RetainExceptOnCreate", ...more }: Given = {},
) => ({
  Parameters: { CodeBucket: { Type: "String", AllowedPattern: "^[a-z-]+$" } },
  Resources: {
    [`Version${answer}`]: resource(
      "AWS::Lambda::Version",
      { FunctionName: ref("Answer"), CodeSha256: sha256 },
      { DeletionPolicy, UpdateReplacePolicy: "Retain" },
    ),
    Answer: resource("AWS::Lambda::Function", {
      ...{ FunctionName: name, Handler: "dist/answer.handler", Timeout: 3, Role: arnOf("Role") },
      Environment: { Variables: {} },
      Code: { S3Bucket: ref("CodeBucket"), S3Key: key },
    }),
    Role: resource("AWS::IAM::Role", { RoleName: name, AssumeRolePolicyDocument: trust, Policies: [] }),
    ...more,
  },
  Outputs: { Version: { Value: ref(`Version${answer}`) } },
});

const given = (StackName: string, template: object) => ({
  ...{ StackName, TemplateBody: JSON.stringify(template), Capabilities: ["CAPABILITY_NAMED_IAM" as const] },
  Parameters: "Parameters" in template ? [{ ParameterKey: "CodeBucket", ParameterValue: releases }] : [],
});

async function create(name: string, template: object): Promise<Stack> {
  const { StackId = "" } = await stacks.send(new CreateStackCommand(given(name, template)));
  return settled(StackId);
}

async function update(name: string, template: object): Promise<Stack> {
  await stacks.send(new UpdateStackCommand(given(name, template)));
  return settled(name);
}

async function remove(name: string): Promise<Stack> {
  const { StackId = "" } = await settled(name);
  await stacks.send(new DeleteStackCommand({ StackName: name }));
  return settled(StackId);
}

async function call(FunctionName: string): Promise<unknown> {
  const { Payload } = await lambda.send(new InvokeCommand({ FunctionName }));
  return JSON.parse(Buffer.from(Payload ?? []).toString());
}

const versionIn = ({ Outputs = [] }: Stack) => Outputs[0]?.OutputValue ?? "";

describe("what the local cloud would not do is refused by name", () => {
  const queue = resource("AWS::SQS::Queue", { QueueName: "q" });
  test.each<[string, object, RegExp]>([
    ["a resource type", { Resources: { X: resource("AWS::EC2::Instance") } }, /AWS::EC2::Instance \(X\)/],
    ["a section", { Resources: { Q: queue }, Conditions: {} }, /section Conditions/],
    [
      "a resource's attribute",
      { Resources: { Q: { ...queue, Condition: "c" } } },
      /attribute Condition of Q/,
    ],
    [
      "an intrinsic function",
      { Resources: { Q: resource("AWS::SQS::Queue", { QueueName: { "Fn::Split": [",", "a,b"] } }) } },
      /Fn::Split/,
    ],
    [
      "a reference to nothing",
      { Resources: { Q: resource("AWS::SQS::Queue", { QueueName: ref("Gone") }) } },
      /refers to Gone/,
    ],
    [
      "RetainExceptOnCreate where AWS takes it not",
      { Resources: { Q: { ...queue, UpdateReplacePolicy: "RetainExceptOnCreate" } } },
      /Q has a policy that is not known/,
    ],
    [
      "a parameter that has no value",
      { ...withFunction("f", { key: "k", sha256: "s", answer: "x" }) },
      /CodeBucket/,
    ],
  ])("%s", async (_, template, message) => {
    const asked = { ...given("refused", template), Parameters: [] };
    await expect(stacks.send(new CreateStackCommand(asked))).rejects.toThrow(message);
  });

  test("a circle of references, before anything is made", async () => {
    const Resources = {
      A: resource("AWS::SQS::Queue", { QueueName: ref("B") }),
      B: resource("AWS::SQS::Queue", { QueueName: ref("A") }),
    };
    await expect(create("circle", { Resources })).rejects.toThrow(/Circular|call stack/);
  });

  test("named roles without the capability, a wrong value, a stack that is not there", async () => {
    const template = withFunction("f", { key: "k", sha256: "s", answer: "x" });
    const wrong = [{ ParameterKey: "CodeBucket", ParameterValue: "No Bucket" }];
    const asked = given("refused", template);
    await expect(stacks.send(new CreateStackCommand({ ...asked, Capabilities: [] }))).rejects.toMatchObject({
      name: "InsufficientCapabilitiesException",
    });
    await expect(stacks.send(new CreateStackCommand({ ...asked, Parameters: wrong }))).rejects.toThrow(
      /CodeBucket/,
    );
    await expect(stacks.send(new UpdateStackCommand(asked))).rejects.toThrow(/refused does not exist/);
    await expect(
      stacks.send(new CreateStackCommand({ ...asked, TemplateBody: " ".repeat(51_201) })),
    ).rejects.toThrow(/51200/);
  });
});

test("a version keeps its code through an update, and the function goes on with the new one", async () => {
  const first = await create("versions", withFunction("answers", await upload("one")));
  expect(first).toMatchObject({ StackStatus: "CREATE_COMPLETE" });
  const second = await update("versions", withFunction("answers", await upload("two")));
  expect(second).toMatchObject({ StackStatus: "UPDATE_COMPLETE" });

  expect(versionIn(second)).not.toBe(versionIn(first));
  expect(await call(versionIn(first))).toBe("one");
  expect(await call(versionIn(second))).toBe("two");
  expect(await call("answers")).toBe("two");
  await expect(call("answers:99")).rejects.toThrow(/Function not found/);
  await expect(update("versions", withFunction("answers", await upload("two")))).rejects.toThrow(
    "No updates are to be performed.",
  );
});

test.each([
  ["RetainExceptOnCreate", "UPDATE_COMPLETE"],
  // Lambda still has the version that the failed update made, and makes no second one of the same code.
  ["Retain", "UPDATE_ROLLBACK_COMPLETE"],
])(
  "an update that fails leaves everything as it was; with %s the next one is %s",
  async (DeletionPolicy, next) => {
    const name = `steady-${DeletionPolicy}`;
    const before = await create(name, withFunction(name, await upload("one"), { DeletionPolicy }));
    const code = await upload("three");
    const failed = await update(
      name,
      withFunction(name, code, {
        DeletionPolicy,
        // Made after the function and its new version.
        Zlast: resource("AWS::Lambda::Version", { FunctionName: ref("Answer"), CodeSha256: "other code" }),
      }),
    );
    expect(failed.StackStatus).toBe("UPDATE_ROLLBACK_COMPLETE");
    expect(failed.StackStatusReason).toMatch(/^Zlast: CodeSHA256/);
    expect(await call(name)).toBe("one");
    expect(await call(versionIn(before))).toBe("one");

    const { StackEvents = [] } = await stacks.send(new DescribeStackEventsCommand({ StackName: name }));
    const [newest] = StackEvents;
    expect(newest).toMatchObject({ ResourceType: "AWS::CloudFormation::Stack" });
    expect(StackEvents.filter(({ ResourceStatus }) => ResourceStatus === "CREATE_FAILED")).toMatchObject([
      { LogicalResourceId: "Zlast" },
    ]);
    const retried = await update(name, withFunction(name, code, { DeletionPolicy }));
    expect(retried.StackStatus).toBe(next);
    expect(await call(name)).toBe(next === "UPDATE_COMPLETE" ? "three" : "one");
  },
);

describe("a first deployment that failed", () => {
  const table = (DeletionPolicy: string) =>
    resource(
      "AWS::DynamoDB::Table",
      {
        TableName: "kept",
        AttributeDefinitions: [],
        KeySchema: [],
      },
      { DeletionPolicy, UpdateReplacePolicy: "Retain" },
    );
  const missing = { key: "missing.zip", sha256: "s", answer: "x" };

  test("can be tried again: what it made is gone, and so is what would be retained later", async () => {
    const failed = await create(
      "again",
      withFunction("again", missing, { A: table("RetainExceptOnCreate") }),
    );
    expect(failed.StackStatus).toBe("ROLLBACK_COMPLETE");
    expect(failed.StackStatusReason).toMatch(/Answer: .*missing\.zip.*does not exist/);
    await expect(create("again", withFunction("again", await upload("one")))).rejects.toMatchObject({
      name: "AlreadyExistsException",
    });
    expect((await remove("again")).StackStatus).toBe("DELETE_COMPLETE");
    const retried = withFunction("again", await upload("one"), { A: table("RetainExceptOnCreate") });
    expect((await create("again", retried)).StackStatus).toBe("CREATE_COMPLETE");

    await remove("again");
    const afterRemoval = await create("again", retried);
    expect([afterRemoval.StackStatus, afterRemoval.StackStatusReason]).toEqual([
      "ROLLBACK_COMPLETE",
      "A: kept already exists",
    ]);
  });
});

describe("a resource of several calls that fails half-way", () => {
  const rule = (source: string, targets: number) =>
    resource("AWS::Events::Rule", {
      ...{ Name: "half", State: "ENABLED", EventPattern: { source: [source] } },
      Targets: Array.from({ length: targets }, (_, index) => ({
        ...{ Id: `t${index}`, Arn: "arn:aws:lambda:eu-west-1:111122223333:function:any" },
      })),
    });
  const shown = async () => {
    const bus = new EventBridgeClient(world.given);
    const { EventPattern } = await bus.send(new DescribeRuleCommand({ Name: "half" }));
    const { Targets = [] } = await bus.send(new ListTargetsByRuleCommand({ Rule: "half" }));
    bus.destroy();
    return { EventPattern, targets: Targets.length };
  };

  test("leaves nothing of itself behind", async () => {
    // PutRule is taken, and then PutTargets refused.
    const failed = await create("half", { Resources: { Rule: rule("one", 6) } });
    expect(failed).toMatchObject({ StackStatus: "ROLLBACK_COMPLETE" });
    expect(failed.StackStatusReason).toMatch(/^Rule: .*maximum number/);
    await expect(shown()).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });

  test("is as it was where it was changed", async () => {
    await remove("half");
    await create("half", { Resources: { Rule: rule("one", 1) } });
    const failed = await update("half", { Resources: { Rule: rule("two", 6) } });
    expect(failed.StackStatus).toBe("UPDATE_ROLLBACK_COMPLETE");
    expect(await shown()).toEqual({ EventPattern: '{"source":["one"]}', targets: 1 });
  });
});

describe("whoever deploys", () => {
  const StackName = "rekey-production";
  const name = "rekey-production-own";
  let administrator: CloudFormationClient;

  beforeAll(() => {
    administrator = stacks;
    stacks = new CloudFormationClient(clientAs(cloud, "deployer"));
  });
  afterAll(() => {
    stacks.destroy();
    stacks = administrator;
  });

  test("makes what the deployer's policy names, and lends no role but the stack's", async () => {
    expect((await create(StackName, withFunction(name, await upload("one")))).StackStatus).toBe(
      "CREATE_COMPLETE",
    );
    const template = withFunction(name, await upload("two"));
    const Answer = structuredClone(template.Resources.Answer);
    Object.assign(Answer.Properties, { Role: "arn:aws:iam::111122223333:role/administrator" });
    const failed = await update(StackName, { ...template, Resources: { ...template.Resources, Answer } });
    expect(failed).toMatchObject({ StackStatus: "UPDATE_ROLLBACK_COMPLETE" });
    expect(failed.StackStatusReason).toMatch(/^Answer: .*iam:PassRole on resource: .*role\/administrator/);
    expect(await call(name)).toBe("one");
  });

  test("makes nothing else: the stack is taken back, and the refusal says which action on what", async () => {
    const Zforeign = resource("AWS::SQS::Queue", { QueueName: "payments" });
    const failed = await update(StackName, withFunction(name, await upload("two"), { Zforeign }));
    expect(failed).toMatchObject({ StackStatus: "UPDATE_ROLLBACK_COMPLETE" });
    expect(failed.StackStatusReason).toMatch(
      /^Zforeign: .*role\/deployer\/.* not authorized to perform: sqs:CreateQueue on resource: \S+:payments/,
    );
    expect(await call(name)).toBe("one");
    await expect(create("payments", withFunction(name, await upload("two")))).rejects.toThrow(
      /not authorized/,
    );
  });

  test("reads no code but the release's", async () => {
    await objects.send(new CreateBucketCommand({ Bucket: "elsewhere" }));
    const failed = await (async () => {
      const wanted = given(StackName, withFunction(name, await upload("two")));
      const Parameters = [{ ParameterKey: "CodeBucket", ParameterValue: "elsewhere" }];
      await stacks.send(new UpdateStackCommand({ ...wanted, Parameters }));
      return settled(StackName);
    })();
    expect(failed.StackStatusReason).toMatch(/s3:GetObject on resource: arn:aws:s3:::elsewhere\/two\.zip/);
    await remove(StackName);
  });
});

test("aws cloudformation deploy: a change set is looked at, and then executed", async () => {
  const body = given("changes", withFunction("changes", await upload("one")));
  const create = { ...body, ChangeSetName: "first", ChangeSetType: "CREATE" as const };
  const { Id: ChangeSetName, StackId } = await stacks.send(new CreateChangeSetCommand(create));
  const { Stacks: [reserved] = [] } = await stacks.send(new DescribeStacksCommand({ StackName: StackId }));
  expect(reserved?.StackStatus).toBe("REVIEW_IN_PROGRESS");
  const seen = await stacks.send(new DescribeChangeSetCommand({ ChangeSetName }));
  expect(seen).toMatchObject({ Status: "CREATE_COMPLETE", ExecutionStatus: "AVAILABLE" });
  expect(seen.Changes?.map(({ ResourceChange }) => ResourceChange?.Action)).toEqual(["Add", "Add", "Add"]);
  await stacks.send(new ExecuteChangeSetCommand({ ChangeSetName }));
  expect((await settled("changes")).StackStatus).toBe("CREATE_COMPLETE");
  expect(await call("changes")).toBe("one");

  const again = { ...body, ChangeSetName: "second", ChangeSetType: "UPDATE" as const };
  const { Id } = await stacks.send(new CreateChangeSetCommand(again));
  expect(await stacks.send(new DescribeChangeSetCommand({ ChangeSetName: Id }))).toMatchObject({
    ...{ Status: "FAILED", StatusReason: expect.stringContaining("didn't contain changes") },
  });
});
