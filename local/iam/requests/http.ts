import type { HttpRequest } from "../../aws/service.ts";
import { type Ask, type Asked, arnIn, type Call, type Known, type Operations, textIn } from "../asked.ts";

function requestOf({ request, service }: Call): HttpRequest {
  if (request === undefined) throw new Error(`a call of ${service} came without its request`);
  return request;
}

/** By name, partial ARN or ARN, each with or without a version. */
function functionName(given: string): { readonly name: string; readonly qualifier?: string | undefined } {
  const [, name = given, qualifier] =
    /^(?:arn:[^:]+:lambda:[^:]+:)?(?:\d{12}:)?(?:function:)?([\w-]+)(?::([$\w-]+))?$/.exec(given) ?? [];
  return { name, qualifier };
}

/** A call of a version or an alias is judged on the ARN that names it. */
const onFunction =
  (action: string): Ask =>
  ({ request, input }, known) => {
    const asked = request
      ? decodeURIComponent(request.path.split("/")[3] ?? "")
      : textIn(input, "FunctionName");
    const { name, qualifier = request?.query.get("Qualifier") ?? undefined } = functionName(asked);
    const end = qualifier === undefined ? "" : `:${qualifier}`;
    return [{ action: `lambda:${action}`, resource: arnIn(known, "lambda", `function:${name}${end}`) }];
  };

/** A URL asks for two permissions: to call the URL, and to have the function run through it. */
function functionUrl(call: Call, known: Known): readonly Asked[] {
  const name = requestOf(call).path.split("/")[2] ?? "";
  const auth = known.urlAuth(name) ?? "AWS_IAM";
  const resource = arnIn(known, "lambda", `function:${name}`);
  const anyone = auth === "NONE" ? ({ isAnonymous: true } as const) : {};
  return [
    {
      ...{ action: "lambda:InvokeFunctionUrl", resource, ...anyone },
      context: { "lambda:functionurlauthtype": auth },
    },
    {
      ...{ action: "lambda:InvokeFunction", resource, ...anyone },
      context: { "lambda:invokedviafunctionurl": "true" },
    },
  ];
}

export const lambdaRequests: Operations = {
  Invoke: onFunction("InvokeFunction"),
  GetFunctionConfiguration: onFunction("GetFunctionConfiguration"),
  FunctionUrl: functionUrl,
};

function bodyOf({ body }: HttpRequest): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(body.toString() || "{}");
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function scheduleName({ path }: HttpRequest): string {
  return decodeURIComponent(path.split("/")[2] ?? "");
}

/** Whoever puts a schedule lends it a role, which is a permission of its own. */
function puttingSchedule(operation: string): Ask {
  return (call, known) => {
    const request = requestOf(call);
    const { GroupName = "default", Target } = bodyOf(request);
    const { RoleArn = "" } = (Target ?? {}) as { readonly RoleArn?: unknown };
    const resource = arnIn(known, "scheduler", `schedule/${GroupName}/${scheduleName(request)}`);
    return [
      { action: `scheduler:${operation}`, resource },
      {
        ...{ action: "iam:PassRole", resource: String(RoleArn) },
        context: { "iam:passedtoservice": "scheduler.amazonaws.com" },
      },
    ];
  };
}

function onSchedule(operation: string): Ask {
  return (call, known) => {
    const request = requestOf(call);
    const group = request.query.get("groupName") ?? "default";
    const resource = arnIn(known, "scheduler", `schedule/${group}/${scheduleName(request)}`);
    return [{ action: `scheduler:${operation}`, resource }];
  };
}

export const schedulerRequests: Operations = {
  CreateSchedule: puttingSchedule("CreateSchedule"),
  UpdateSchedule: puttingSchedule("UpdateSchedule"),
  GetSchedule: onSchedule("GetSchedule"),
  DeleteSchedule: onSchedule("DeleteSchedule"),
  ListSchedules: () => [{ action: "scheduler:ListSchedules", resource: "*" }],
};

function objectOf(call: Call, known: Known) {
  const { path, headers, query } = requestOf(call);
  const [, bucket = "", key = ""] = /^\/([^/]*)\/?(.*)$/s.exec(path) ?? [];
  const bucketArn = `arn:${known.partition}:s3:::${decodeURIComponent(bucket)}`;
  return { bucketArn, objectArn: `${bucketArn}/${decodeURIComponent(key)}`, headers, query };
}

/** Locking an object at its writing is a permission beside the writing. */
function putObject(call: Call, known: Known): readonly Asked[] {
  const { objectArn: resource, headers } = objectOf(call, known);
  const mode = headers["x-amz-object-lock-mode"];
  const context = mode === undefined ? {} : { "s3:object-lock-mode": mode };
  const put = { action: "s3:PutObject", resource, context };
  return mode === undefined ? [put] : [put, { action: "s3:PutObjectRetention", resource, context }];
}

function getObject(call: Call, known: Known): readonly Asked[] {
  const { objectArn: resource, query } = objectOf(call, known);
  return [{ action: query.has("versionId") ? "s3:GetObjectVersion" : "s3:GetObject", resource }];
}

const onBucket =
  (action: string): Ask =>
  (call, known) => {
    const { bucketArn: resource, query } = objectOf(call, known);
    return [{ action: `s3:${action}`, resource, context: { "s3:prefix": query.get("prefix") ?? "" } }];
  };

export const s3Requests: Operations = {
  PutObject: putObject,
  GetObject: getObject,
  HeadObject: getObject,
  DeleteObject: (call, known) => {
    const { objectArn: resource, query } = objectOf(call, known);
    return [{ action: query.has("versionId") ? "s3:DeleteObjectVersion" : "s3:DeleteObject", resource }];
  },
  ListObjectsV2: onBucket("ListBucket"),
  HeadBucket: onBucket("ListBucket"),
  CreateBucket: onBucket("CreateBucket"),
  ListObjectVersions: onBucket("ListBucketVersions"),
};

export const snsRequests: Operations = {
  Publish: ({ request, input }) => {
    const form = request ? new URLSearchParams(request.body.toString()) : undefined;
    const topic = form ? (form.get("TopicArn") ?? form.get("TargetArn") ?? "") : textIn(input, "TopicArn");
    return [{ action: "sns:Publish", resource: topic }];
  },
};

const onStack =
  (action: string): Ask =>
  (call, known) => {
    const asked = new URLSearchParams(requestOf(call).body.toString()).get("StackName");
    const resource = asked?.startsWith("arn:")
      ? asked
      : asked && arnIn(known, "cloudformation", `stack/${asked}/local`);
    return [{ action: `cloudformation:${action}`, resource: resource ?? "*" }];
  };

const stackActions = [
  ...["DescribeStacks", "DescribeStackEvents", "CreateStack", "UpdateStack", "DeleteStack", "GetTemplate"],
  ...["CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet", "DeleteChangeSet"],
];

export const cloudFormationRequests: Operations = Object.fromEntries(
  stackActions.map((action) => [action, onStack(action)]),
);

/** Whoever has credentials may ask whose they are; not even a Deny can forbid it. */
export const stsRequests: Operations = {
  GetCallerIdentity: () => [],
  AssumeRole: (call) => {
    const resource = new URLSearchParams(requestOf(call).body.toString()).get("RoleArn") ?? "*";
    return [{ action: "sts:AssumeRole", resource }];
  },
};
