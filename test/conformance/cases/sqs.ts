import assert from "node:assert/strict";
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  StartMessageMoveTaskCommand,
} from "@aws-sdk/client-sqs";
import type { Clients, ConformanceCase, Scratch } from "../case.ts";
import { refused } from "../refused.ts";

async function newQueue({ sqs }: Clients, scratch: Scratch, Attributes: Record<string, string> = {}) {
  const QueueName = scratch.unique("queue");
  const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
  scratch.cleanUp(() => sqs.send(new DeleteQueueCommand({ QueueUrl })));
  const asked = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] });
  const { Attributes: found = {} } = await sqs.send(asked);
  return { QueueName, QueueUrl, arn: found["QueueArn"] ?? "" };
}

/** A queue may hand out nothing at first, on AWS even where there is something. */
function received({ sqs }: Clients, scratch: Scratch, QueueUrl: string) {
  return scratch.eventually(async () => {
    const asked = new ReceiveMessageCommand({
      QueueUrl,
      MessageAttributeNames: ["All"],
      VisibilityTimeout: 0,
    });
    return (await sqs.send(asked)).Messages?.[0];
  });
}

export const sqsCases: readonly ConformanceCase[] = [
  {
    service: "sqs",
    name: "a message comes back as it was sent, with its attributes, until it is deleted",
    async run(clients, scratch) {
      const { QueueUrl, QueueName, arn } = await newQueue(clients, scratch);
      assert.match(arn, new RegExp(`^arn:[\\w-]+:sqs:[a-z0-9-]+:\\d{12}:${QueueName}$`));
      const url = await clients.sqs.send(new GetQueueUrlCommand({ QueueName }));
      assert.equal(new URL(url.QueueUrl ?? "").pathname, new URL(QueueUrl).pathname);
      const MessageBody = '{"text":"ü & <b>"}';
      const MessageAttributes = { RULE_ARN: { DataType: "String", StringValue: "arn:a" } };
      const { MessageId } = await clients.sqs.send(
        new SendMessageCommand({ QueueUrl, MessageBody, MessageAttributes }),
      );
      const message = await received(clients, scratch, QueueUrl);
      assert.equal(message.MessageId, MessageId);
      assert.equal(message.Body, MessageBody);
      assert.equal(message.MessageAttributes?.["RULE_ARN"]?.StringValue, "arn:a");
      const again = await received(clients, scratch, QueueUrl);
      const { ReceiptHandle } = again;
      await clients.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      const left = await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl }));
      assert.equal(left.Messages, undefined);
    },
  },
  {
    service: "sqs",
    name: "a received message is hidden until its visibility timeout is over",
    async run(clients, scratch) {
      const { QueueUrl } = await newQueue(clients, scratch, { VisibilityTimeout: "600" });
      await clients.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "once" }));
      const { ReceiptHandle } = await scratch.eventually(
        async () => (await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages?.[0],
      );
      assert.equal((await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages, undefined);
      const asked = { QueueUrl, ReceiptHandle, VisibilityTimeout: 0 };
      await clients.sqs.send(new ChangeMessageVisibilityCommand(asked));
      assert.equal((await received(clients, scratch, QueueUrl)).Body, "once");
    },
  },
  {
    service: "sqs",
    name: "a message received too often goes to the dead-letter queue, and a move puts it back",
    async run(clients, scratch) {
      const dead = await newQueue(clients, scratch);
      const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 });
      const { QueueUrl } = await newQueue(clients, scratch, { RedrivePolicy, VisibilityTimeout: "0" });
      await clients.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "poison" }));
      const buried = await scratch.eventually(async () => {
        await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 0 }));
        const asked = new ReceiveMessageCommand({ QueueUrl: dead.QueueUrl, VisibilityTimeout: 0 });
        return (await clients.sqs.send(asked)).Messages?.[0];
      });
      assert.equal(buried.Body, "poison");
      await clients.sqs.send(new StartMessageMoveTaskCommand({ SourceArn: dead.arn }));
      assert.equal((await received(clients, scratch, QueueUrl)).Body, "poison");
    },
  },
  {
    service: "sqs",
    name: "a queue that does not exist, and one with an attribute that there is not, are refused",
    async run(clients, scratch) {
      const { QueueUrl } = await newQueue(clients, scratch);
      const gone = new SendMessageCommand({ QueueUrl: `${QueueUrl}-gone`, MessageBody: "x" });
      await refused(clients.sqs.send(gone), "QueueDoesNotExist");
      const odd = { QueueName: scratch.unique("odd"), Attributes: { VisibilityTimeout: "50000" } };
      await refused(clients.sqs.send(new CreateQueueCommand(odd)), "InvalidAttributeValue");
    },
  },
];
