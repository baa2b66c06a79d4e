import { decide } from "../../local/iam/decide.ts";
import type { Context } from "../../local/iam/match.ts";
import { parsePolicy } from "../../local/iam/policy.ts";
import { resourcePoliciesIn } from "../../local/iam/resource-policies.ts";
import { ofType, resolveStack } from "../../local/stack/resolve.ts";
import { deployment } from "./deployment.ts";
import { place, rendered } from "./packaged.ts";

const { account } = place;
const stack = resolveStack(rendered(deployment), place);
const everything = parsePolicy({
  Version: "2012-10-17",
  Statement: { Sid: "Everything", Effect: "Allow", Action: "*", Resource: "*" },
});
const roleArn = `arn:aws:iam::${account}:role/developer`;
const principal = {
  ...({ kind: "role", account, roleArn } as const),
  sessionArn: `arn:aws:sts::${account}:assumed-role/developer/anna`,
};
const arn = (id: string) => stack.get(id)?.attributes["Arn"] ?? "";

describe("developers who may do everything else", () => {
  const guard = parsePolicy(stack.get("DeveloperGuardPolicy")?.properties["PolicyDocument"]);
  const may = (action: string, resource: string, context: Context = {}) =>
    decide({ principal, action, resource, owner: account, context }, { identity: [everything, guard] })
      .isAllowed;
  const secret = `arn:aws:secretsmanager:eu-central-1:${account}:secret:api-keys/billing-FAKE01`;
  const of = (environment: string) => ({ "aws:resourcetag/environment": environment });

  test.each([
    "GetSecretValue",
    "PutSecretValue",
    "UpdateSecretVersionStage",
    "DeleteSecret",
    "PutResourcePolicy",
  ])("cannot secretsmanager:%s in this environment, and can in theirs", (operation) => {
    expect(may(`secretsmanager:${operation}`, secret, of("production"))).toBe(false);
    expect(may(`secretsmanager:${operation}`, secret, of("dev"))).toBe(true);
  });

  test("can look at a secret without its value, and tag none: a tag would take it out of the guard", () => {
    expect(may("secretsmanager:DescribeSecret", secret, of("production"))).toBe(true);
    for (const action of ["TagResource", "UntagResource"])
      expect(may(`secretsmanager:${action}`, secret, of("dev"))).toBe(false);
  });

  test("can read the ledger, and write nothing into it", () => {
    expect(may("dynamodb:GetItem", arn("Ledger"))).toBe(true);
    for (const action of ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"])
      expect(may(`dynamodb:${action}`, arn("Ledger"))).toBe(false);
  });

  test("can give an order through the admin function's URL, and call no function or machine directly", () => {
    const viaUrl = { "lambda:invokedviafunctionurl": "true" };
    expect(may("lambda:InvokeFunction", arn("AdminLambdaFunction"), viaUrl)).toBe(true);
    expect(may("lambda:InvokeFunction", arn("AdminLambdaFunction"))).toBe(false);
    expect(may("states:StartExecution", arn("RotationMachine"))).toBe(false);
    expect(may("states:SendTaskSuccess", arn("RotationMachine"))).toBe(false);
  });
});

test("the audit bucket answers nobody without TLS 1.2, whatever their role allows", () => {
  const policy = resourcePoliciesIn(stack).get(arn("AuditBucket"));
  const may = (context: Context) =>
    decide(
      {
        principal,
        action: "s3:GetObject",
        resource: `${arn("AuditBucket")}/reports/x`,
        owner: account,
        context,
      },
      { identity: [everything], resource: policy },
    ).isAllowed;
  expect(may({ "aws:securetransport": "true", "s3:tlsversion": "1.3" })).toBe(true);
  expect(may({ "aws:securetransport": "true", "s3:tlsversion": "1.1" })).toBe(false);
  expect(may({ "aws:securetransport": "false" })).toBe(false);
});

test("the public intake, and no other function, runs at most as often at once as the deployment says", () => {
  const limited = (given: Partial<typeof deployment>) =>
    ofType(resolveStack(rendered({ ...deployment, ...given }), place), "AWS::Lambda::Function").flatMap(
      ({ id, properties }) => {
        const { ReservedConcurrentExecutions: limit } = properties;
        return limit === undefined ? [] : [[id, limit]];
      },
    );
  expect(limited({})).toEqual([["IntakeLambdaFunction", 50]]);
  expect(limited({ intakeConcurrency: 5 })).toEqual([["IntakeLambdaFunction", 5]]);
  const alarms = ofType(stack, "AWS::CloudWatch::Alarm").filter(({ properties }) =>
    JSON.stringify(properties["Dimensions"])?.includes("-intake"),
  );
  const watched = alarms.map(({ properties }) => properties["MetricName"]).sort();
  expect(watched).toEqual(expect.arrayContaining(["Errors", "Throttles"]));
});
