import { reachAws } from "../../cli/aws.ts";
import { settingsOf } from "../../cli/stack-outputs.ts";
import { cloudFormation } from "../../local/aws/cloudformation.ts";
import { type Cloud, startCloud } from "../../local/aws/server.ts";

const outputs = { TableName: "stack-Ledger-FAKE", AdminUrl: "https://admin.example.com/" };
const before = { ...process.env };
let cloud: Cloud;

beforeAll(async () => {
  const stack = { id: "arn:FAKE", name: "rekey-staging", status: "CREATE_COMPLETE", createdAtMs: 0, outputs };
  cloud = await startCloud({ services: [cloudFormation({ stacks: () => [stack] })] });
});

beforeEach(() => {
  Object.assign(process.env, {
    ...{ AWS_ENDPOINT_URL: cloud.url, AWS_REGION: "eu-west-1" },
    ...{ AWS_ACCESS_KEY_ID: "AKIAFAKE", AWS_SECRET_ACCESS_KEY: "FAKE" },
  });
});

afterEach(() => {
  process.env = { ...before };
});

afterAll(() => cloud.close());

test("a stage is enough: its stack says the rest", async () => {
  const found = { REKEY_TABLE: "stack-Ledger-FAKE", REKEY_ADMIN_URL: "https://admin.example.com/" };
  expect(await settingsOf({}, { stage: "staging" })).toEqual(found);
  expect(await settingsOf({ REKEY_STAGE: "staging" }, {})).toMatchObject(found);
});

test("a variable wins over the stack, and with the table's the stack is not asked for", async () => {
  const admin = "https://other.example.com/";
  expect(await settingsOf({ REKEY_STAGE: "staging", REKEY_ADMIN_URL: admin }, {})).toMatchObject({
    ...{ REKEY_TABLE: "stack-Ledger-FAKE", REKEY_ADMIN_URL: admin },
  });
  const asked = cloud.requests()["cloudformation"]?.["DescribeStacks"];
  expect(await settingsOf({ REKEY_TABLE: "by-hand" }, {})).toEqual({ REKEY_TABLE: "by-hand" });
  expect(cloud.requests()["cloudformation"]?.["DescribeStacks"]).toBe(asked);
});

test("an order for a named stage does not go where another deployment's variables point", async () => {
  await expect(
    settingsOf({ REKEY_TABLE: "stack-of-production" }, { stage: "staging" }),
  ).rejects.toMatchObject({
    ...{ message: "REKEY_TABLE is set, and not to what the stage staging has", exitCode: 2 },
    hint: "unset REKEY_TABLE, or leave --stage out",
  });
});

test("a stack that is not there is named, with what to say", async () => {
  await expect(reachAws({})).rejects.toMatchObject({
    message: "there is no stack rekey-production in this account and Region",
    hint: expect.stringContaining("--stage"),
    exitCode: 3,
  });
});
