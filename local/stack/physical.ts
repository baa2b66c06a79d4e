import { createHash } from "node:crypto";
import type { Resource } from "../../serverless/statements.ts";

export interface Place {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  readonly stackName: string;
  /** Two stacks of one name, one after the other, give their resources other names; without it they do not. */
  readonly stackId?: string;
  /** Where the stand-ins answer; queue and function URLs lie below it. */
  readonly url: string;
}

interface Question {
  readonly resource: Resource;
  readonly place: Place;
  resolve(value: unknown): unknown;
  /** The number that the next version of a function gets. */
  nextVersion(functionName: string): string;
}

/** What `Ref` gives, and what `Fn::GetAtt` can ask for. */
export interface Physical {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** The name and the ARN that a resource gets. Throws for a type that the local cloud does not know. */
export function physicalOf(id: string, question: Question): Physical {
  const { Type } = question.resource;
  const identify = Object.hasOwn(types, Type) ? types[Type] : undefined;
  if (identify === undefined)
    throw new Error(`the local cloud does not know resources of type ${Type} (${id})`);
  return identify(id, question);
}

type Identify = (id: string, question: Question) => Physical;

const arn = ({ place }: Question, service: string, rest: string) =>
  `arn:${place.partition}:${service}:${place.region}:${place.account}:${rest}`;

/** The name that the template gives, or one that CloudFormation would make from the stack's and the logical id's. */
function nameOf(
  id: string,
  { property, lower = false }: { property: string; lower?: boolean },
  question: Question,
): string {
  const given = question.resource.Properties[property];
  if (given !== undefined) return String(question.resolve(given));
  const { stackName } = question.place;
  const suffix = digestOf(id, question.place).slice(0, 12);
  const name = `${stackName}-${id}-${suffix}`;
  return lower ? name.toLowerCase() : name;
}

function digestOf(id: string, { stackName, stackId = stackName }: Place): string {
  return createHash("sha256").update(`${stackId}/${id}`).digest("hex");
}

/** Something that only says how two others stand to each other: its name is nobody's business. */
const nameless: Identify = (id, question) => ({
  ref: nameOf(id, { property: "" }, question),
  attributes: {},
});

/** `Ref` is the name; `Arn` ends in it. */
const named =
  (property: string, service: string, prefix: string): Identify =>
  (id, question) => {
    const ref = nameOf(id, { property }, question);
    return { ref, attributes: { Arn: arn(question, service, `${prefix}${ref}`), Name: ref } };
  };

const types: Readonly<Record<string, Identify>> = {
  "AWS::IAM::Role": (id, question) => {
    const ref = nameOf(id, { property: "RoleName" }, question);
    const { partition, account } = question.place;
    const path = String(question.resolve(question.resource.Properties["Path"] ?? "/"));
    return { ref, attributes: { Arn: `arn:${partition}:iam::${account}:role${path}${ref}` } };
  },
  "AWS::IAM::ManagedPolicy": (id, question) => {
    const name = nameOf(id, { property: "ManagedPolicyName" }, question);
    const { partition, account } = question.place;
    return { ref: `arn:${partition}:iam::${account}:policy/${name}`, attributes: {} };
  },
  "AWS::Logs::LogGroup": named("LogGroupName", "logs", "log-group:"),
  "AWS::Lambda::Function": named("FunctionName", "lambda", "function:"),
  "AWS::Lambda::Version": (_, question) => {
    const functionName = String(question.resolve(question.resource.Properties["FunctionName"]));
    const Version = question.nextVersion(functionName);
    return {
      ref: `${arn(question, "lambda", `function:${functionName}`)}:${Version}`,
      attributes: { Version },
    };
  },
  "AWS::Lambda::Permission": nameless,
  "AWS::Lambda::EventInvokeConfig": nameless,
  "AWS::Lambda::Url": (_, question) => {
    const target = String(question.resolve(question.resource.Properties["TargetFunctionArn"]));
    const FunctionUrl = `${question.place.url}/function-urls/${target.split(":").at(-1)}`;
    return { ref: target, attributes: { FunctionUrl, FunctionArn: target } };
  },
  "AWS::CloudWatch::Alarm": named("AlarmName", "cloudwatch", "alarm:"),
  "AWS::CloudWatch::Dashboard": named("DashboardName", "cloudwatch", "dashboard/"),
  "AWS::Events::EventBus": named("Name", "events", "event-bus/"),
  // Its id counts in the whole account and Region, over all stacks and buses.
  "AWS::Events::EventBusPolicy": (_, question) => ({
    ref: String(question.resolve(question.resource.Properties["StatementId"])),
    attributes: {},
  }),
  "AWS::Events::Rule": (id, question) => {
    const name = nameOf(id, { property: "Name" }, question);
    const bus = question.resource.Properties["EventBusName"];
    const path = bus === undefined ? name : `${String(question.resolve(bus))}/${name}`;
    return { ref: path.replace("/", "|"), attributes: { Arn: arn(question, "events", `rule/${path}`) } };
  },
  "AWS::SQS::Queue": (id, question) => {
    const QueueName = nameOf(id, { property: "QueueName" }, question);
    const { url, account } = question.place;
    return {
      ref: `${url}/${account}/${QueueName}`,
      attributes: { Arn: arn(question, "sqs", QueueName), QueueName },
    };
  },
  "AWS::SQS::QueuePolicy": nameless,
  "AWS::S3::Bucket": (id, question) => {
    const ref = nameOf(id, { property: "BucketName", lower: true }, question);
    return { ref, attributes: { Arn: `arn:${question.place.partition}:s3:::${ref}` } };
  },
  "AWS::S3::BucketPolicy": nameless,
  "AWS::KMS::Key": (id, question) => {
    const ref = digestOf(id, question.place).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
    return { ref, attributes: { Arn: arn(question, "kms", `key/${ref}`), KeyId: ref } };
  },
  "AWS::StepFunctions::StateMachine": (id, question) => {
    const Name = nameOf(id, { property: "StateMachineName" }, question);
    const Arn = arn(question, "states", `stateMachine:${Name}`);
    return { ref: Arn, attributes: { Arn, Name } };
  },
  "AWS::DynamoDB::Table": named("TableName", "dynamodb", "table/"),
  "AWS::Scheduler::ScheduleGroup": named("Name", "scheduler", "schedule-group/"),
  "AWS::SNS::Topic": (id, question) => {
    const TopicName = nameOf(id, { property: "TopicName" }, question);
    const ref = arn(question, "sns", TopicName);
    return { ref, attributes: { TopicArn: ref, TopicName } };
  },
};
