import { createHash } from "node:crypto";
import { adminRoleVariables } from "./admin-credentials.ts";
import type { Deployment } from "./deployment.ts";
import { environmentFor } from "./environment.ts";
import { type FunctionRow, timeoutSecondsDefault } from "./function-row.ts";
import { functions } from "./functions.ts";
import { logicalName } from "./handlers.ts";
import { callsProviders } from "./providers.ts";
import { isAsync, roleId, roleOf } from "./roles.ts";
import { ruleResources } from "./rules.ts";
import { arnOf, type Resources } from "./statements.ts";
import { hasVaults } from "./vaults.ts";

/** Where the zip of each function lies, and what is in it. */
export interface Code {
  /** The `Code` of AWS::Lambda::Function. */
  location(functionName: string): Readonly<Record<string, unknown>>;
  /** SHA-256 of the zip, in base64. */
  sha256(functionName: string): string;
}

const runtime = { Runtime: "nodejs24.x", Architectures: ["arm64"], MemorySize: 512 } as const;
const intakeUrl = { "Fn::GetAtt": ["IntakeLambdaFunctionUrl", "FunctionUrl"] };

/** One function with its log, its role, its published version and all that may call it. */
export function functionResources(name: string, deployment: Deployment, code: Code): Resources {
  const row = rowOf(name);
  const id = logicalName(name);
  const properties = propertiesOf(name, { row, deployment });
  return {
    [`${id}LogGroup`]: {
      Type: "AWS::Logs::LogGroup",
      Properties: {
        LogGroupName: `/aws/lambda/${functionName(name, deployment)}`,
        RetentionInDays: deployment.logRetentionDays,
      },
    },
    [roleId(name)]: roleOf(name, row, deployment),
    [`${id}LambdaFunction`]: {
      Type: "AWS::Lambda::Function",
      DependsOn: [`${id}LogGroup`],
      Properties: { ...properties, ...concurrencyOf(row, deployment), Code: code.location(name) },
    },
    [versionId(name, deployment, code)]: {
      Type: "AWS::Lambda::Version",
      // A running execution keeps the functions it began with, through every upgrade. One that a failed upgrade left
      // behind would be the newest: Lambda makes no second one of the same code, so the upgrade could not be repeated.
      DeletionPolicy: "RetainExceptOnCreate",
      UpdateReplacePolicy: "Retain",
      Properties: {
        FunctionName: { Ref: `${id}LambdaFunction` },
        CodeSha256: code.sha256(name),
        Description: row.does,
      },
    },
    ...urlResources(id, row),
    ...ruleResources(name, row, deployment),
    ...(isAsync(row) && keptWhenFailed(id)),
  };
}

/** A version never changes, so code or settings that did make one of another name. */
export function versionId(name: string, deployment: Deployment, code: Code): string {
  const properties = propertiesOf(name, { row: rowOf(name), deployment });
  const digest = createHash("sha256")
    .update(code.sha256(name))
    .update(JSON.stringify(properties))
    .digest("hex");
  return `${logicalName(name)}LambdaVersion${digest.slice(0, 32)}`;
}

export function functionName(name: string, { environment }: Deployment): string {
  return `rekey-${environment}-${name}`;
}

export function rowOf(name: string): FunctionRow {
  const row = functions[name];
  if (row === undefined) throw new Error(`the function ${name} has no row in serverless/functions.ts`);
  return row;
}

function propertiesOf(name: string, { row, deployment }: { row: FunctionRow; deployment: Deployment }) {
  const Variables = {
    ...environmentFor(deployment),
    ...adminRoleVariables(name, deployment),
    ...(row.intake && { REKEY_INTAKE_URL: intakeUrl }),
    ...(row.secrets && hasVaults(deployment) && { REKEY_VAULTS: JSON.stringify(deployment.vaults) }),
    ...(row.secrets &&
      hasAny(deployment.googleProjects) && {
        REKEY_GOOGLE_PROJECTS: JSON.stringify(deployment.googleProjects),
      }),
    ...(callsProviders(row) &&
      hasAny(deployment.providerFunctions) && {
        REKEY_PROVIDER_FUNCTIONS: JSON.stringify(deployment.providerFunctions),
      }),
    ...(row.secrets &&
      hasAny(deployment.azureVaults) && { REKEY_AZURE_VAULTS: JSON.stringify(deployment.azureVaults) }),
    ...(row.workloads &&
      hasAny(deployment.workloadRoles) && {
        REKEY_WORKLOAD_ROLES: JSON.stringify(deployment.workloadRoles),
      }),
    ...(row.kit && deployment.sealedKit && { REKEY_SEALED_KIT: JSON.stringify(deployment.sealedKit) }),
    ...(row.destinations && { REKEY_DESTINATIONS: JSON.stringify(deployment.destinations) }),
  };
  return {
    FunctionName: functionName(name, deployment),
    Description: row.does,
    Handler: `dist/${name}.handler`,
    ...runtime,
    Timeout: row.timeoutSeconds ?? timeoutSecondsDefault,
    Role: arnOf(roleId(name)),
    Environment: { Variables },
    Tags: [
      { Key: "Application", Value: "rekey" },
      { Key: "Environment", Value: deployment.environment },
    ],
  };
}

const hasAny = (listed: Readonly<Record<string, unknown>>): boolean => Object.keys(listed).length > 0;

/** A flood at the public address must not use up what the account's other functions need. */
function concurrencyOf({ calledBy }: FunctionRow, { intakeConcurrency }: Deployment) {
  return calledBy === "publicUrl" ? { ReservedConcurrentExecutions: intakeConcurrency } : {};
}

/**
 * Callers of the admin URL have an AWS permission of their own. Senders of alerts have none and sign their
 * requests instead.
 */
function urlResources(id: string, { calledBy }: FunctionRow): Resources {
  if (calledBy !== "callerUrl" && calledBy !== "publicUrl") return {};
  const isPublic = calledBy === "publicUrl";
  const FunctionName = arnOf(`${id}LambdaFunction`);
  return {
    [`${id}LambdaFunctionUrl`]: {
      Type: "AWS::Lambda::Url",
      Properties: { AuthType: isPublic ? "NONE" : "AWS_IAM", TargetFunctionArn: FunctionName },
    },
    ...(isPublic && {
      [`${id}LambdaPermissionFnUrl`]: {
        Type: "AWS::Lambda::Permission",
        Properties: {
          FunctionName,
          Action: "lambda:InvokeFunctionUrl",
          Principal: "*",
          FunctionUrlAuthType: "NONE",
        },
      },
      [`${id}LambdaPermissionFn`]: {
        Type: "AWS::Lambda::Permission",
        Properties: {
          FunctionName,
          Action: "lambda:InvokeFunction",
          Principal: "*",
          InvokedViaFunctionUrl: true,
        },
      },
    }),
  };
}

/** For functions without a waiting caller: an event that failed three times is kept. */
function keptWhenFailed(id: string): Resources {
  return {
    [`${id}LambdaEvConf`]: {
      Type: "AWS::Lambda::EventInvokeConfig",
      Properties: {
        FunctionName: { Ref: `${id}LambdaFunction` },
        Qualifier: "$LATEST",
        MaximumRetryAttempts: 2,
        MaximumEventAgeInSeconds: 21_600,
        DestinationConfig: { OnFailure: { Destination: arnOf("FunctionDeadLetters") } },
      },
    },
  };
}
