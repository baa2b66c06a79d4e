import { adminRoleResources } from "./admin-credentials.ts";
import { busResources } from "./buses.ts";
import { type Configured, configuredBy } from "./configured.ts";
import { dashboardResources } from "./dashboard.ts";
import type { Deployment } from "./deployment.ts";
import { handlerNames } from "./handlers.ts";
import { hardened } from "./hardened.ts";
import { type Code, functionResources } from "./lambda.ts";
import { assertWithinLimits } from "./limits.ts";
import { machineResources } from "./machines.ts";
import { peopleOutputs, peopleResources } from "./people.ts";
import type { Resources } from "./statements.ts";
import { warmUpResources } from "./warm-up.ts";
import { yamlResources } from "./yaml.ts";

export interface Template {
  readonly AWSTemplateFormatVersion: "2010-09-09";
  readonly Description: string;
  readonly Resources: Resources;
  readonly Outputs: Readonly<Record<string, { readonly Description?: string; readonly Value: unknown }>>;
}

const files = ["storage.yml", "queues.yml", "schedules.yml", "alarms.yml"];

/**
 * Everything that a deployment is made of, and the only description of it: the packager writes this down, and the
 * local cloud boots from it.
 */
export function renderTemplate(deployment: Deployment, code: Code): Template {
  const Resources = hardened(resourcesOf(deployment, code), deployment);
  assertWithinLimits(Resources);
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: `Rekey (${deployment.environment}): rotates API keys without an outage, and proves it`,
    Resources,
    Outputs: { ...outputs, Configured: configured(configuredBy(deployment)) },
  };
}

function resourcesOf(deployment: Deployment, code: Code): Resources {
  return {
    ...Object.assign({}, ...files.map((file) => yamlResources(file, deployment))),
    ...Object.assign({}, ...handlerNames().map((name) => functionResources(name, deployment, code))),
    ...adminRoleResources(deployment),
    ...machineResources(deployment, code),
    ...warmUpResources(deployment, code),
    ...busResources(deployment),
    ...peopleResources(deployment),
    ...dashboardResources(deployment),
  };
}

const outputs = {
  AdminUrl: {
    Description: "Where `rekey` sends what people order",
    Value: { "Fn::GetAtt": ["AdminLambdaFunctionUrl", "FunctionUrl"] },
  },
  PermitUrl: {
    Description: "Where `rekey exec --permit-url` asks before it restarts its program",
    Value: { "Fn::GetAtt": ["PermitDashrestartLambdaFunctionUrl", "FunctionUrl"] },
  },
  AdminFunctionArn: {
    Description: "What `rekey doctor` asks who may call it",
    Value: { "Fn::GetAtt": ["AdminLambdaFunction", "Arn"] },
  },
  RotationFunctionArn: {
    Description: "The rotation function for secrets whose rotation starts in Secrets Manager",
    Value: { "Fn::GetAtt": ["NativeDashbridgeLambdaFunction", "Arn"] },
  },
  IntakeUrl: {
    Description: "Where senders post alerts of leaked keys",
    Value: { "Fn::GetAtt": ["IntakeLambdaFunctionUrl", "FunctionUrl"] },
  },
  TableName: { Description: "The ledger", Value: { Ref: "Ledger" } },
  RotationMachineArn: { Description: "The rotation machine", Value: { Ref: "RotationMachine" } },
  CompromiseMachineArn: { Description: "The compromise machine", Value: { Ref: "CompromiseMachine" } },
  ReportBusArn: {
    Description: "Where consumers report, and the bus that their roles need events:PutEvents on",
    Value: { "Fn::GetAtt": ["ReportBus", "Arn"] },
  },
  AuditBucketName: {
    Description: "Where checkpoints, certificates and reports lie",
    Value: { Ref: "AuditBucket" },
  },
  AuditKeyArn: {
    Description: "Signs checkpoints of the audit log",
    Value: { "Fn::GetAtt": ["AuditKey", "Arn"] },
  },
  AlarmTopicArn: { Description: "Subscribe the people on call", Value: { Ref: "AlarmTopic" } },
  SweepFunctionName: { Description: "Runs `rekey sweep`", Value: { Ref: "SweepLambdaFunction" } },
  KitFunctionName: { Description: "Runs `rekey kit export`", Value: { Ref: "ExportDashkitLambdaFunction" } },
  ...peopleOutputs,
} as const;

/** The next deployment compares itself with this, so that nothing is dropped by an oversight. */
function configured(what: Configured) {
  return { Description: "What this deployment was told to serve", Value: JSON.stringify(what) };
}

/** What osls hands to a function that a variable names. */
interface Resolver {
  resolveVariable(address: string): Promise<unknown>;
}

/** `functions:` of serverless.yml: only what the packager needs to make the zips and to know their names. */
export async function functions({ resolveVariable }: Resolver) {
  const stage = String(await resolveVariable("sls:stage"));
  return Object.fromEntries(
    handlerNames().map((name) => [
      name,
      {
        name: `rekey-${stage}-${name}`,
        handler: `dist/${name}.handler`,
        // What the bundle consists of is known once it is made: rendered.cjs adds it.
        package: { patterns: ["!**"] },
      },
    ]),
  );
}
