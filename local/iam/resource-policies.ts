import { ofType, type Stack } from "../stack/resolve.ts";
import { type Policy, parsePolicy } from "./policy.ts";

type Given = Readonly<Record<string, unknown>>;

const version = "2012-10-17";

/** By ARN, what the stack's resources say of their callers: buses, queues, buckets, keys and functions. */
export function resourcePoliciesIn(stack: Stack): ReadonlyMap<string, Policy> {
  const statements = new Map<string, unknown[]>();
  const add = (arn: string, given: unknown) => {
    statements.set(arn, [...(statements.get(arn) ?? []), ...[given].flat()]);
  };
  for (const { properties } of ofType(stack, "AWS::Events::EventBusPolicy"))
    add(
      arnOfNamed(stack, { type: "AWS::Events::EventBus", ref: properties["EventBusName"] }),
      properties["Statement"],
    );
  for (const { properties } of ofType(stack, "AWS::SQS::QueuePolicy")) {
    for (const ref of [properties["Queues"]].flat())
      add(arnOfNamed(stack, { type: "AWS::SQS::Queue", ref }), statementsOf(properties["PolicyDocument"]));
  }
  for (const { properties } of ofType(stack, "AWS::S3::BucketPolicy"))
    add(
      arnOfNamed(stack, { type: "AWS::S3::Bucket", ref: properties["Bucket"] }),
      statementsOf(properties["PolicyDocument"]),
    );
  for (const { attributes, properties } of ofType(stack, "AWS::KMS::Key"))
    add(attributes["Arn"] ?? "", statementsOf(properties["KeyPolicy"]));
  for (const { id, properties } of ofType(stack, "AWS::Lambda::Permission"))
    add(String(properties["FunctionName"]), permissionStatement(id, properties));
  return new Map(
    [...statements].map(([arn, Statement]) => [arn, parsePolicy({ Version: version, Statement })]),
  );
}

function arnOfNamed(stack: Stack, { type, ref }: { readonly type: string; readonly ref: unknown }): string {
  const found = ofType(stack, type).find((resource) => resource.ref === ref);
  if (found === undefined)
    throw new Error(`a policy of the stack is for ${String(ref)}, which is no ${type} of it`);
  return found.attributes["Arn"] ?? "";
}

function statementsOf(document: unknown): unknown {
  return (document as Given)["Statement"];
}

/** `AWS::Lambda::Permission` as the statement that Lambda makes of it. */
function permissionStatement(id: string, properties: Given): Given {
  const { FunctionName, Action, Principal, SourceArn, SourceAccount } = properties;
  const { FunctionUrlAuthType, InvokedViaFunctionUrl } = properties;
  const isService = String(Principal).includes(".");
  return {
    Sid: id,
    Effect: "Allow",
    Principal: Principal === "*" ? "*" : { [isService ? "Service" : "AWS"]: Principal },
    ...{ Action, Resource: FunctionName },
    Condition: {
      ...(SourceArn !== undefined && { ArnLike: { "aws:SourceArn": SourceArn } }),
      ...((SourceAccount !== undefined || FunctionUrlAuthType !== undefined) && {
        StringEquals: {
          ...(SourceAccount !== undefined && { "aws:SourceAccount": SourceAccount }),
          ...(FunctionUrlAuthType !== undefined && { "lambda:FunctionUrlAuthType": FunctionUrlAuthType }),
        },
      }),
      ...(InvokedViaFunctionUrl !== undefined && {
        Bool: { "lambda:InvokedViaFunctionUrl": String(InvokedViaFunctionUrl) },
      }),
    },
  };
}

/** An object's policy is its bucket's; every other resource has its own or none. */
export function policyOf(arn: string, policies: ReadonlyMap<string, Policy>): Policy | undefined {
  const [bucketArn = arn] = arn.startsWith("arn:") && arn.split(":")[2] === "s3" ? arn.split("/") : [arn];
  return policies.get(bucketArn);
}
