import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { DeleteMessageCommand, type Message, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { Principal } from "../../local/people.ts";
import { account, clientAs, type LocalCloud, startLocalCloud } from "../../local/world.ts";
import type { Template } from "../../serverless/template.ts";

const waitMs = 30_000;
const pollMs = 50;

let cloud: LocalCloud;

/** The rule for reports may not call its function. */
function broken(template: Template): Template {
  const { RecordDashevidenceRulePermission: _taken, ...Resources } = template.Resources;
  return { ...template, Resources };
}

beforeAll(async () => {
  cloud = await startLocalCloud({ alter: broken });
}, 120_000);
afterAll(() => cloud.close());

async function receive(queue: string, as: Principal = "administrator"): Promise<Message | undefined> {
  const client = new SQSClient(clientAs(cloud, as));
  try {
    const QueueUrl = `${cloud.url}/${account}/rekey-production-${queue}`;
    const asked = { QueueUrl, MessageAttributeNames: ["All"], VisibilityTimeout: 0 };
    return (await client.send(new ReceiveMessageCommand(asked))).Messages?.[0];
  } finally {
    client.destroy();
  }
}

async function letterIn(queue: string): Promise<Message> {
  for (const untilMs = Date.now() + waitMs; Date.now() < untilMs; ) {
    const found = await receive(queue);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error(`nothing came to ${queue}`);
}

test("an event that its rule may not hand on is in the rules' queue as EventBridge leaves it there", async () => {
  const bus = new EventBridgeClient(clientAs(cloud, "administrator"));
  const Entry = { Source: "rekey.consumer", DetailType: "ConsumerReport", Detail: '{"lost":true}' };
  await bus.send(new PutEventsCommand({ Entries: [{ ...Entry, EventBusName: "rekey-reports-production" }] }));
  bus.destroy();

  const { Body = "{}", MessageAttributes = {} } = await letterIn("dead-rules");
  expect(JSON.parse(Body)).toMatchObject({ source: "rekey.consumer", detail: { lost: true } });
  expect(MessageAttributes).toMatchObject({
    RULE_ARN: { StringValue: expect.stringContaining("rule/rekey-reports-production/rekey-production-") },
    TARGET_ARN: { StringValue: expect.stringMatching(/function:rekey-production-record-evidence$/) },
    ERROR_CODE: { StringValue: expect.stringMatching(/AccessDenied/) },
  });
});

test("an event on which a function failed three times is in the functions' queue, and can be given again", async () => {
  const lambda = new LambdaClient(clientAs(cloud, "administrator"));
  const Payload = JSON.stringify({ nothing: "of a report" });
  const FunctionName = "rekey-production-record-evidence";
  await lambda.send(new InvokeCommand({ FunctionName, InvocationType: "Event", Payload }));
  lambda.destroy();

  const { Body = "{}" } = await letterIn("dead-functions");
  expect(JSON.parse(Body)).toMatchObject({
    requestContext: { condition: "RetriesExhausted", approximateInvokeCount: 3 },
    requestPayload: { nothing: "of a report" },
    responsePayload: { errorType: "InputInvalid" },
  });
});

test("their alarms are on until the queues are empty", async () => {
  expect(cloud.alarms()).toEqual(["rekey-production-dead-functions", "rekey-production-dead-rules"]);
  const { ReceiptHandle } = await letterIn("dead-functions");
  const client = new SQSClient(clientAs(cloud, "administrator"));
  const QueueUrl = `${cloud.url}/${account}/rekey-production-dead-functions`;
  await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  client.destroy();
  expect(cloud.alarms()).toEqual(["rekey-production-dead-rules"]);
});

test("nobody reads a queue whose role does not say so", async () => {
  await expect(receive("dead-rules", "reader")).rejects.toMatchObject({ name: "AccessDeniedException" });
  expect(cloud.defects).toEqual([]);
});
