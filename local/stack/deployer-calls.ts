import { deploying } from "../../serverless/deployer.ts";
import { localBucket } from "../code.ts";
import { type Asked, arnIn } from "../iam/asked.ts";
import type { Place, StackResource } from "./resolve.ts";

export type Verb = "CREATE" | "UPDATE" | "DELETE";

const making = /^Create/;
const removing = /^(?:Delete|Remove|Untag|ScheduleKeyDeletion)/;
/** Lent to a service: asked about with what it is lent to. */
const lending = "PassRole";

const isFor: Readonly<Record<Verb, (action: string) => boolean>> = {
  CREATE: (action) => !removing.test(action),
  UPDATE: (action) => !making.test(action) && action !== "ScheduleKeyDeletion",
  DELETE: (action) => removing.test(action) || /^(?:Describe|Get|List)/.test(action),
};

/** What CloudFormation calls for whoever deploys, to make, change or remove one resource. */
export function deployerCalls(resource: StackResource, verb: Verb, place: Place): readonly Asked[] {
  const row = deploying[resource.type];
  if (row === undefined) return [];
  const arn = arnOf(resource, place);
  const own = row.actions
    .filter((action) => action !== lending && isFor[verb](action))
    .map((action) => ({ action: `${row.service}:${action}`, resource: arn }));
  return verb === "DELETE" ? own : [...own, ...roleLent(resource), ...codeRead(resource, place)];
}

/** What an action on a resource of this type is asked about: a policy, a URL or a version is its owner's. */
export function arnOf(resource: StackResource, place: Place): string {
  const owner = Object.hasOwn(ownerOf, resource.type) ? ownerOf[resource.type] : undefined;
  return owner?.(resource, place) ?? resource.attributes["Arn"] ?? resource.ref;
}

const ownerOf: Readonly<Record<string, (resource: StackResource, place: Place) => string>> = {
  "AWS::Lambda::Version": ({ ref }) => ref.replace(/:\d+$/, ""),
  "AWS::Lambda::Permission": ({ properties }, place) => functionArn(properties["FunctionName"], place),
  "AWS::Lambda::Url": ({ properties }, place) => functionArn(properties["TargetFunctionArn"], place),
  "AWS::Lambda::EventInvokeConfig": ({ properties }, place) => functionArn(properties["FunctionName"], place),
  "AWS::Events::EventBusPolicy": ({ properties }, place) =>
    arnIn(place, "events", `event-bus/${String(properties["EventBusName"])}`),
  "AWS::SQS::QueuePolicy": ({ properties }, place) =>
    arnIn(place, "sqs", String([properties["Queues"]].flat()[0]).replace(/^.*\//, "")),
  "AWS::S3::BucketPolicy": ({ properties }, { partition }) =>
    `arn:${partition}:s3:::${String(properties["Bucket"])}`,
  "AWS::CloudWatch::Dashboard": ({ ref }, { partition, account }) =>
    `arn:${partition}:cloudwatch::${account}:dashboard/${ref}`,
};

function functionArn(nameOrArn: unknown, place: Place): string {
  const text = String(nameOrArn);
  return text.startsWith("arn:") ? text : arnIn(place, "lambda", `function:${text}`);
}

const lentTo: Readonly<Record<string, readonly [property: string, service: string]>> = {
  "AWS::Lambda::Function": ["Role", "lambda.amazonaws.com"],
  "AWS::StepFunctions::StateMachine": ["RoleArn", "states.amazonaws.com"],
};

function roleLent({ type, properties }: StackResource): readonly Asked[] {
  const [property = "", service = ""] = lentTo[type] ?? [];
  const role = properties[property];
  if (typeof role !== "string") return [];
  return [{ action: `iam:${lending}`, resource: role, context: { "iam:passedtoservice": service } }];
}

/** Lambda reads a zip with the rights of whoever deploys it. */
function codeRead({ type, properties }: StackResource, { partition }: Place): readonly Asked[] {
  const { S3Bucket, S3Key } = (properties["Code"] ?? {}) as {
    readonly S3Bucket?: string;
    readonly S3Key?: string;
  };
  if (type !== "AWS::Lambda::Function" || S3Bucket === undefined || S3Bucket === localBucket) return [];
  return [{ action: "s3:GetObject", resource: `arn:${partition}:s3:::${S3Bucket}/${S3Key}` }];
}
