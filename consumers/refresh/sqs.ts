import { createHash } from "node:crypto";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { domainOf } from "../../aws/partition.ts";
import { InputInvalid } from "../../core/errors.ts";
import type { Refresher } from "../ports.ts";
import type { Reach } from "../reach.ts";
import { newsOf, once } from "./once.ts";

const queueForm = /^arn:aws[a-z-]*:sqs:([a-z0-9-]+):(\d{12}):([\w-]{1,80}(?:\.fifo)?)$/;

/** A message to the consumer's own queue. */
export function sqs({ sqs: clients }: Pick<Reach, "sqs">): Refresher {
  return {
    refresh: (order) =>
      once(order, async () => {
        const { region, url, isFifo } = queueOf(order.consumer.refresh.target ?? "");
        const news = newsOf(order);
        const same = createHash("sha256").update(`${news.secretArn} ${news.versionId} ${news.consumer}`);
        const answer = await clients(region).send(
          new SendMessageCommand({
            QueueUrl: url,
            MessageBody: JSON.stringify(news),
            ...(isFifo && {
              MessageGroupId: order.consumer.name,
              MessageDeduplicationId: same.digest("hex"),
            }),
          }),
        );
        const id = answer.MessageId ?? "without an id";
        return { started: `message ${id}`, detail: `queued message ${id}` };
      }),
  };
}

function queueOf(arn: string) {
  const [, region, account, name] = queueForm.exec(arn) ?? [];
  if (region === undefined || account === undefined || name === undefined) {
    throw new InputInvalid("this is not the ARN of an SQS queue");
  }
  return {
    region,
    url: `https://sqs.${region}.${domainOf(region)}/${account}/${name}`,
    isFifo: name.endsWith(".fifo"),
  };
}
