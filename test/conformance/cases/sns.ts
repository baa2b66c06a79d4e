import assert from "node:assert/strict";
import { CreateTopicCommand, DeleteTopicCommand, PublishCommand } from "@aws-sdk/client-sns";
import type { Clients, ConformanceCase, Scratch } from "../case.ts";
import { refused } from "../refused.ts";

async function newTopic({ sns }: Clients, scratch: Scratch): Promise<{ name: string; TopicArn: string }> {
  const name = scratch.unique("topic");
  const { TopicArn = "" } = await sns.send(new CreateTopicCommand({ Name: name }));
  scratch.cleanUp(() => sns.send(new DeleteTopicCommand({ TopicArn })));
  return { name, TopicArn };
}

export const snsCases: readonly ConformanceCase[] = [
  {
    service: "sns",
    name: "creating a topic again answers the same ARN",
    async run(clients, scratch) {
      const { name, TopicArn } = await newTopic(clients, scratch);
      assert.match(TopicArn, new RegExp(`^arn:aws:sns:[a-z0-9-]+:\\d{12}:${name}$`));
      assert.equal((await clients.sns.send(new CreateTopicCommand({ Name: name }))).TopicArn, TopicArn);
    },
  },
  {
    service: "sns",
    name: "every publication gets its own message id, whatever characters it holds",
    async run(clients, scratch) {
      const { TopicArn } = await newTopic(clients, scratch);
      const Message = 'line one\nline two & <b>"ü"</b> 100% +1';
      const attributes = { severity: { DataType: "String", StringValue: "page" } };
      const publish = () =>
        clients.sns.send(
          new PublishCommand({ TopicArn, Message, Subject: "Rekey", MessageAttributes: attributes }),
        );
      const [one, other] = [await publish(), await publish()];
      assert.ok(one.MessageId && other.MessageId);
      assert.notEqual(one.MessageId, other.MessageId);
    },
  },
  {
    service: "sns",
    name: "publishing to a topic that does not exist is NotFound",
    async run(clients, scratch) {
      const { TopicArn } = await newTopic(clients, scratch);
      const missing = new PublishCommand({ TopicArn: `${TopicArn}-gone`, Message: "x" });
      await refused(clients.sns.send(missing), "NotFoundException");
    },
  },
  {
    service: "sns",
    name: "an empty message and a topic name with a space are refused",
    async run(clients, scratch) {
      const { TopicArn } = await newTopic(clients, scratch);
      const empty = clients.sns.send(new PublishCommand({ TopicArn, Message: "" }));
      await refused(empty, "InvalidParameterException");
      const badName = clients.sns.send(new CreateTopicCommand({ Name: "no spaces" }));
      await refused(badName, "InvalidParameterException");
    },
  },
];
