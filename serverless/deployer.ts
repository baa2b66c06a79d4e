import type { Deployment } from "./deployment.ts";
import { allow, localArn, type Statement, sub, type Value } from "./statements.ts";

type Actions = readonly string[];

const crud = (noun: string, ...verbs: readonly string[]): Actions => verbs.map((verb) => `${verb}${noun}`);

/** By type of resource, its service, what CloudFormation calls for whoever deploys, and on what. */
export const deploying: Readonly<
  Record<string, { readonly service: string; readonly actions: Actions; readonly on?: readonly string[] }>
> = {
  "AWS::IAM::Role": {
    service: "iam",
    actions: [
      ...crud("Role", "Create", "Get", "Update", "Delete", "Tag", "Untag", "Pass"),
      ...crud("RolePolicy", "Put", "Get", "Delete"),
      ...crud("RolePermissionsBoundary", "Put", "Delete"),
      ...["UpdateAssumeRolePolicy", "ListRolePolicies", "ListAttachedRolePolicies"],
    ],
  },
  "AWS::IAM::ManagedPolicy": {
    service: "iam",
    actions: [
      ...crud("Policy", "Create", "Get", "Delete"),
      ...crud("PolicyVersion", "Create", "Get", "Delete"),
      "ListPolicyVersions",
    ],
  },
  "AWS::Logs::LogGroup": {
    service: "logs",
    actions: [
      ...crud("LogGroup", "Create", "Delete"),
      ...["PutRetentionPolicy", "DescribeLogGroups", "TagResource", "ListTagsForResource"],
    ],
    on: ["log-group:*"],
  },
  "AWS::Lambda::Function": {
    service: "lambda",
    actions: [
      ...crud("Function", "Create", "Get", "Delete"),
      ...[
        "UpdateFunctionCode",
        "UpdateFunctionConfiguration",
        "GetFunctionConfiguration",
        "TagResource",
        "ListTags",
      ],
      ...crud("FunctionConcurrency", "Put", "Delete"),
    ],
    on: ["function:rekey-STAGE-*"],
  },
  "AWS::Lambda::Version": {
    service: "lambda",
    actions: ["PublishVersion", "ListVersionsByFunction"],
    on: ["function:rekey-STAGE-*"],
  },
  "AWS::Lambda::Permission": {
    service: "lambda",
    actions: ["AddPermission", "RemovePermission", "GetPolicy"],
    on: ["function:rekey-STAGE-*"],
  },
  "AWS::Lambda::Url": {
    service: "lambda",
    actions: crud("FunctionUrlConfig", "Create", "Get", "Update", "Delete"),
    on: ["function:rekey-STAGE-*"],
  },
  "AWS::Lambda::EventInvokeConfig": {
    service: "lambda",
    actions: crud("FunctionEventInvokeConfig", "Put", "Get", "Update", "Delete"),
    on: ["function:rekey-STAGE-*"],
  },
  "AWS::Events::EventBus": {
    service: "events",
    actions: crud("EventBus", "Create", "Describe", "Update", "Delete"),
    on: ["event-bus/rekey-*"],
  },
  "AWS::Events::EventBusPolicy": {
    service: "events",
    actions: ["PutPermission", "RemovePermission"],
    on: ["event-bus/rekey-*"],
  },
  "AWS::Events::Rule": {
    service: "events",
    actions: [
      ...crud("Rule", "Put", "Describe", "Delete"),
      ...crud("Targets", "Put", "Remove"),
      "ListTargetsByRule",
    ],
    on: ["rule/*"],
  },
  "AWS::SQS::Queue": {
    service: "sqs",
    actions: [...crud("Queue", "Create", "Delete"), ...crud("QueueAttributes", "Get", "Set"), "GetQueueUrl"],
    on: ["rekey-STAGE-*"],
  },
  "AWS::SQS::QueuePolicy": { service: "sqs", actions: ["SetQueueAttributes"], on: ["rekey-STAGE-*"] },
  "AWS::SNS::Topic": {
    service: "sns",
    actions: [...crud("Topic", "Create", "Delete"), ...crud("TopicAttributes", "Get", "Set"), "TagResource"],
    on: ["rekey-STAGE*"],
  },
  "AWS::S3::Bucket": {
    service: "s3",
    actions: [
      ...crud("Bucket", "Create", "Delete", "List"),
      ...["PutBucketVersioning", "PutBucketObjectLockConfiguration", "PutEncryptionConfiguration"],
      ...["PutBucketOwnershipControls", "PutBucketPublicAccessBlock", "PutBucketTagging"],
    ],
  },
  "AWS::S3::BucketPolicy": { service: "s3", actions: crud("BucketPolicy", "Put", "Get", "Delete") },
  "AWS::KMS::Key": {
    service: "kms",
    actions: [
      ...[
        "CreateKey",
        "DescribeKey",
        "GetKeyPolicy",
        "PutKeyPolicy",
        "EnableKeyRotation",
        "GetKeyRotationStatus",
      ],
      ...["ScheduleKeyDeletion", "TagResource", "UpdateKeyDescription", "CreateGrant"],
    ],
  },
  "AWS::DynamoDB::Table": {
    service: "dynamodb",
    actions: [
      ...crud("Table", "Create", "Describe", "Update", "Delete"),
      ...crud("TimeToLive", "Describe", "Update"),
      ...crud("ContinuousBackups", "Describe", "Update"),
      ...["TagResource", "ListTagsOfResource"],
    ],
    on: ["table/rekey-STAGE-*"],
  },
  "AWS::StepFunctions::StateMachine": {
    service: "states",
    actions: [
      ...crud("StateMachine", "Create", "Describe", "Update", "Delete"),
      "TagResource",
      "ListTagsForResource",
    ],
    on: ["stateMachine:rekey-STAGE-*"],
  },
  "AWS::Scheduler::ScheduleGroup": {
    service: "scheduler",
    actions: [...crud("ScheduleGroup", "Create", "Get", "Delete"), "TagResource", "ListTagsForResource"],
    on: ["schedule-group/rekey-STAGE"],
  },
  "AWS::CloudWatch::Alarm": {
    service: "cloudwatch",
    actions: ["PutMetricAlarm", "DescribeAlarms", "DeleteAlarms", "TagResource"],
    on: ["alarm:rekey-STAGE-*"],
  },
  "AWS::CloudWatch::Dashboard": {
    service: "cloudwatch",
    actions: ["PutDashboard", "GetDashboard", "DeleteDashboards"],
  },
};

/** Services whose new resources have no name that a policy could know, or no Region in their ARN. */
const wide: Readonly<Record<string, (environment: string, path: string) => readonly Value[]>> = {
  iam: (environment, path) =>
    ["role", "policy"].map((kind) =>
      sub(
        `arn:\${AWS::Partition}:iam::\${AWS::AccountId}:${kind}${kind === "role" ? path : "/"}rekey-${environment}-*`,
      ),
    ),
  s3: (environment) => [sub(`arn:\${AWS::Partition}:s3:::rekey-${environment}-*`)],
  kms: () => ["*"],
};

/** What whoever deploys needs: the stack's own resources by their names, and neither secrets nor the ledger's items. */
export function deployerStatements({ environment, rolePath }: Deployment): readonly Statement[] {
  const services = [...new Set(Object.values(deploying).map(({ service }) => service))];
  const stack = sub(
    `arn:\${AWS::Partition}:cloudformation:\${AWS::Region}:\${AWS::AccountId}:stack/rekey-${environment}/*`,
  );
  const changes = ["CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet", "DeleteChangeSet"];
  const stacks = ["CreateStack", "UpdateStack", "DeleteStack", "DescribeStacks", "DescribeStackEvents"];
  return [
    allow("Stack", [...changes, ...stacks, "GetTemplate", "ListStackResources"].map(onStacks), [stack]),
    allow("Validate", [onStacks("ValidateTemplate")], ["*"]),
    ...services.map((service) => {
      const rows = Object.values(deploying).filter((row) => row.service === service);
      const actions = [...new Set(rows.flatMap((row) => row.actions))].map(
        (action) => `${service}:${action}`,
      );
      const named = [...new Set(rows.flatMap(({ on = [] }) => on))].map((rest) =>
        localArn(service, rest.replace("STAGE", environment)),
      );
      const unnamed = wide[service]?.(environment, rolePath) ?? ["*"];
      // The dashboard's ARN has no Region, and its name is global.
      const on = service === "cloudwatch" || named.length === 0 ? unnamed : named;
      return allow(`Deploy${service.toUpperCase()}`, actions, on);
    }),
  ];
}

function onStacks(action: string): string {
  return `cloudformation:${action}`;
}

/** The policy as a document with nothing left to resolve: it has to exist before the stack does. */
export function deployerPolicy(
  deployment: Deployment,
  { account, partition }: { readonly account: string; readonly partition: string },
): unknown {
  const known: Readonly<Record<string, string>> = {
    "AWS::Partition": partition,
    "AWS::Region": deployment.region,
    "AWS::AccountId": account,
  };
  const document = { Version: "2012-10-17", Statement: deployerStatements(deployment) };
  return JSON.parse(JSON.stringify(document), (_, value) =>
    typeof value?.["Fn::Sub"] === "string"
      ? value["Fn::Sub"].replaceAll(/\$\{([^}]+)\}/g, (found: string, name: string) => known[name] ?? found)
      : value,
  );
}
