import { readdirSync, readFileSync } from "node:fs";
import type { Deployment } from "./deployment.ts";
import { handlerNames, logicalName, stateName } from "./handlers.ts";
import { type Code, versionId } from "./lambda.ts";
import { trust } from "./roles.ts";
import { arnOf, machineArn, type Resources, type Statement, sub, type Value } from "./statements.ts";

const folder = new URL("../statemachines/", import.meta.url);
const suffix = ".asl.json";

export interface Machine {
  /** "rotation" for statemachines/rotation.asl.json. */
  readonly name: string;
  readonly text: string;
}

export function machines(): readonly Machine[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(suffix))
    .sort()
    .map((file) => ({
      name: file.slice(0, -suffix.length),
      text: readFileSync(new URL(file, folder), "utf8"),
    }));
}

export function machineId(name: string): string {
  return `${stateName(name)}Machine`;
}

/** Each machine with its log and its role. */
export function machineResources(deployment: Deployment, code: Code): Resources {
  return Object.assign({}, ...machines().map((machine) => resourcesOf(machine, deployment, code)));
}

function resourcesOf({ name, text }: Machine, deployment: Deployment, code: Code): Resources {
  const { environment, logRetentionDays } = deployment;
  const id = machineId(name);
  const functionNames = calledFunctions(text);
  return {
    [`${id}Log`]: {
      Type: "AWS::Logs::LogGroup",
      Properties: {
        // Names outside /aws/vendedlogs/ fill up the account's one log resource policy.
        LogGroupName: `/aws/vendedlogs/states/rekey-${environment}-${name}`,
        RetentionInDays: logRetentionDays,
      },
    },
    [`${id}Role`]: {
      Type: "AWS::IAM::Role",
      Properties: {
        AssumeRolePolicyDocument: trust("states.amazonaws.com", machineArn(environment, name)),
        Policies: [
          {
            PolicyName: name,
            PolicyDocument: { Version: "2012-10-17", Statement: roleStatements(functionNames) },
          },
        ],
      },
    },
    [id]: {
      Type: "AWS::StepFunctions::StateMachine",
      Properties: {
        StateMachineName: `rekey-${environment}-${name}`,
        StateMachineType: "STANDARD",
        RoleArn: arnOf(`${id}Role`),
        // As text: a packager that tidies objects takes every null out, and "ResultPath": null is what keeps the state.
        DefinitionString: JSON.stringify(JSON.parse(text)),
        DefinitionSubstitutions: substitutions(functionNames, deployment, code),
        LoggingConfiguration: {
          Level: "ALL",
          // State data holds ids only, but the log is read by more people than the console is.
          IncludeExecutionData: false,
          Destinations: [{ CloudWatchLogsLogGroup: { LogGroupArn: arnOf(`${id}Log`) } }],
        },
        TracingConfiguration: { Enabled: true },
      },
    },
  };
}

export function placeholdersIn(text: string): readonly string[] {
  return [...new Set([...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = ""]) => name))];
}

/** Placeholders in a definition that are not functions. The partition is not "aws" in China and GovCloud. */
const surroundings: Readonly<Record<string, Value>> = {
  BusName: { Ref: "Bus" },
  Partition: { Ref: "AWS::Partition" },
};

/** The functions that a definition names. Any other placeholder that is not in `surroundings` is a mistake. */
export function calledFunctions(text: string): readonly string[] {
  const names = handlerNames();
  return placeholdersIn(text)
    .filter((placeholder) => !Object.hasOwn(surroundings, placeholder))
    .map((placeholder) => {
      const name = names.find((candidate) => `${stateName(candidate)}Arn` === placeholder);
      if (name === undefined) throw new Error(`no function stands behind \${${placeholder}}`);
      return name;
    });
}

/** The published version, so that a running execution keeps its functions through an upgrade. */
function substitutions(
  functionNames: readonly string[],
  deployment: Deployment,
  code: Code,
): Readonly<Record<string, Value>> {
  const versions = functionNames.map((name) => [
    `${stateName(name)}Arn`,
    { Ref: versionId(name, deployment, code) },
  ]);
  return { ...Object.fromEntries(versions), ...surroundings };
}

function roleStatements(functionNames: readonly string[]): readonly Statement[] {
  return [
    {
      Sid: "InvokeVersions",
      Effect: "Allow",
      Action: ["lambda:InvokeFunction"],
      // Every version, not only the newest: executions that began before an upgrade still call theirs.
      Resource: functionNames.map((name) => sub(`\${${logicalName(name)}LambdaFunction.Arn}:*`)),
    },
    { Sid: "Announce", Effect: "Allow", Action: ["events:PutEvents"], Resource: [arnOf("Bus")] },
    {
      Sid: "DeliverLogs",
      Effect: "Allow",
      Action: [
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
      ],
      Resource: ["*"],
    },
    {
      Sid: "Trace",
      Effect: "Allow",
      Action: [
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
      ],
      Resource: ["*"],
    },
  ];
}
