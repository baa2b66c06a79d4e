import { overlaps } from "../../cli/globs.ts";
import { type Holding, type Power, powersIn, type Statement } from "../../cli/powers.ts";
import { readDeployment, settingsOf } from "../../serverless/deployment.ts";
import { rendered } from "../package/packaged.ts";
import { appliedWorld, rekey } from "./cli-world.ts";

const example = readDeployment({ stage: "production", region: "us-east-1", settings: settingsOf("example") });
const template = { Resources: rendered(example) };
const files = { "t.json": JSON.stringify(template) };

interface Row {
  readonly name: string;
  readonly powers: readonly Holding[];
  readonly added: readonly string[];
}

async function rowsOf(
  options: Parameters<typeof rekey>[2] = { files },
  line = "permissions --template t.json --json",
) {
  const { world } = await appliedWorld();
  const said = await rekey(world, line, options);
  const { powers, problems } = said.json() as { powers: readonly Row[]; problems: readonly string[] };
  const can = (name: string) =>
    powers.find((row) => row.name.endsWith(name))?.powers.map(({ power }) => power);
  return { code: said.code, rows: powers, problems, can };
}

test("in the rendered template nobody who signs can write the ledger, and each function can what its step does", async () => {
  const { can, problems, code } = await rowsOf();
  expect(problems).toEqual([]);
  expect(code).toBe(0);
  expect(can("-certify-rotation")).toEqual(["sign"]);
  expect(can("-anchor-audit")).toEqual(expect.arrayContaining(["sign"]));
  expect(can("-mint-key")).toEqual(
    expect.arrayContaining(["read", "stage", "promote", "provider", "record"]),
  );
  expect(can("-revoke-key")).toEqual(expect.arrayContaining(["provider", "record"]));
  expect(can("-revoke-key")).not.toContain("stage");
  // It reads the admin credential, and no secret that rotates.
  expect(can("-settle-rotation")).toEqual(expect.arrayContaining(["provider", "promote"]));
  expect(can("-settle-rotation")).not.toContain("read");
  expect(can("-check-clock") ?? []).not.toContain("read");
  expect(can("policy/OperatorPolicy")).toEqual(["order"]);
  expect(can("policy/ConsumerPolicy")).toEqual(["read"]);
});

test("what bounds a grant is said in words: the way of the call, the items, the service, the tag", async () => {
  const { rows } = await rowsOf();
  const bounds = (name: string, power: Power) =>
    rows.find((row) => row.name.endsWith(name))?.powers.find((each) => each.power === power)?.bounds;
  expect(bounds("policy/OperatorPolicy", "order")).toEqual([
    "with a signed request, or through the function's URL",
  ]);
  expect(bounds("-mint-key", "record")).toEqual([expect.stringMatching(/^items of .*SECRET/)]);

  const { world } = await appliedWorld();
  const { out } = await rekey(world, "permissions --template t.json", { files });
  expect(out).toContain("order (only with a signed request, or through the function's URL)");
});

const grantsTo = (name: string, ...statements: readonly Statement[]) => ({
  ...{ functionArn: "arn:aws:lambda:us-east-1:111122223333:function:rekey-production-admin", unseen: [] },
  holders: [{ name, documents: [JSON.stringify({ Statement: statements })] }],
});

test("a role of ours whose grant lost its condition in the account is a problem", async () => {
  const wide = { Effect: "Allow", Action: "dynamodb:PutItem", Resource: "*" };
  const grants = grantsTo("role/rekey-production-us-east-1-mint-key", wide);
  const { problems } = await rowsOf({ template, grants }, "permissions --json");
  expect(problems).toEqual([
    "role/rekey-production-us-east-1-mint-key can do more than the template gives it: write ledger without its condition",
  ]);
});

test("a planted grant that lets a signer write the ledger is a problem, with exit code 1", async () => {
  const [id = "", role] =
    Object.entries(template.Resources).find(([name]) => name === "CertifyDashrotationRole") ?? [];
  const widened = structuredClone(role) as unknown as {
    Properties: { Policies: { PolicyDocument: { Statement: object[] } }[] };
  };
  widened.Properties.Policies[0]?.PolicyDocument.Statement.push({
    ...{ Effect: "Allow", Action: "dynamodb:*", Resource: "*" },
  });
  const planted = { Resources: { ...template.Resources, [id]: widened } };
  const { problems, code } = await rowsOf({ files: { "t.json": JSON.stringify(planted) } });
  expect(problems).toEqual([
    expect.stringMatching(/certify-rotation can write the ledger and sign what it says$/),
  ]);
  expect(code).toBe(1);
});

test("in the account, a role of ours that has grown is a problem, and everybody else who can something is listed", async () => {
  const admin = JSON.stringify({ Statement: { Effect: "Allow", Action: "*", Resource: "*" } });
  const sign = JSON.stringify({ Statement: [{ Effect: "Allow", Action: ["kms:Sign"], Resource: "*" }] });
  const harmless = JSON.stringify({ Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }] });
  const grants = {
    ...{
      functionArn: "arn:aws:lambda:us-east-1:111122223333:function:rekey-production-admin",
      unseen: ["users"],
    },
    holders: [
      { name: "role/Administrator", documents: [admin] },
      { name: "role/rekey-production-us-east-1-check-clock", documents: [sign] },
      { name: "role/web", documents: [harmless] },
    ],
  };
  const { can, problems, rows } = await rowsOf({ template, grants }, "permissions --json");
  expect(can("role/Administrator")).toHaveLength(8);
  expect(can("role/web")).toBeUndefined();
  expect(problems).toEqual([
    "role/rekey-production-us-east-1-check-clock can do more than the template gives it: sign",
  ]);
  expect(rows.filter(({ name }) => name.endsWith("-check-clock"))).toHaveLength(1);
});

test.each([80, 60])("the table fits %i columns, and CSV has a row for each", async (width) => {
  const { world } = await appliedWorld();
  const { out } = await rekey(world, "permissions --template t.json", { files, width });
  const [table = ""] = out.split(/\n\d+ roles, users/);
  expect(Math.max(...table.split("\n").map((line) => line.length))).toBeLessThanOrEqual(width);
  expect(out).toContain("policy/OperatorPolicy");
  const csv = await rekey(world, "permissions --template t.json --format csv", { files });
  expect(csv.out.split("\n")[0]).toBe("WHO,FROM,CAN,WHAT IT IS");
});

test.each([
  ["no template is at hand", "permissions", {}, /template is not at hand/],
  [
    "the file is no template",
    "permissions --template x",
    { files: { x: "[]" } },
    /no CloudFormation template/,
  ],
  ["the file is no JSON", "permissions --template x", { files: { x: "a: b" } }, /no CloudFormation template/],
  ["there is no such file", "permissions --template x", {}, /cannot be read/],
  [
    "the format is unknown",
    "permissions --template t.json --format pdf",
    { files },
    /no format is called "pdf"/,
  ],
])("%s: a usage error", async (_what, line, options, says) => {
  const { world } = await appliedWorld();
  const { code, err } = await rekey(world, line, options);
  expect(err).toMatch(says);
  expect(code).toBe(2);
});

const secret = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:billing-key-AbCdEf";
const readsAs = (...statements: readonly Statement[]) =>
  powersIn(statements, {
    read: [secret],
    provider: ["arn:aws:secretsmanager:eu-west-1:111122223333:secret:rekey/admin-AbCdEf"],
  });
const allow = { Effect: "Allow", Action: "secretsmanager:GetSecretValue", Resource: "*" } as const;

test.each<[string, readonly Statement[], readonly Power[]]>([
  ["everything", [allow], ["read", "provider"]],
  ["an exact ARN", [{ ...allow, Resource: secret }], ["read"]],
  ["another secret", [{ ...allow, Resource: "arn:aws:secretsmanager:*:*:secret:other-*" }], []],
  [
    "by all but other actions",
    [{ Effect: "Allow", NotAction: "s3:*", Resource: secret }],
    ["read", "decrypt", "stage", "promote", "record", "sign", "order"],
  ],
  [
    "by a tag: no admin credential",
    [{ ...allow, Condition: { StringEquals: { "aws:ResourceTag/rekey": "rotated" } } }],
    ["read"],
  ],
  ["and is denied", [allow, { Effect: "Deny", Action: "secretsmanager:*", Resource: "*" }], []],
  [
    "and is denied under a condition only",
    [allow, { Effect: "Deny", Action: "secretsmanager:*", Resource: "*", Condition: { Bool: {} } }],
    ["read", "provider"],
  ],
])("who is allowed %s", (_what, statements, can) => {
  expect(readsAs(...statements).map(({ power }) => power)).toEqual(can);
});

const onTag = (tag: string) => ({ StringEquals: { "secretsmanager:ResourceTag/team": tag } });
const decrypt = { Effect: "Allow", Action: "kms:Decrypt", Resource: "*" } as const;
const via = (service: string) => ({ StringLike: { "kms:ViaService": `${service}.*.amazonaws.com` } });

test.each<[string, readonly Statement[], Power, readonly string[] | undefined]>([
  ["by a tag", [{ ...allow, Condition: onTag("pay") }], "read", ["where the resource is tagged team=pay"]],
  ["by a tag, and also without one", [{ ...allow, Condition: onTag("pay") }, allow], "read", []],
  [
    "by one of two tags",
    [
      { ...allow, Condition: onTag("pay") },
      { ...allow, Condition: onTag("web") },
    ],
    "read",
    ["where the resource is tagged team=pay, or where the resource is tagged team=web"],
  ],
  [
    "and denied where a tag is another one",
    [
      allow,
      {
        ...allow,
        Effect: "Deny",
        Action: "secretsmanager:*",
        Condition: { StringNotEquals: { "aws:ResourceTag/env": "prod" } },
      },
    ],
    "read",
    ["where the resource is tagged env=prod"],
  ],
  [
    "through Secrets Manager",
    [{ ...decrypt, Condition: via("secretsmanager") }],
    "decrypt",
    ["through secretsmanager"],
  ],
  ["through a service that holds no secrets", [{ ...decrypt, Condition: via("logs") }], "decrypt", undefined],
  [
    "by a condition without words of its own",
    [{ ...decrypt, Condition: { IpAddress: { "aws:SourceIp": ["10.0.0.0/8"] } } }],
    "decrypt",
    ["where aws:sourceip is 10.0.0.0/8"],
  ],
  [
    "on items of many kinds",
    [
      {
        ...{ Effect: "Allow", Action: "dynamodb:PutItem", Resource: "*" },
        Condition: {
          "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["A#*", "B#*", "C#*", "D#*", "E#*", "F#*"] },
        },
      },
    ],
    "record",
    ["items of A, B, C, D or 2 more"],
  ],
])("a grant %s is bounded as it says", (_what, statements, power, bounds) => {
  expect(readsAs(...statements).find((each) => each.power === power)?.bounds).toEqual(bounds);
});

test.each([
  ["a*", "ab", true],
  ["a*c", "*b*", true],
  ["a?", "ab", true],
  ["ab", "a", false],
  ["*", "", true],
  ["a*b", "a*c", false],
])("%s and %s have a text in common: %s", (one, other, answer) => {
  expect(overlaps(one, other)).toBe(answer);
  expect(overlaps(other, one)).toBe(answer);
});

describe("where one role can do two of these", () => {
  test("each pair stands with what it lets one role do, and with whoever has both", async () => {
    const { world } = await appliedWorld();
    const { out, json } = await rekey(world, "permissions --template t.json --json", { files });
    const { together } = json() as {
      together: { pairs: { powers: string[]; means: string; who: string[] }[]; mintAndRevoke: string[] };
    };
    const whoHas = (one: string, other: string) =>
      together.pairs
        .find(({ powers }) => powers.join() === `${one},${other}`)
        ?.who.map((name) => name.split("*-").at(-1));

    expect(out).not.toBe("");
    expect(whoHas("stage", "promote")).toEqual(
      expect.arrayContaining(["mint-key", "native-bridge", "promote-version", "policy/SupplierPolicy"]),
    );
    expect(whoHas("stage", "provider")).toEqual(["mint-key", "native-bridge", "issue-key"]);
    expect(whoHas("record", "sign")).toBeUndefined();
    expect(together.mintAndRevoke.map((name) => name.split("*-").at(-1))).toEqual(
      expect.arrayContaining(["mint-key", "revoke-key"]),
    );
    for (const { powers, means } of together.pairs)
      expect([powers, means]).not.toEqual([powers, "each of the two"]);
  });

  test("the table says it for people, in a terminal of 80 columns too", async () => {
    const { world } = await appliedWorld();
    const { out } = await rekey(world, "permissions --template t.json", { files, width: 80 });
    expect(out.replace(/\s+/g, " ")).toContain(
      "stage + promote gives consumers a key mint-key, native-bridge",
    );
    expect(Math.max(...out.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(80);
  });
});
