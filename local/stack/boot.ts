import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { LogLine } from "../../functions/deps.ts";
import { createTable } from "../../ledger/dynamodb.ts";
import type { EventBridge } from "../aws/event-bridge.ts";
import type { FunctionUrl } from "../aws/lambda/function-url.ts";
import type { GivenMachine } from "../aws/step-functions/machines.ts";
import { type DeployedFunction, type Functions, startFunctions } from "../functions.ts";
import { ofType, type Stack, type StackResource } from "./resolve.ts";

type Properties = StackResource["properties"];

/** Every type that a stand-in is made from here, or that the local cloud reads elsewhere or has no use for. */
const used: Readonly<Record<string, string>> = {
  "AWS::IAM::Role": "decides the calls of whoever runs under it",
  "AWS::IAM::ManagedPolicy": "decides the calls of people and consumers",
  "AWS::Logs::LogGroup": "logs go to the terminal",
  "AWS::Lambda::Function": "runs from its bundle",
  "AWS::Lambda::Version": "is what the machines call",
  "AWS::Lambda::Permission": "decides who may call a function",
  "AWS::Lambda::EventInvokeConfig": "what a function failed on is kept in its queue",
  "AWS::Lambda::Url": "is answered below /function-urls/",
  "AWS::CloudWatch::Alarm": "nothing is measured on a laptop",
  "AWS::CloudWatch::Dashboard": "nothing is measured on a laptop",
  "AWS::Events::EventBus": "a bus of the stand-in",
  "AWS::Events::EventBusPolicy": "decides who may put which events",
  "AWS::Events::Rule": "a rule of the stand-in",
  "AWS::SQS::Queue": "a queue of the stand-in",
  "AWS::SQS::QueuePolicy": "decides who may send",
  "AWS::S3::Bucket": "a bucket of the stand-in",
  "AWS::S3::BucketPolicy": "decides who may read and write",
  "AWS::KMS::Key": "a key of the stand-in",
  "AWS::StepFunctions::StateMachine": "a machine of the stand-in",
  "AWS::DynamoDB::Table": "a table of dynalite",
  "AWS::Scheduler::ScheduleGroup": "a group of the stand-in",
  "AWS::SNS::Topic": "a topic of the stand-in",
};

/** Throws for a resource type that nothing here looks at, before anything starts. */
export function assertAllUsed(stack: Stack): void {
  const strange = [...stack.values()].find(({ type }) => !Object.hasOwn(used, type));
  if (strange) throw new Error(`the local cloud does nothing with ${strange.type} (${strange.id})`);
}

export function busNames(stack: Stack): readonly string[] {
  return ofType(stack, "AWS::Events::EventBus").map(({ ref }) => ref);
}

export function machinesIn(stack: Stack): Readonly<Record<string, GivenMachine>> {
  return Object.fromEntries(
    ofType(stack, "AWS::StepFunctions::StateMachine").map(({ ref, attributes, properties }) => [
      attributes["Name"] ?? "",
      {
        arn: ref,
        roleArn: text(properties, "RoleArn"),
        definition: JSON.parse(text(properties, "DefinitionString")),
        substitutions: properties["DefinitionSubstitutions"] as Readonly<Record<string, string>>,
      },
    ]),
  );
}

export function bucketsIn(stack: Stack) {
  return ofType(stack, "AWS::S3::Bucket").map(({ ref, properties }) => ({
    name: ref,
    objectLock: properties["ObjectLockEnabled"] === true,
  }));
}

/** ARNs. */
export function topicsIn(stack: Stack): readonly string[] {
  return ofType(stack, "AWS::SNS::Topic").map(({ ref }) => ref);
}

/** Names. */
export function groupsIn(stack: Stack): readonly string[] {
  return ofType(stack, "AWS::Scheduler::ScheduleGroup").map(({ ref }) => ref);
}

/** Key ids. */
export function signingKeysIn(stack: Stack): readonly string[] {
  return ofType(stack, "AWS::KMS::Key")
    .filter(({ properties }) => properties["KeySpec"] === "ECC_NIST_P256")
    .map(({ ref }) => ref);
}

export function functionUrlsIn(stack: Stack): Readonly<Record<string, FunctionUrl>> {
  return Object.fromEntries(
    ofType(stack, "AWS::Lambda::Url").map(({ ref, properties }) => [
      ref.split(":").at(-1) ?? "",
      { auth: text(properties, "AuthType") === "NONE" ? "NONE" : "AWS_IAM" },
    ]),
  );
}

/** In ms, by function name. */
export function timeoutsIn(stack: Stack): Readonly<Record<string, number>> {
  return Object.fromEntries(
    ofType(stack, "AWS::Lambda::Function").map(({ ref, properties }) => [
      ref,
      Number(properties["Timeout"]) * 1_000,
    ]),
  );
}

export async function makeTables(stack: Stack, client: DynamoDBClient): Promise<void> {
  for (const { ref } of ofType(stack, "AWS::DynamoDB::Table")) await createTable(client, ref);
}

/** Every rule on its bus; those with a clock fire from now on. */
export async function makeRules(stack: Stack, bus: EventBridge): Promise<void> {
  for (const { properties } of ofType(stack, "AWS::Events::Rule")) {
    const { Name, EventBusName, State, EventPattern, ScheduleExpression, Targets } = properties;
    const named = { ...(EventBusName !== undefined && { EventBusName }) };
    const heard =
      EventPattern === undefined ? { ScheduleExpression } : { EventPattern: JSON.stringify(EventPattern) };
    await bus.call("PutRule", { Name, ...named, State, ...heard }, nobody);
    await bus.call("PutTargets", { Rule: Name, ...named, Targets }, nobody);
  }
}

const nobody = { accessKeyId: "", account: "", arn: "" };

/** Each function with the environment that the template gives it, and what AWS adds. */
export function startStackFunctions(
  stack: Stack,
  options: {
    /** What Lambda itself puts into a function's environment; its credentials among it. */
    readonly envOf: (functionName: string) => Readonly<Record<string, string>>;
    /** Whether its role lets it write its log. */
    mayLog(functionName: string): boolean;
    onLog(line: LogLine): void;
  },
): Promise<Functions> {
  const deployed = ofType(stack, "AWS::Lambda::Function").map(({ ref, properties }) => {
    const { Variables } = properties["Environment"] as { Variables: Readonly<Record<string, string>> };
    const given: DeployedFunction = {
      handler: text(properties, "Handler"),
      env: { ...Variables, ...options.envOf(ref) },
      isLogged: options.mayLog(ref),
    };
    return [ref, given] as const;
  });
  return startFunctions(Object.fromEntries(deployed), options);
}

function text(properties: Properties, name: string): string {
  const value = properties[name];
  if (typeof value === "string") return value;
  throw new Error(`the template gives no ${name} where the local cloud needs one`);
}
