import type { Caller, HttpRequest } from "../../../local/aws/service.ts";
import type { Call, Known, KnownSecret } from "../../../local/iam/asked.ts";
import { denialText, type Guard, guard } from "../../../local/iam/guard.ts";
import { parsePolicy } from "../../../local/iam/policy.ts";
import { askedBy } from "../../../local/iam/requests.ts";
import type { Role } from "../../../local/iam/roles.ts";

const account = "111122223333";
const place = { partition: "aws", region: "eu-west-1", account };
const secretArn = `arn:aws:secretsmanager:eu-west-1:${account}:secret:billing-key-AbCdEf`;
const keyArn = `arn:aws:kms:eu-west-1:${account}:key/FAKE`;
const machineArn = `arn:aws:states:eu-west-1:${account}:stateMachine:rotation`;
const billing: KnownSecret = { arn: secretArn, tags: new Map([["Environment", "production"]]), keyArn };

const known: Known = {
  ...place,
  secret: (id) => (id === secretArn || id === "billing-key" ? billing : undefined),
  machineOfToken: (token) => (token === "T" ? machineArn : undefined),
  keyOfTable: (name) => (name === "ledger" ? keyArn : undefined),
  urlAuth: (name) => ({ admin: "AWS_IAM", intake: "NONE" })[name] as "AWS_IAM" | "NONE" | undefined,
};

function http(method: string, target: string, rest: Partial<HttpRequest> = {}): HttpRequest {
  const { pathname, searchParams } = new URL(`http://loopback${target}`);
  const caller = { accessKeyId: "", account, arn: "" };
  return {
    method,
    path: pathname,
    query: searchParams,
    headers: {},
    body: Buffer.from(""),
    signingService: "",
    caller,
    ...rest,
  };
}

const json = (service: string, operation: string, input: Record<string, unknown> = {}): Call => ({
  ...{ service, operation, input },
});
const rest = (service: string, operation: string, request: HttpRequest): Call => ({
  ...{ service, operation, input: {}, request },
});

describe("what an operation asks for", () => {
  const table = `arn:aws:dynamodb:eu-west-1:${account}:table/ledger`;
  const Key = { pk: { S: "SECRET#a" }, sk: { S: "b" } };
  const s3 = (path: string, headers = {}) => http("PUT", path, { headers });
  const cases: readonly [string, Call, readonly (readonly [string, string])[]][] = [
    [
      "a secret's value, and its customer's key",
      json("secretsmanager", "GetSecretValue", { SecretId: "billing-key" }),
      [
        ["secretsmanager:GetSecretValue", secretArn],
        ["kms:Decrypt", keyArn],
      ],
    ],
    [
      "a version, and its data key",
      json("secretsmanager", "PutSecretValue", { SecretId: secretArn }),
      [
        ["secretsmanager:PutSecretValue", secretArn],
        ["kms:GenerateDataKey", keyArn],
        ["kms:Decrypt", keyArn],
      ],
    ],
    [
      "labels without the key",
      json("secretsmanager", "UpdateSecretVersionStage", { SecretId: secretArn }),
      [["secretsmanager:UpdateSecretVersionStage", secretArn]],
    ],
    [
      "a secret that is not there, by its name",
      json("secretsmanager", "DescribeSecret", { SecretId: "none" }),
      [["secretsmanager:DescribeSecret", `arn:aws:secretsmanager:eu-west-1:${account}:secret:none`]],
    ],
    [
      "an item, and the table's key",
      json("DynamoDB_20120810", "GetItem", { TableName: "ledger", Key }),
      [
        ["dynamodb:GetItem", table],
        ["kms:Decrypt", keyArn],
      ],
    ],
    [
      "each part of a transaction",
      json("DynamoDB_20120810", "TransactWriteItems", {
        TransactItems: [
          { Put: { TableName: "ledger", Item: Key } },
          { Delete: { TableName: "ledger", Key } },
        ],
      }),
      [
        ["dynamodb:PutItem", table],
        ["dynamodb:DeleteItem", table],
        ["kms:Decrypt", keyArn],
      ],
    ],
    [
      "a callback on the machine that gave the token",
      json("AWSStepFunctions", "SendTaskSuccess", { taskToken: "T" }),
      [["states:SendTaskSuccess", machineArn]],
    ],
    [
      "a start",
      json("AWSStepFunctions", "StartExecution", { stateMachineArn: machineArn }),
      [["states:StartExecution", machineArn]],
    ],
    [
      "each entry's bus",
      json("AWSEvents", "PutEvents", { Entries: [{ EventBusName: "alerts" }, {}] }),
      [
        ["events:PutEvents", `arn:aws:events:eu-west-1:${account}:event-bus/alerts`],
        ["events:PutEvents", `arn:aws:events:eu-west-1:${account}:event-bus/default`],
      ],
    ],
    ["a signature", json("TrentService", "Sign", { KeyId: keyArn }), [["kms:Sign", keyArn]]],
    ["event history", json("CloudTrail_20131101", "LookupEvents"), [["cloudtrail:LookupEvents", "*"]]],
    [
      "a version of a function",
      rest("lambda", "Invoke", http("POST", "/2015-03-31/functions/admin%3A3/invocations")),
      [["lambda:InvokeFunction", `arn:aws:lambda:eu-west-1:${account}:function:admin:3`]],
    ],
    [
      "a URL, with both of its permissions",
      rest("lambda", "FunctionUrl", http("POST", "/function-urls/admin/")),
      [
        ["lambda:InvokeFunctionUrl", `arn:aws:lambda:eu-west-1:${account}:function:admin`],
        ["lambda:InvokeFunction", `arn:aws:lambda:eu-west-1:${account}:function:admin`],
      ],
    ],
    [
      "a schedule, and the role lent to it",
      rest(
        "scheduler",
        "CreateSchedule",
        http("POST", "/schedules/a", {
          body: Buffer.from(JSON.stringify({ GroupName: "g", Target: { RoleArn: "arn:aws:iam::1:role/r" } })),
        }),
      ),
      [
        ["scheduler:CreateSchedule", `arn:aws:scheduler:eu-west-1:${account}:schedule/g/a`],
        ["iam:PassRole", "arn:aws:iam::1:role/r"],
      ],
    ],
    [
      "an object under a lock",
      rest("s3", "PutObject", s3("/b/c/d", { "x-amz-object-lock-mode": "GOVERNANCE" })),
      [
        ["s3:PutObject", "arn:aws:s3:::b/c/d"],
        ["s3:PutObjectRetention", "arn:aws:s3:::b/c/d"],
      ],
    ],
    [
      "a version of an object",
      rest("s3", "GetObject", http("GET", "/b/c?versionId=1")),
      [["s3:GetObjectVersion", "arn:aws:s3:::b/c"]],
    ],
    [
      "a page",
      rest("sns", "Publish", http("POST", "/", { body: Buffer.from("Action=Publish&TopicArn=arn:t") })),
      [["sns:Publish", "arn:t"]],
    ],
    ["whose credentials these are: nothing", rest("sts", "GetCallerIdentity", http("POST", "/")), []],
  ];

  test.each(cases)("%s", (_, call, wanted) => {
    expect(askedBy(call, known)?.map(({ action, resource }) => [action, resource])).toEqual(wanted);
  });

  test("the partition that a query reads, also under a placeholder", () => {
    const input = {
      ...{ TableName: "ledger", KeyConditionExpression: "#p = :p and begins_with(sk, :s)" },
      ExpressionAttributeNames: { "#p": "pk" },
      ExpressionAttributeValues: { ":p": { S: "POLICY#a" }, ":s": { S: "x" } },
    };
    const [query] = askedBy(json("DynamoDB_20120810", "Query", input), known) ?? [];
    expect(query?.context).toMatchObject({ "dynamodb:leadingkeys": ["POLICY#a"] });
  });

  test("nothing, and nobody may call it, for an operation that no table knows", () => {
    expect(askedBy(json("secretsmanager", "PutResourcePolicy"), known)).toBeUndefined();
    expect(askedBy(json("toString", "valueOf"), known)).toBeUndefined();
  });
});

describe("the guard", () => {
  const role = (name: string, Statement: unknown): [string, Role] => [
    name,
    {
      ...{ name, arn: `arn:aws:iam::${account}:role/${name}` },
      policies: [parsePolicy({ Version: "2012-10-17", Statement })],
      trust: parsePolicy({
        Version: "2012-10-17",
        Statement: {
          Effect: "Allow",
          Principal: { Service: "states.amazonaws.com" },
          Action: "sts:AssumeRole",
        },
      }),
    },
  ];
  const caller = (name: string): Caller => ({
    ...{ accessKeyId: "AKIAFAKE", account },
    arn: `arn:aws:sts::${account}:assumed-role/${name}/session`,
  });
  const reads = {
    Sid: "Read",
    Effect: "Allow",
    Action: "secretsmanager:GetSecretValue",
    Resource: secretArn,
  };
  const get = json("secretsmanager", "GetSecretValue", { SecretId: secretArn });
  const made = (...roles: [string, Role][]): Guard =>
    guard({ known, roles: () => new Map(roles), resourcePolicies: () => new Map() });

  test("names the role, the action, the resource and the reason of what it refuses", () => {
    const it = made(role("reader", reads));
    expect(() => it.admit(caller("reader"), get)).toThrow(
      /assumed-role\/reader\/session is not authorized to perform: kms:Decrypt/,
    );
    expect(it.denials.map(denialText)).toEqual([
      `reader may not kms:Decrypt on ${keyArn}: no statement allows kms:Decrypt on ${keyArn}`,
    ]);
  });

  test("gives the tags of the secret to the conditions", () => {
    const tagged = (value: string) => ({
      ...{ ...reads, Action: ["secretsmanager:*", "kms:Decrypt"], Resource: "*" },
      Condition: { StringEqualsIfExists: { "aws:ResourceTag/Environment": value } },
    });
    const it = made(role("ours", tagged("production")), role("theirs", tagged("staging")));
    expect(() => it.admit(caller("ours"), get)).not.toThrow();
    expect(() => it.admit(caller("theirs"), get)).toThrow(/not authorized/);
    expect([...(it.used().get("ours") ?? [])]).toEqual([
      "Read secretsmanager:GetSecretValue",
      "Read kms:Decrypt",
    ]);
  });

  test("refuses an operation that no table knows, and says so", () => {
    const it = made(role("root", { ...reads, Action: "*", Resource: "*" }));
    expect(() => it.admit(caller("root"), json("secretsmanager", "PutResourcePolicy"))).toThrow(
      /does not say/,
    );
  });

  test("does not know the credentials of a role that is not there", () => {
    expect(() => made().admit(caller("gone"), get)).toThrow(/security token/);
  });

  test("lends a role only to a service that the role trusts", () => {
    const it = made(role("machine", { ...reads, Action: "events:PutEvents", Resource: "*" }));
    const lent = {
      sourceArn: machineArn,
      session: "run",
      asked: [{ action: "events:PutEvents", resource: "arn:b" }],
    };
    const arn = `arn:aws:iam::${account}:role/machine`;
    expect(() => it.admitLent(arn, { ...lent, service: "states.amazonaws.com" })).not.toThrow();
    expect(() => it.admitLent(arn, { ...lent, service: "scheduler.amazonaws.com" })).toThrow(
      /sts:AssumeRole/,
    );
  });

  test("lets anybody call a public URL only as its own policy says", () => {
    const intakeArn = `arn:aws:lambda:eu-west-1:${account}:function:intake`;
    const permission = (Action: string, Condition: object) => ({
      Effect: "Allow",
      Principal: "*",
      Action,
      Resource: intakeArn,
      Condition,
    });
    const url = permission("lambda:InvokeFunctionUrl", {
      StringEquals: { "lambda:FunctionUrlAuthType": "NONE" },
    });
    const run = permission("lambda:InvokeFunction", { Bool: { "lambda:InvokedViaFunctionUrl": "true" } });
    const withPolicy = (...Statement: unknown[]) =>
      guard({
        known,
        roles: () => new Map(),
        resourcePolicies: () => new Map([[intakeArn, parsePolicy({ Version: "2012-10-17", Statement })]]),
      });
    const call = rest("lambda", "FunctionUrl", http("POST", "/function-urls/intake/"));
    expect(() => withPolicy(url, run).admit({ accessKeyId: "", account, arn: "" }, call)).not.toThrow();
    expect(() => withPolicy(url).admit({ accessKeyId: "", account, arn: "" }, call)).toThrow(
      /lambda:InvokeFunction/,
    );
  });
});
