import { DeleteTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createTable } from "../../ledger/dynamodb.ts";
import type { EventBridge } from "../aws/event-bridge.ts";
import type { Kms } from "../aws/kms.ts";
import type { S3 } from "../aws/s3.ts";
import type { Scheduler } from "../aws/scheduler.ts";
import { AwsError } from "../aws/service.ts";
import type { Sns } from "../aws/sns.ts";
import type { Sqs } from "../aws/sqs.ts";
import type { StepFunctions } from "../aws/step-functions.ts";
import type { CodeSource } from "../code.ts";
import type { Functions } from "../functions.ts";
import type { Guard } from "../iam/guard.ts";
import { parsePolicy } from "../iam/policy.ts";
import { rolesIn } from "../iam/roles.ts";
import { assertLogsReach } from "./guarded.ts";
import { machineOf, text } from "./read.ts";
import type { StackResource } from "./resolve.ts";

/** The stand-ins that resources are made in. */
export interface Services {
  readonly bus: EventBridge;
  readonly topics: Sns;
  readonly states: StepFunctions;
  readonly schedules: Scheduler;
  readonly objects: S3;
  readonly keys: Kms;
  readonly queues: Sqs;
  readonly functions: Functions;
  readonly code: CodeSource;
  readonly guard: Guard;
  tables(): DynamoDBClient;
  /** What Lambda itself puts into a function's environment, its credentials among it. */
  envOf(functionName: string, roleArn: string): Readonly<Record<string, string>>;
  /** Whether the function's role lets it write its log. */
  mayLog(functionName: string): boolean;
  /** Documents of the policies that a role's boundary may name, by ARN. */
  readonly boundaries: Readonly<Record<string, unknown>> | undefined;
}

type Act = (resource: StackResource, services: Services) => void | Promise<void>;

interface Provision {
  /** Makes it, or refuses what the local cloud does not understand in it. */
  readonly create?: Act;
  /** Takes away what a `create` of several calls made before one of them failed. */
  readonly undoCreate?: Act;
  /** Brings it to what the new template says; without it, what the stack says is read at each use. */
  readonly update?: Act;
  readonly delete?: Act;
  /** Properties that cannot change without another resource taking its place. */
  readonly fixed?: readonly string[];
}

/** Decides or describes what others do, and is read from the stack itself. */
const onlyRead: Provision = {};
/** On a laptop nothing is measured, and logs go to the terminal. */
const unused: Provision = {};

const role: Act = (resource, { boundaries }) => void rolesIn(new Map([[resource.id, resource]]), boundaries);

const policy: Act = ({ properties }) => void parsePolicy(properties["PolicyDocument"]);

const putRule: Act = async ({ properties }, { bus }) => {
  const { Name, EventBusName, State, EventPattern, ScheduleExpression, Targets } = properties;
  const named = { ...(EventBusName !== undefined && { EventBusName }) };
  const heard =
    EventPattern === undefined ? { ScheduleExpression } : { EventPattern: JSON.stringify(EventPattern) };
  await bus.call("PutRule", { Name, ...named, State, ...heard }, nobody);
  await bus.call("RemoveTargets", { Rule: Name, ...named, Ids: await targetIds(properties, bus) }, nobody);
  await bus.call("PutTargets", { Rule: Name, ...named, Targets }, nobody);
};

const dropRule: Act = async ({ properties }, { bus }) => {
  const { Name, EventBusName } = properties;
  const named = { ...(EventBusName !== undefined && { EventBusName }) };
  await bus.call("RemoveTargets", { Rule: Name, ...named, Ids: await targetIds(properties, bus) }, nobody);
  await bus.call("DeleteRule", { Name, ...named }, nobody);
};

/** A rule that PutRule itself refused is not there. */
const dropHalfRule: Act = (resource, services) =>
  Promise.resolve(dropRule(resource, services)).catch((error: unknown) => {
    if (!(error instanceof AwsError && error.code === "ResourceNotFoundException")) throw error;
  });

async function targetIds({ Name, EventBusName }: StackResource["properties"], bus: EventBridge) {
  const asked = { Rule: Name, ...(EventBusName !== undefined && { EventBusName }) };
  const { Targets } = (await bus.call("ListTargetsByRule", asked, nobody)) as {
    readonly Targets: readonly { readonly Id: string }[];
  };
  return Targets.map(({ Id }) => Id);
}

const deployFunction: Act = async ({ ref, properties }, services) => {
  const { Variables } = properties["Environment"] as { Variables: Readonly<Record<string, string>> };
  services.functions.deploy(ref, {
    handler: text(properties, "Handler"),
    code: await services.code.find(properties["Code"] as { S3Bucket: string; S3Key: string }),
    env: { ...Variables, ...services.envOf(ref, text(properties, "Role")) },
    timeoutMs: Number(properties["Timeout"]) * 1_000,
    isLogged: () => services.mayLog(ref),
  });
};

/** Of a version's ARN, the function's name and the number. */
function versionIn({ ref }: StackResource): { readonly name: string; readonly version: string } {
  const [name = "", version = ""] = ref.split(":").slice(-2);
  return { name, version };
}

const deployMachine: Act = (resource, { states, guard }) => {
  assertLogsReach(resource, guard);
  states.deploy(resource.attributes["Name"] ?? "", machineOf(resource));
};

const putQueue: Act = ({ attributes, properties }, { queues }) => {
  const { QueueName: _name, Tags: _tags, ...given } = properties;
  queues.add(attributes["Arn"] ?? "", given);
};

const nobody = { accessKeyId: "", account: "", arn: "" };

/** How each type of resource is made in the stand-ins. One that is not here is refused by its name. */
const provisions: Readonly<Record<string, Provision>> = {
  "AWS::IAM::Role": { create: role, update: role },
  "AWS::IAM::ManagedPolicy": { create: policy, update: policy },
  "AWS::Logs::LogGroup": unused,
  "AWS::Lambda::Function": {
    create: deployFunction,
    update: deployFunction,
    delete: ({ ref }, { functions }) => functions.remove(ref),
  },
  "AWS::Lambda::Version": {
    create: (resource, { functions }) => {
      const { name, version } = versionIn(resource);
      functions.publish(name, { version, sha256: text(resource.properties, "CodeSha256") });
    },
    delete: (resource, { functions }) => {
      const { name, version } = versionIn(resource);
      functions.removeVersion(name, version);
    },
    fixed: ["FunctionName", "CodeSha256"],
  },
  "AWS::Lambda::Permission": onlyRead,
  "AWS::Lambda::EventInvokeConfig": onlyRead,
  "AWS::Lambda::Url": onlyRead,
  "AWS::CloudWatch::Alarm": unused,
  "AWS::CloudWatch::Dashboard": unused,
  "AWS::Events::EventBus": {
    create: async ({ ref }, { bus }) => void (await bus.call("CreateEventBus", { Name: ref }, nobody)),
    delete: async ({ ref }, { bus }) => void (await bus.call("DeleteEventBus", { Name: ref }, nobody)),
  },
  "AWS::Events::EventBusPolicy": onlyRead,
  "AWS::Events::Rule": { create: putRule, undoCreate: dropHalfRule, update: putRule, delete: dropRule },
  "AWS::SQS::Queue": {
    create: putQueue,
    update: putQueue,
    delete: ({ attributes }, { queues }) => queues.drop(attributes["Arn"] ?? ""),
  },
  "AWS::SQS::QueuePolicy": onlyRead,
  "AWS::S3::Bucket": {
    create: ({ ref, properties }, { objects }) =>
      objects.create({ name: ref, objectLock: properties["ObjectLockEnabled"] === true }),
    delete: ({ ref }, { objects }) => objects.remove(ref),
    fixed: ["ObjectLockEnabled"],
  },
  "AWS::S3::BucketPolicy": onlyRead,
  "AWS::KMS::Key": {
    create: ({ ref, properties }, { keys }) => {
      if (properties["KeySpec"] === "ECC_NIST_P256") keys.add(ref);
    },
    delete: ({ ref, properties }, { keys }) => {
      if (properties["KeySpec"] === "ECC_NIST_P256") keys.drop(ref);
    },
    fixed: ["KeySpec", "KeyUsage"],
  },
  "AWS::StepFunctions::StateMachine": {
    create: deployMachine,
    update: deployMachine,
    delete: ({ ref }, { states }) => states.drop(ref),
    fixed: ["StateMachineType"],
  },
  "AWS::DynamoDB::Table": {
    create: ({ ref }, { tables }) => createTable(tables(), ref),
    delete: async ({ ref, properties }, { tables }) => {
      if (properties["DeletionProtectionEnabled"] === true)
        throw new Error(`${ref} can't be deleted: deletion protection is enabled`);
      await tables().send(new DeleteTableCommand({ TableName: ref }));
    },
    fixed: ["KeySchema", "AttributeDefinitions"],
  },
  "AWS::Scheduler::ScheduleGroup": {
    create: ({ ref }, { schedules }) => schedules.addGroup(ref),
    delete: ({ ref }, { schedules }) => schedules.dropGroup(ref),
  },
  "AWS::SNS::Topic": {
    create: ({ ref }, { topics }) => topics.add(ref),
    delete: ({ ref }, { topics }) => topics.drop(ref),
  },
};

export function provisionOf({ type, id }: Pick<StackResource, "type" | "id">): Provision {
  const found = Object.hasOwn(provisions, type) ? provisions[type] : undefined;
  if (found === undefined) throw new Error(`the local cloud does nothing with ${type} (${id})`);
  return found;
}
