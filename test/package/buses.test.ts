import { decide } from "../../local/iam/decide.ts";
import { parsePolicy } from "../../local/iam/policy.ts";
import { deployment } from "./deployment.ts";
import { ofType, rendered, resource, type Template } from "./packaged.ts";

const template: Template = rendered({
  ...deployment,
  consumerAccounts: ["111122223333", "444455556666"],
});

function properties(id: string): Readonly<Record<string, unknown>> {
  return resource(template, id).Properties;
}

test("consumers, here and in the listed accounts, may put reports and nothing else", () => {
  expect(properties("ReportBus")["Name"]).toBe("rekey-reports-production");
  expect(properties("ReportsFromConsumers")["Statement"]).toMatchObject({
    Effect: "Allow",
    Principal: { AWS: [{ Ref: "AWS::AccountId" }, "111122223333", "444455556666"] },
    Action: "events:PutEvents",
    Resource: { "Fn::GetAtt": ["ReportBus", "Arn"] },
    Condition: {
      StringLike: { "events:source": ["rekey.consumer", "rekey.consumer.*"] },
      StringEquals: { "events:detail-type": "ConsumerReport" },
    },
  });
  const denied = ["NoOtherSource", "NoOtherReport", "OnlyOwnName"].map((id) => properties(id)["Statement"]);
  for (const statement of denied) {
    expect(statement).toMatchObject({ Effect: "Deny", Principal: "*", Action: "events:PutEvents" });
  }
  expect(denied).toMatchObject([
    { Condition: { StringNotLike: { "events:source": ["rekey.consumer", "rekey.consumer.*"] } } },
    { Condition: { StringNotEquals: { "events:detail-type": "ConsumerReport" } } },
    {
      Condition: {
        StringNotEquals: {
          "events:source": ["rekey.consumer", `rekey.consumer.\${aws:PrincipalTag/rekey-consumer}`],
        },
      },
    },
  ]);
});

test.each([
  ["its own name", "rekey.consumer.billing", "billing", true],
  ["another consumer's name", "rekey.consumer.search", "billing", false],
  ["a name that only begins like its own", "rekey.consumer.billing-2", "billing", false],
  ["no name, as an older client", "rekey.consumer", "billing", true],
  ["a name, without a tag", "rekey.consumer.billing", undefined, false],
  ["something else", "rekey.intake", "billing", false],
])("a role may put reports with %s: %s", (_, source, tag, isAllowed) => {
  const bus = "arn:aws:events:eu-west-1:111122223333:event-bus/rekey-reports-production";
  const statements = ["ReportsFromConsumers", "NoOtherSource", "NoOtherReport", "OnlyOwnName"].map((id) => ({
    ...(properties(id)["Statement"] as Readonly<Record<string, unknown>>),
    ...{ Sid: id, Resource: bus, Principal: "*" },
  }));
  const role = "arn:aws:iam::111122223333:role/billing";
  const context = {
    ...{ "events:source": source, "events:detail-type": "ConsumerReport" },
    ...(tag !== undefined && { "aws:principaltag/rekey-consumer": tag }),
  };
  const account = "111122223333";
  const principal = { kind: "role", account, roleArn: role, sessionArn: `${role}/call` } as const;
  const asked = { principal, action: "events:PutEvents", resource: bus, owner: account, context };
  const resource = parsePolicy({ Version: "2012-10-17", Statement: statements });
  expect(decide(asked, { identity: [], resource }).isAllowed).toBe(isAllowed);
});

test.each([
  ["of a listed account, with its own name", "444455556666", "billing", true],
  ["of a listed account, with another consumer's name", "444455556666", "search", false],
  ["of an account that is not listed", "777788889999", "billing", false],
])("a consumer %s", (_, from, named, isAllowed) => {
  const home = "111122223333";
  const bus = `arn:aws:events:eu-west-1:${home}:event-bus/rekey-reports-production`;
  const resource = parsePolicy({
    Version: "2012-10-17",
    Statement: ["ReportsFromConsumers", "NoOtherSource", "NoOtherReport", "OnlyOwnName"].map((id) => {
      const statement = properties(id)["Statement"] as Readonly<Record<string, unknown>>;
      const said = JSON.stringify(statement).replaceAll('{"Ref":"AWS::AccountId"}', `"${home}"`);
      return { ...JSON.parse(said), Sid: id, Resource: bus };
    }),
  });
  const roleArn = `arn:aws:iam::${from}:role/billing`;
  const asked = {
    principal: { kind: "role", account: from, roleArn, sessionArn: `${roleArn}/call` },
    ...{ action: "events:PutEvents", resource: bus, owner: home },
    context: {
      ...{ "events:source": `rekey.consumer.${named}`, "events:detail-type": "ConsumerReport" },
      "aws:principaltag/rekey-consumer": "billing",
    },
  } as const;
  const own = parsePolicy({
    Version: "2012-10-17",
    Statement: [{ Sid: "Reports", Effect: "Allow", Action: "events:PutEvents", Resource: bus }],
  });
  expect(decide(asked, { identity: [own], resource }).isAllowed).toBe(isAllowed);
  // Across accounts the bus's word alone is not enough.
  expect(decide(asked, { identity: [], resource }).isAllowed).toBe(false);
});

test("only the intake's role may put alerts", () => {
  const policies = ofType(template, "AWS::Events::EventBusPolicy").filter(
    ([, { Properties }]) => JSON.stringify(Properties["EventBusName"]) === '{"Ref":"AlertBus"}',
  );
  expect(policies.map(([, { Properties }]) => Properties["Statement"])).toEqual([
    expect.objectContaining({
      Effect: "Deny",
      Principal: "*",
      Action: "events:PutEvents",
      Condition: {
        StringNotEquals: {
          "aws:PrincipalArn": [{ "Fn::Sub": expect.stringMatching(/role\/rekey-.*-intake$/) }],
        },
      },
    }),
  ]);
});

test("other accounts cannot use Rekey's own bus", () => {
  for (const [, { Properties }] of ofType(template, "AWS::Events::EventBusPolicy")) {
    expect(Properties["EventBusName"]).not.toEqual({ Ref: "Bus" });
  }
});

test("reads of rotated secrets are recorded, without Rekey's own and without anything else that KMS decrypts", () => {
  const [target] = properties("RecordDashreadRule")["Targets"] as readonly {
    readonly InputTransformer: { readonly InputTemplate: { readonly "Fn::Sub": string } };
  }[];
  const prefix = { "Fn::Sub": expect.stringMatching(/:secretsmanager:.*:secret:api-keys\/$/) };
  expect(properties("RecordDashreadRule")).toMatchObject({
    State: "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
    EventPattern: {
      source: ["aws.kms"],
      detail: {
        eventName: ["Decrypt"],
        requestParameters: { encryptionContext: { SecretARN: [{ prefix }] } },
      },
    },
  });
  const text = target?.InputTransformer.InputTemplate["Fn::Sub"].replaceAll(/<\w+>/g, '"FAKE"') ?? "";
  expect(JSON.parse(text)).toEqual({
    environment: "production",
    own: [expect.stringMatching(/:role\/rekey-production-$/)],
    event: { account: "FAKE", time: "FAKE", detail: "FAKE" },
  });
});

test("the clock ticks every 15 minutes, and what it could not start is kept", () => {
  expect(properties("SweepRule")).toMatchObject({
    Name: "rekey-production-sweep",
    ScheduleExpression: "rate(15 minutes)",
    Targets: [
      {
        RetryPolicy: { MaximumRetryAttempts: 185 },
        DeadLetterConfig: { Arn: { "Fn::GetAtt": ["RuleDeadLetters", "Arn"] } },
      },
    ],
  });
  expect(properties("SweepLambdaEvConf")).toMatchObject({
    DestinationConfig: { OnFailure: { Destination: { "Fn::GetAtt": ["FunctionDeadLetters", "Arn"] } } },
  });
});
