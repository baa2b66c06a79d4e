import { randomUUID } from "node:crypto";
import { Input, isObject } from "./input.ts";
import { AwsError, type JsonService } from "./service.ts";
import { type Message, md5, Queue, secondsIn, settingsOf } from "./sqs/queue.ts";

export interface SqsOptions {
  readonly region: string;
  readonly account: string;
  readonly partition?: string;
  /** Queues' addresses lie below it; asked for once the cloud listens. */
  readonly url: () => string;
  readonly now?: (() => number) | undefined;
}

export interface Sqs extends JsonService {
  /** Makes the queue, or gives it other attributes; what is in it stays. */
  add(queueArn: string, attributes: Readonly<Record<string, unknown>>): void;
  drop(queueArn: string): void;
  /** What a service of AWS puts there. False where there is no such queue: then AWS drops the message. */
  put(queueArn: string, message: Pick<Message, "body" | "attributes">): boolean;
  /** ApproximateNumberOfMessagesVisible, which alarms look at. */
  visible(queueName: string): number;
}

type Operation = (input: Input) => unknown;

const batchMax = 10;
const queuesMax = 1_000;

/** Simple Queue Service with standard queues, in memory. An empty ReceiveMessage answers at once. */
export function sqs(options: SqsOptions): Sqs {
  const account = new Account(options);
  const operations = { ...queueOperations(account), ...messageOperations(account) };
  return {
    target: "AmazonSQS",
    async call(operation, input) {
      const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
      if (run === undefined)
        throw new AwsError("UnknownOperationException", `The operation ${operation} is not served here.`);
      return run(new Input(input));
    },
    add: (arn, attributes) => account.add(arn, attributes),
    drop: (arn) => void account.queues.delete(nameIn(arn)),
    put(arn, { body, attributes }) {
      const queue = account.queues.get(nameIn(arn));
      queue?.send(body, { attributes, nowMs: account.now() });
      return queue !== undefined;
    },
    visible: (name) => account.queues.get(name)?.counts(account.now()).visible ?? 0,
  };
}

const nameIn = (arn: string) => arn.split(":").at(-1) ?? "";

/** The queues of an account in a Region, by name. */
class Account {
  readonly queues = new Map<string, Queue>();
  readonly now: () => number;
  readonly #options: SqsOptions;

  constructor(options: SqsOptions) {
    this.#options = options;
    this.now = options.now ?? Date.now;
  }

  add(arn: string, attributes: Readonly<Record<string, unknown>>): void {
    const settings = settingsOf(attributes);
    const name = nameIn(arn);
    const known = this.queues.get(name);
    if (known !== undefined) known.settings = settings;
    else if (this.queues.size >= queuesMax) throw new AwsError("OverLimit", `at most ${queuesMax} queues`);
    else this.queues.set(name, new Queue({ arn, url: this.urlOf(name), settings }));
  }

  arnOf(name: string): string {
    const { partition = "aws", region, account } = this.#options;
    return `arn:${partition}:sqs:${region}:${account}:${name}`;
  }

  urlOf(name: string): string {
    return `${this.#options.url()}/${this.#options.account}/${name}`;
  }

  named(name: string): Queue {
    const queue = this.queues.get(name);
    if (queue !== undefined) return queue;
    throw new AwsError("QueueDoesNotExist", "The specified queue does not exist.");
  }

  asked(input: Input): Queue {
    return this.named(input.text("QueueUrl").split("/").at(-1) ?? "");
  }
}

function queueOperations(account: Account): Readonly<Record<string, Operation>> {
  return {
    CreateQueue(input) {
      const name = input.text("QueueName");
      if (!/^[\w-]{1,80}$/.test(name))
        throw new AwsError(
          "InvalidParameterValue",
          "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        );
      account.add(account.arnOf(name), input.object("Attributes") ?? {});
      return { QueueUrl: account.urlOf(name) };
    },
    DeleteQueue: (input) => void account.queues.delete(nameIn(account.asked(input).arn)),
    GetQueueUrl: (input) => ({ QueueUrl: account.named(input.text("QueueName")).url }),
    ListQueues(input) {
      const prefix = input.optionalText("QueueNamePrefix") ?? "";
      const found = [...account.queues].filter(([name]) => name.startsWith(prefix));
      return { QueueUrls: found.map(([, queue]) => queue.url) };
    },
    GetQueueAttributes: (input) => ({
      Attributes: attributesOf(account.asked(input), input, account.now()),
    }),
    StartMessageMoveTask(input) {
      const source = account.named(nameIn(input.text("SourceArn")));
      const feeds = [...account.queues.values()].filter(
        ({ settings }) => settings.redrive?.deadLetterTargetArn === source.arn,
      );
      if (feeds.length === 0)
        throw new AwsError(
          "InvalidParameterValue",
          "Source queue must be configured as a Dead Letter Queue.",
        );
      const given = input.optionalText("DestinationArn");
      for (const message of source.drain(account.now())) {
        const to = account.named(nameIn(given ?? message.from ?? feeds[0]?.arn ?? ""));
        to.send(message.body, { attributes: message.attributes, nowMs: account.now() });
      }
      return { TaskHandle: Buffer.from(randomUUID()).toString("base64") };
    },
  };
}

function messageOperations(account: Account): Readonly<Record<string, Operation>> {
  const { now } = account;
  const bury = (from: string) => (message: Message, targetArn: string) =>
    void account.queues.get(nameIn(targetArn))?.send(message.body, { ...message, nowMs: now(), from });
  return {
    SendMessage(input) {
      const attributes = attributesIn(input.object("MessageAttributes") ?? {});
      const queue = account.asked(input);
      const { id, body } = queue.send(input.text("MessageBody"), { attributes, nowMs: now() });
      return { MessageId: id, MD5OfMessageBody: md5(body) };
    },
    ReceiveMessage(input) {
      const max = input.integer("MaxNumberOfMessages", 1);
      if (max < 1 || max > batchMax)
        throw new AwsError("InvalidParameterValue", `MaxNumberOfMessages is between 1 and ${batchMax}`);
      if (input.integer("WaitTimeSeconds", 0) !== 0)
        throw new AwsError(
          "UnsupportedOperation",
          "the local cloud's queues answer at once: no WaitTimeSeconds",
        );
      const queue = account.asked(input);
      const visibilityMs = visibilityIn(input, queue.settings.visibilityMs);
      const taken = queue.receive({ max, visibilityMs, nowMs: now() }, bury(queue.arn));
      return taken.length === 0 ? {} : { Messages: taken.map((message) => shown(message, input)) };
    },
    DeleteMessage: (input) => account.asked(input).delete(input.text("ReceiptHandle")),
    ChangeMessageVisibility: (input) =>
      account.asked(input).hide(input.text("ReceiptHandle"), now() + visibilityIn(input, 0)),
  };
}

function visibilityIn(input: Input, fallbackMs: number): number {
  const given = input.optionalNumber("VisibilityTimeout");
  return secondsIn(given, { fallback: fallbackMs / 1_000, min: 0, max: 43_200 });
}

function attributesOf(queue: Queue, input: Input, nowMs: number): Record<string, string> {
  const { retentionMs, visibilityMs, encrypted, redrive } = queue.settings;
  const { visible, hidden } = queue.counts(nowMs);
  const all: Readonly<Record<string, string>> = {
    QueueArn: queue.arn,
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(hidden),
    MessageRetentionPeriod: String(retentionMs / 1_000),
    VisibilityTimeout: String(visibilityMs / 1_000),
    SqsManagedSseEnabled: String(encrypted),
    ...(redrive && { RedrivePolicy: JSON.stringify(redrive) }),
  };
  const wanted = input.texts("AttributeNames");
  return Object.fromEntries(
    Object.entries(all).filter(([name]) => wanted.includes(name) || wanted.includes("All")),
  );
}

function attributesIn(given: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      isObject(value) ? String(value["StringValue"] ?? "") : "",
    ]),
  );
}

function shown({ id, body, receipt, attributes, receives }: Message, input: Input) {
  const wanted = input.texts("MessageAttributeNames");
  const system = [...input.texts("MessageSystemAttributeNames"), ...input.texts("AttributeNames")];
  const given = Object.entries(attributes).filter(
    ([name]) => wanted.includes(name) || wanted.includes("All"),
  );
  return {
    ...{ MessageId: id, ReceiptHandle: receipt, Body: body, MD5OfBody: md5(body) },
    ...(system.some((name) => name === "All" || name === "ApproximateReceiveCount") && {
      Attributes: { ApproximateReceiveCount: String(receives) },
    }),
    ...(given.length > 0 && {
      MessageAttributes: Object.fromEntries(
        given.map(([name, StringValue]) => [name, { DataType: "String", StringValue }]),
      ),
    }),
  };
}
