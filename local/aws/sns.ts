import { randomUUID } from "node:crypto";
import { AwsError, type HttpRequest, type HttpResponse, type HttpService } from "./service.ts";
import { type XmlChildren, xmlDocument } from "./xml.ts";

export interface SnsMessage {
  readonly messageId: string;
  readonly topicArn: string;
  readonly message: string;
  readonly subject?: string;
  /** Name to string value. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly publishedAtMs: number;
}

export interface SnsOptions {
  readonly region: string;
  readonly account: string;
  readonly now?: (() => number) | undefined;
  readonly onPublish?: ((message: SnsMessage) => void) | undefined;
}

export interface Sns extends HttpService {
  /** The newest messages, oldest first. */
  messages(): readonly SnsMessage[];
  /** By ARN. */
  add(topicArn: string): void;
  drop(topicArn: string): void;
}

const namespace = "http://sns.amazonaws.com/doc/2010-03-31/";
const messageBytesMax = 262_144;
const subjectMax = 100;
const keptMax = 10_000;
const attributesMax = 100;

/** Simple Notification Service: topics and what was published to them; nothing is delivered further. */
export function sns({ region, account, now = Date.now, onPublish }: SnsOptions): Sns {
  const topics = new Set<string>();
  const kept: SnsMessage[] = [];

  const publish = (form: URLSearchParams): XmlChildren => {
    const topicArn = form.get("TopicArn") ?? form.get("TargetArn") ?? "";
    if (!topics.has(topicArn)) throw new AwsError("NotFound", "Topic does not exist", 404);
    const message: SnsMessage = {
      messageId: randomUUID(),
      topicArn,
      message: readMessage(form),
      ...readSubject(form),
      attributes: readAttributes(form),
      publishedAtMs: now(),
    };
    kept.push(message);
    if (kept.length > keptMax) kept.shift();
    onPublish?.(message);
    return { MessageId: message.messageId };
  };
  const actions: Readonly<Record<string, (form: URLSearchParams) => XmlChildren>> = {
    CreateTopic(form) {
      const name = form.get("Name") ?? "";
      if (!/^[A-Za-z0-9_-]{1,256}$/.test(name)) {
        throw new AwsError("InvalidParameter", "Invalid parameter: Topic Name");
      }
      const arn = `arn:aws:sns:${region}:${account}:${name}`;
      topics.add(arn);
      return { TopicArn: arn };
    },
    DeleteTopic(form) {
      topics.delete(form.get("TopicArn") ?? "");
      return {};
    },
    ListTopics: () => ({ Topics: { member: [...topics].map((TopicArn) => ({ TopicArn })) } }),
    Publish: publish,
  };

  return {
    name: "sns",
    matches: ({ signingService }) => signingService === "sns",
    operation: (request) => formOf(request).get("Action") ?? "?",
    refusal: ({ message }) => failure(new AwsError("AuthorizationError", message, 403)),
    async handle(request) {
      const form = formOf(request);
      const name = form.get("Action") ?? "";
      try {
        const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
        if (!action)
          throw new AwsError("InvalidAction", `The action ${name} is not valid for this endpoint.`);
        return success(name, action(form));
      } catch (error) {
        if (error instanceof AwsError) return failure(error);
        throw error;
      }
    },
    messages: () => kept,
    add: (topicArn) => void topics.add(topicArn),
    drop: (topicArn) => void topics.delete(topicArn),
  };
}

const formOf = ({ body }: HttpRequest): URLSearchParams => new URLSearchParams(body.toString("utf8"));

function readMessage(form: URLSearchParams): string {
  const message = form.get("Message") ?? "";
  if (message === "") throw new AwsError("InvalidParameter", "Invalid parameter: Empty message");
  if (Buffer.byteLength(message) > messageBytesMax) {
    throw new AwsError("InvalidParameter", "Invalid parameter: Message too long");
  }
  return message;
}

function readSubject(form: URLSearchParams): { subject?: string } {
  const subject = form.get("Subject");
  if (subject === null) return {};
  if (subject.length === 0 || subject.length > subjectMax || /[\r\n]/.test(subject)) {
    throw new AwsError("InvalidParameter", "Invalid parameter: Subject");
  }
  return { subject };
}

function readAttributes(form: URLSearchParams): Record<string, string> {
  const found: [string, string][] = [];
  for (let index = 1; index <= attributesMax; index += 1) {
    const name = form.get(`MessageAttributes.entry.${index}.Name`);
    if (name === null) break;
    found.push([name, form.get(`MessageAttributes.entry.${index}.Value.StringValue`) ?? ""]);
  }
  return Object.fromEntries(found);
}

function success(action: string, result: XmlChildren): HttpResponse {
  const children = {
    ...(Object.keys(result).length > 0 ? { [`${action}Result`]: result } : {}),
    ResponseMetadata: { RequestId: randomUUID() },
  };
  return xmlAnswer(200, xmlDocument(`${action}Response`, children, { namespace }));
}

function failure({ code, message, status }: AwsError): HttpResponse {
  const error = { Type: "Sender", Code: code, Message: message };
  return xmlAnswer(
    status,
    xmlDocument("ErrorResponse", { Error: error, RequestId: randomUUID() }, { namespace }),
  );
}

const xmlAnswer = (status: number, body: string): HttpResponse => ({
  status,
  headers: { "content-type": "text/xml" },
  body,
});
