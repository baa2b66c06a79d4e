import { decide } from "../../local/iam/decide.ts";
import { parsePolicy } from "../../local/iam/policy.ts";
import { resolveStack } from "../../local/stack/resolve.ts";
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
  const arn = (id: string) => stack.get(id)?.attributes["Arn"] ?? "";
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
    expect([action, id, may(action, arn(id))]).toEqual([action, id, true]);
  expect(may("sns:CreateTopic", stack.get("AlarmTopic")?.ref ?? "")).toBe(true);
});

test("it gives no order, reads no secret, writes no item, and makes no role but Rekey's", () => {
  expect(may("lambda:InvokeFunction", stack.get("AdminLambdaFunction")?.attributes["Arn"] ?? "")).toBe(false);
  expect(
    may("secretsmanager:GetSecretValue", `arn:aws:secretsmanager:eu-central-1:${account}:secret:a-FAKE01`),
  ).toBe(false);
  expect(may("dynamodb:PutItem", stack.get("Ledger")?.attributes["Arn"] ?? "")).toBe(false);
  expect(may("iam:CreateRole", `arn:aws:iam::${account}:role/administrator`)).toBe(false);
});
