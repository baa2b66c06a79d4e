import { decide } from "../../local/iam/decide.ts";
import { parsePolicy } from "../../local/iam/policy.ts";
import { stackActions } from "../../local/stack/actions.ts";
import { arnOf } from "../../local/stack/deployer-calls.ts";
import { resolveStack } from "../../local/stack/resolve.ts";
import type { Stacks } from "../../local/stack/stacks.ts";
import { deployerPolicy, deploying } from "../../serverless/deployer.ts";
import { deployment } from "./deployment.ts";
import { rendered } from "./packaged.ts";

const account = "123456789012";
const place = {
  partition: "aws",
  region: "eu-central-1",
  account,
  stackName: "rekey-production",
  url: "http://x",
};
const template = rendered(deployment);
const stack = resolveStack(template, place);
const document = deployerPolicy(deployment, { account, partition: "aws" });

function may(action: string, resource: string): boolean {
  const principal = { kind: "role", account, roleArn: "arn:r", sessionArn: "arn:s" } as const;
  const request = { principal, action, resource, owner: account, context: {} };
  return decide(request, { identity: [parsePolicy(document)] }).isAllowed;
}

test("whoever deploys may make every type of resource that the template has, and no type that it has not", () => {
  const types = new Set(Object.values(template).map(({ Type }) => Type));
  expect(Object.keys(deploying).sort()).toEqual([...types].sort());
});

test("the policy fits in a managed policy and names each action", () => {
  expect(JSON.stringify(document).length).toBeLessThan(6_144);
  expect(JSON.stringify(document)).not.toMatch(/"\w+:\*"|\$\{/);
});

test("it reaches the stack's own resources by their names", () => {
  const named = (id: string) => stack.get(id)?.attributes["Arn"] ?? "";
  for (const [action, id] of [
    ["iam:CreateRole", "MintDashkeyRole"],
    ["iam:PassRole", "RotationMachineRole"],
    ["lambda:CreateFunction", "MintDashkeyLambdaFunction"],
    ["states:UpdateStateMachine", "RotationMachine"],
    ["dynamodb:CreateTable", "Ledger"],
    ["sqs:CreateQueue", "RuleDeadLetters"],
    ["s3:PutBucketVersioning", "AuditBucket"],
    ["events:CreateEventBus", "AlertBus"],
    ["events:PutRule", "RaiseDashalertRule"],
    ["scheduler:CreateScheduleGroup", "ScheduleGroup"],
    ["logs:CreateLogGroup", "MintDashkeyLogGroup"],
  ] as const)
    expect([action, id, may(action, named(id))]).toEqual([action, id, true]);
  expect(may("sns:CreateTopic", stack.get("AlarmTopic")?.ref ?? "")).toBe(true);
});

const own = (service: string, rest: string) => `arn:aws:${service}:${place.region}:${account}:${rest}`;

test("it suffices for each resource of the template, with everything that CloudFormation calls for its type", () => {
  const refused = [...stack.values()].flatMap((resource) => {
    const { service, actions } = deploying[resource.type] ?? { service: "none", actions: ["none"] };
    const arn = arnOf(resource, place);
    expect(arn).toMatch(/^arn:/);
    const denied = actions.map((action) => `${service}:${action}`).filter((action) => !may(action, arn));
    return denied.map((action) => `${resource.id}: ${action} on ${arn}`);
  });
  expect(refused).toEqual([]);
});

/** Everything that the local CloudFormation is asked by those who deploy; nothing is called here. */
const stackCalls = Object.keys(stackActions({} as Stacks, () => Buffer.from("")));

test.each(["DescribeStacks", ...stackCalls])(
  "it may ask CloudFormation for %s of its own stack, and of no other",
  (action) => {
    const stackArn = (name: string) => own("cloudformation", `stack/${name}/0a1b`);
    expect(may(`cloudformation:${action}`, stackArn("rekey-production"))).toBe(true);
    expect(may(`cloudformation:${action}`, stackArn("payments"))).toBe(false);
  },
);

test("it gives no order, reads no secret, writes no item, and makes no role but Rekey's", () => {
  expect(may("lambda:InvokeFunction", stack.get("AdminLambdaFunction")?.attributes["Arn"] ?? "")).toBe(false);
  expect(
    may("secretsmanager:GetSecretValue", `arn:aws:secretsmanager:eu-central-1:${account}:secret:a-FAKE01`),
  ).toBe(false);
  expect(may("dynamodb:PutItem", stack.get("Ledger")?.attributes["Arn"] ?? "")).toBe(false);
  expect(may("iam:CreateRole", `arn:aws:iam::${account}:role/administrator`)).toBe(false);
});
