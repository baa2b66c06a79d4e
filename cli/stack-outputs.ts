import { awsBounds } from "../aws/bounds.ts";
import { failureIn } from "../aws/failure.ts";
import { CliFailure, exitCodes } from "./command.ts";
import { whyNoConnection } from "./no-connection.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Which deployment is meant; what is not said is found as the AWS SDK finds it. */
export interface Where {
  readonly stage?: string | undefined;
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
}

/** For each variable, the output of the deployment's stack that has the same value. */
export const outputOf: Readonly<Record<string, string>> = {
  REKEY_TABLE: "TableName",
  REKEY_ADMIN_URL: "AdminUrl",
  REKEY_ADMIN_FUNCTION: "AdminFunctionArn",
  REKEY_INTAKE_URL: "IntakeUrl",
  REKEY_SWEEP_FUNCTION: "SweepFunctionName",
  REKEY_KIT_FUNCTION: "KitFunctionName",
  REKEY_AUDIT_BUCKET: "AuditBucketName",
  REKEY_AUDIT_KEY_ID: "AuditKeyArn",
  REKEY_ROTATION_MACHINE_ARN: "RotationMachineArn",
  REKEY_COMPROMISE_MACHINE_ARN: "CompromiseMachineArn",
};

const stageDefault = "production";

/**
 * The settings of a deployment: variables that are set, and for the others the outputs of its stack. The stack is not
 * asked for where REKEY_TABLE is set and no stage is named.
 */
export async function settingsOf(
  env: Environment,
  { stage: asked }: Pick<Where, "stage">,
): Promise<Environment> {
  if (asked === undefined && isSet(env["REKEY_TABLE"])) return env;
  const outputs = await outputsOf(stackOf(env, { stage: asked }));
  const found = Object.entries(outputOf).flatMap(([name, output]) => {
    const value = outputs.get(output);
    return value === undefined ? [] : [[name, value] as const];
  });
  // A shell may still hold another deployment's variables. Whoever names a stage must not have the order sent there.
  const contradicted = found.find(([name, value]) => isSet(env[name]) && env[name] !== value);
  if (asked !== undefined && contradicted !== undefined)
    throw new CliFailure(`${contradicted[0]} is set, and not to what the stage ${asked} has`, {
      hint: `unset ${contradicted[0]}, or leave --stage out`,
      exitCode: exitCodes.usage,
    });
  const set = Object.entries(env).filter(([, value]) => isSet(value));
  return { ...Object.fromEntries(found), ...Object.fromEntries(set) };
}

function stageIn({ REKEY_STAGE: stage }: Environment): string {
  return isSet(stage) ? stage : stageDefault;
}

function stackOf(env: Environment, { stage }: Pick<Where, "stage">): string {
  return `rekey-${stage ?? stageIn(env)}`;
}

/** What the deployment's stack was made of. */
export async function templateOf(env: Environment, where: Pick<Where, "stage">): Promise<string> {
  const { CloudFormationClient, GetTemplateCommand } = await import("@aws-sdk/client-cloudformation");
  const StackName = stackOf(env, where);
  const { TemplateBody = "" } = await new CloudFormationClient(awsBounds)
    .send(new GetTemplateCommand({ StackName, TemplateStage: "Original" }))
    .catch((error: unknown) => notFound(error, StackName));
  return TemplateBody;
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}

async function outputsOf(StackName: string): Promise<ReadonlyMap<string, string>> {
  const { CloudFormationClient, DescribeStacksCommand } = await import("@aws-sdk/client-cloudformation");
  const client = new CloudFormationClient(awsBounds);
  const { Stacks = [] } = await client
    .send(new DescribeStacksCommand({ StackName }))
    .catch((error: unknown) => notFound(error, StackName));
  const [stack] = Stacks;
  return new Map(
    (stack?.Outputs ?? []).map(({ OutputKey = "", OutputValue = "" }) => [OutputKey, OutputValue]),
  );
}

/** Says what the person can do about CloudFormation's error. One about AWS credentials is thrown on as it is. */
function notFound(error: unknown, stack: string): never {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (name === "ValidationError" || name === "ValidationException")
    throw new CliFailure(`there is no stack ${stack} in this account and Region`, {
      hint: "name the deployment with --stage, --region and --profile, or set REKEY_TABLE and REKEY_ADMIN_URL",
      exitCode: exitCodes.unreachable,
    });
  if (/^AccessDenied/.test(name))
    throw new CliFailure(`you may not look up the stack ${stack} (cloudformation:DescribeStacks)`, {
      hint: "attach the policy of the output ReaderPolicyArn to your role, or set REKEY_TABLE and REKEY_ADMIN_URL",
      exitCode: exitCodes.unreachable,
    });
  if (name.endsWith("ProviderError")) throw error;
  const unreached = failureIn(error).name;
  const line = whyNoConnection(unreached);
  const why = line === undefined ? `${name}: ${message.replace(/\.$/, "")}` : unreached;
  throw new CliFailure(
    `${line === undefined ? "" : `${line}: `}CloudFormation did not say where ${stack} is (${why})`,
    {
      hint: "check AWS_REGION, AWS_PROFILE and AWS_ENDPOINT_URL, or set REKEY_TABLE and REKEY_ADMIN_URL",
      exitCode: exitCodes.unreachable,
    },
  );
}
