import * as fc from "fast-check";
import { decide, type Policies, type Principal, type Request } from "../../../local/iam/decide.ts";
import { matchesArn, matchesText } from "../../../local/iam/match.ts";
import { type Policy, parsePolicy } from "../../../local/iam/policy.ts";

const account = "111122223333";
const other = "444455556666";
const role: Principal = {
  kind: "role",
  account,
  roleArn: `arn:aws:iam::${account}:role/rekey/mint-key`,
  sessionArn: `arn:aws:sts::${account}:assumed-role/mint-key/call`,
};
const secret = `arn:aws:secretsmanager:eu-central-1:${account}:secret:billing-AbCdEf`;

function request(over: Partial<Request> = {}): Request {
  return {
    principal: role,
    action: "secretsmanager:GetSecretValue",
    resource: secret,
    owner: account,
    context: {},
    ...over,
  };
}

interface Written {
  readonly Effect: "Allow" | "Deny";
  readonly [field: string]: unknown;
}

function policy(...statements: readonly Written[]): Policy {
  return parsePolicy({
    Version: "2012-10-17",
    Statement: statements.map((statement) => ({
      ...(statement["NotAction"] === undefined && { Action: "secretsmanager:GetSecretValue" }),
      ...(statement["NotResource"] === undefined && { Resource: "*" }),
      ...statement,
    })),
  });
}

const allow: Written = { Effect: "Allow" };
const deny: Written = { Effect: "Deny" };
const isAllowed = (over: Partial<Request>, policies: Policies) => decide(request(over), policies).isAllowed;

describe("the order of the decision", () => {
  test.each<[string, Policies, boolean]>([
    ["nothing allows it", { identity: [] }, false],
    ["the role allows it", { identity: [policy(allow)] }, true],
    ["the role also denies it", { identity: [policy(allow, deny)] }, false],
    ["another of its policies denies it", { identity: [policy(allow), policy(deny)] }, false],
    [
      "only the resource allows it, by everybody",
      { identity: [], resource: policy({ ...allow, Principal: "*" }) },
      true,
    ],
    [
      "only the resource allows it, by the role's name",
      { identity: [], resource: policy({ ...allow, Principal: { AWS: role.roleArn } }) },
      true,
    ],
    [
      "the resource names the account, which only leaves it to the account",
      { identity: [], resource: policy({ ...allow, Principal: { AWS: account } }) },
      false,
    ],
    [
      "the resource denies everybody",
      { identity: [policy(allow)], resource: policy({ ...deny, Principal: "*" }) },
      false,
    ],
    [
      "the resource denies somebody else",
      { identity: [policy(allow)], resource: policy({ ...deny, Principal: { AWS: other } }) },
      true,
    ],
    [
      "the boundary does not allow it",
      { identity: [policy(allow)], boundary: policy({ ...allow, Action: "s3:*" }) },
      false,
    ],
    ["the boundary allows it too", { identity: [policy(allow)], boundary: policy(allow) }, true],
    ["the boundary alone allows nothing", { identity: [], boundary: policy(allow) }, false],
  ])("%s", (_, policies, expected) => {
    expect(isAllowed({}, policies)).toBe(expected);
  });

  test.each<[string, Policies, boolean]>([
    ["identity alone", { identity: [policy(allow)] }, false],
    ["resource alone", { identity: [], resource: policy({ ...allow, Principal: "*" }) }, false],
    [
      "both",
      { identity: [policy(allow)], resource: policy({ ...allow, Principal: { AWS: account } }) },
      true,
    ],
  ])("across accounts: %s", (_, policies, expected) => {
    expect(isAllowed({ owner: other }, policies)).toBe(expected);
  });

  test.each<[string, Policies, boolean]>([
    [
      "the key leaves it to the account, and the role allows it",
      {
        identity: [policy({ ...allow, Action: "kms:Sign" })],
        resource: keyPolicy(`arn:aws:iam::${account}:root`),
      },
      true,
    ],
    [
      "the key leaves it to the account, and no role allows it",
      { identity: [], resource: keyPolicy(account) },
      false,
    ],
    [
      "the key's policy does not name the account",
      { identity: [policy({ ...allow, Action: "kms:Sign" })], resource: keyPolicy(other) },
      false,
    ],
    ["the key names the role itself", { identity: [], resource: keyPolicy("*") }, true],
  ])("for a KMS key: %s", (_, policies, expected) => {
    expect(isAllowed({ action: "kms:Sign" }, policies)).toBe(expected);
  });

  test("a service is allowed by the resource that names it", () => {
    const principal: Principal = { kind: "service", service: "events.amazonaws.com" };
    const resource = policy({
      ...allow,
      Action: "sqs:SendMessage",
      Principal: { Service: "events.amazonaws.com" },
    });
    expect(isAllowed({ principal, action: "sqs:SendMessage" }, { identity: [], resource })).toBe(true);
    const another: Principal = { kind: "service", service: "sns.amazonaws.com" };
    expect(isAllowed({ principal: another, action: "sqs:SendMessage" }, { identity: [], resource })).toBe(
      false,
    );
  });

  test("the decision says which statement made it", () => {
    const identity = [
      policy({ ...allow, Sid: "RotatedSecrets" }, { ...deny, Sid: "OtherStages", Resource: "arn:x" }),
    ];
    expect(decide(request(), { identity })).toEqual({
      ...{ isAllowed: true, why: "RotatedSecrets", grantedBy: "RotatedSecrets" },
    });
    expect(decide(request({ resource: "arn:x" }), { identity }).why).toBe("OtherStages denies it");
    expect(decide(request(), { identity: [] }).why).toMatch(
      /no statement allows secretsmanager:GetSecretValue/,
    );
  });
});

function keyPolicy(principal: string): Policy {
  return policy({ ...allow, Action: "kms:*", Principal: { AWS: principal } });
}

describe("actions and resources", () => {
  test.each<[string, Partial<Request>, Written, boolean]>([
    ["an action in another case", {}, { ...allow, Action: "SecretsManager:getsecretvalue" }, true],
    ["a star in the action", {}, { ...allow, Action: "secretsmanager:Get*" }, true],
    ["another action", { action: "secretsmanager:PutSecretValue" }, allow, false],
    ["all actions but one", { action: "kms:Sign" }, { ...allow, NotAction: "secretsmanager:*" }, true],
    ["one of those left out", {}, { ...allow, NotAction: "secretsmanager:*" }, false],
    [
      "six characters for six question marks",
      {},
      { ...allow, Resource: secret.replace(/.{6}$/, "??????") },
      true,
    ],
    [
      "a longer name behind the question marks",
      { resource: secret.replace("billing", "billing-eu") },
      { ...allow, Resource: secret.replace(/.{6}$/, "??????") },
      false,
    ],
    ["a resource in another case", {}, { ...allow, Resource: secret.toUpperCase() }, false],
    ["every resource but this one", {}, { ...allow, NotResource: secret }, false],
    [
      "a version behind a star over a colon",
      { resource: "arn:aws:lambda:eu-central-1:111122223333:function:f:7" },
      { ...allow, Resource: "arn:aws:lambda:eu-central-1:111122223333:function:f:*" },
      true,
    ],
    [
      "a variable that the caller fills in",
      { context: { "aws:principaltag/secret": "billing" } },
      { ...allow, Resource: `arn:aws:secretsmanager:*:*:secret:\${aws:PrincipalTag/secret}-??????` },
      true,
    ],
    [
      "a variable that nobody fills in",
      {},
      { ...allow, Resource: `arn:aws:secretsmanager:*:*:secret:\${aws:PrincipalTag/secret}-??????` },
      false,
    ],
  ])("%s", (_, over, statement, expected) => {
    expect(isAllowed(over, { identity: [policy(statement)] })).toBe(expected);
  });
});

describe("conditions", () => {
  const key = "aws:ResourceTag/Environment";
  const tagged = (value: string) => ({ [key.toLowerCase()]: value });
  test.each<[string, object, Request["context"], boolean]>([
    ["equal", { StringEquals: { [key]: "production" } }, tagged("production"), true],
    ["one of several", { StringEquals: { [key]: ["dev", "production"] } }, tagged("production"), true],
    ["not equal", { StringEquals: { [key]: "dev" } }, tagged("production"), false],
    ["equal, and the key is missing", { StringEquals: { [key]: "dev" } }, {}, false],
    ["if it exists, and it does not", { StringEqualsIfExists: { [key]: "dev" } }, {}, true],
    ["negated", { StringNotEquals: { [key]: ["dev", "staging"] } }, tagged("production"), true],
    [
      "negated, one of the values",
      { StringNotEquals: { [key]: ["dev", "production"] } },
      tagged("production"),
      false,
    ],
    ["negated, and the key is missing", { StringNotEquals: { [key]: "dev" } }, {}, true],
    ["Null true, and it is missing", { Null: { [key]: "true" } }, {}, true],
    ["Null false, and it is missing", { Null: { [key]: "false" } }, {}, false],
    ["like", { StringLike: { "s3:prefix": "checkpoints/*" } }, { "s3:prefix": "checkpoints/a" }, true],
    [
      "a bool in capitals",
      { Bool: { "aws:SecureTransport": "True" } },
      { "aws:securetransport": "true" },
      true,
    ],
    [
      "two operators, one fails",
      { StringLike: { [key]: "p*" }, StringEquals: { [key]: "dev" } },
      tagged("prod"),
      false,
    ],
    [
      "for all values, each matches",
      { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["POLICY#*", "AUDIT#*"] } },
      { "dynamodb:leadingkeys": ["POLICY#a", "AUDIT#b"] },
      true,
    ],
    [
      "for all values, one does not",
      { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["POLICY#*"] } },
      { "dynamodb:leadingkeys": ["POLICY#a", "SECRET#b"] },
      false,
    ],
    [
      "for all values of a missing key",
      { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["POLICY#*"] } },
      {},
      true,
    ],
    [
      "for any value of a missing key",
      { "ForAnyValue:StringLike": { "dynamodb:LeadingKeys": ["POLICY#*"] } },
      {},
      false,
    ],
    [
      "a plain operator on several values",
      { StringLike: { "dynamodb:LeadingKeys": "*" } },
      { "dynamodb:leadingkeys": ["a"] },
      false,
    ],
    [
      "an ARN, part by part",
      { ArnLike: { "aws:SourceArn": `arn:aws:events:*:${account}:rule/rekey-*` } },
      { "aws:sourcearn": `arn:aws:events:eu-central-1:${account}:rule/rekey-sweep` },
      true,
    ],
  ])("%s", (_, condition, context, expected) => {
    expect(isAllowed({ context }, { identity: [policy({ ...allow, Condition: condition })] })).toBe(expected);
  });

  test.each([
    ["an operator", { DateGreaterThan: { "aws:CurrentTime": "2026-01-01T00:00:00Z" } }],
    ["a key", { StringEquals: { "aws:Referer": "here" } }],
  ])("%s that the evaluator does not know throws", (_, condition) => {
    const identity = [policy({ ...allow, Condition: condition })];
    expect(() => decide(request({ context: {} }), { identity })).toThrow(
      /aws:referer|DateGreaterThan|aws:currenttime/,
    );
  });
});

test.each([
  ["a field that nobody knows", { Effect: "Allow", Action: "*", Resource: "*", Colour: "red" }],
  ["an effect that is none", { Effect: "Permit", Action: "*", Resource: "*" }],
  ["no action", { Effect: "Allow", Resource: "*" }],
  ["an intrinsic function left in", { Effect: "Allow", Action: "*", Resource: [{ Ref: "Table" }] }],
])("a statement with %s is refused", (_, statement) => {
  expect(() => parsePolicy({ Version: "2012-10-17", Statement: statement })).toThrow();
});

test("wildcards match as a regular expression would, in linear steps", () => {
  const alphabet = fc.constantFrom("a", "b", "*", "?");
  const texts = fc.array(fc.constantFrom("a", "b"), { maxLength: 8 }).map((letters) => letters.join(""));
  const patterns = fc.array(alphabet, { maxLength: 8 }).map((letters) => letters.join(""));
  fc.assert(
    fc.property(texts, patterns, (text, pattern) => {
      const regex = new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`);
      return matchesText(text, pattern) === regex.test(text);
    }),
    { numRuns: 2000 },
  );
  const startedAt = performance.now();
  expect(matchesText("a".repeat(20_000), `${"a*".repeat(50)}b`)).toBe(false);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test("an ARN's wildcards stay inside its part, but for the last", () => {
  expect(matchesArn("arn:aws:sqs:eu:1:q", "arn:aws:sqs:*:1:q")).toBe(true);
  expect(matchesArn("arn:aws:sqs:eu:1:q", "arn:*:q")).toBe(false);
  expect(matchesArn("arn:aws:lambda:eu:1:function:f:7", "arn:aws:lambda:eu:1:function:*")).toBe(true);
});
