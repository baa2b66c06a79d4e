import { reportSources } from "./buses.ts";
import type { Deployment } from "./deployment.ts";
import { functionName } from "./lambda.ts";
import {
  arnOf,
  localArn,
  type Resources,
  type Statement,
  secretArns,
  sub,
  tagged,
  taggedAs,
  viaService,
} from "./statements.ts";

/**
 * What people and consumers may do, as managed policies that the deployment makes: attach them to the roles that
 * people assume and that consumers run under.
 */
export function peopleResources(deployment: Deployment): Resources {
  const policies: Readonly<Record<string, readonly [string, readonly Statement[]]>> = {
    ReaderPolicy: ["Looks: every read-only rekey command", readerStatements()],
    OperatorPolicy: [
      "Orders: every command of `rekey` that changes something",
      signedInWithMfa(operatorStatements(deployment), deployment),
    ],
    SupplierPolicy: [
      "Puts a key that a person made: `rekey supply`",
      signedInWithMfa(supplierStatements(deployment), deployment),
    ],
    AuditorPolicy: ["Checks the audit log against its checkpoints, and reads reports", auditorStatements],
    ConsumerPolicy: ["Reads the environment's secrets and reports it", consumerStatements(deployment)],
    DeveloperGuardPolicy: [
      "Keeps developers out of this environment's secrets, whatever else they may do",
      developerGuards(deployment),
    ],
  };
  return Object.fromEntries(
    Object.entries(policies).map(([id, [Description, Statement]]) => [
      id,
      {
        Type: "AWS::IAM::ManagedPolicy",
        Properties: { Description, PolicyDocument: { Version: "2012-10-17", Statement } },
      },
    ]),
  );
}

/** The stack's outputs by which the policies are attached. */
export const peopleOutputs = Object.fromEntries(
  ["Reader", "Operator", "Supplier", "Auditor", "Consumer", "DeveloperGuard"].map((who) => [
    `${who}PolicyArn`,
    { Description: `docs/deploy.md says who gets it`, Value: { Ref: `${who}Policy` } },
  ]),
);

function readerStatements(): readonly Statement[] {
  return [
    {
      // The command line reads the deployment's outputs, so that nobody has to export them.
      Sid: "FindDeployment",
      Effect: "Allow",
      Action: ["cloudformation:DescribeStacks", "cloudformation:GetTemplate"],
      Resource: [localArn("cloudformation", `stack/\${AWS::StackName}/*`)],
    },
    {
      Sid: "ReadLedger",
      Effect: "Allow",
      Action: ["dynamodb:GetItem", "dynamodb:Query"],
      Resource: [arnOf("Ledger")],
    },
    {
      // `rekey doctor` looks who may invoke it directly.
      Sid: "LookAtAdminGrants",
      Effect: "Allow",
      Action: ["lambda:GetPolicy"],
      Resource: [arnOf("AdminLambdaFunction")],
    },
    {
      // `rekey doctor` looks for what Rekey is denied for want of a tag. Tags can be asked for over the account only.
      Sid: "LookAtTags",
      Effect: "Allow",
      Action: ["tag:GetResources"],
      Resource: ["*"],
    },
    {
      Sid: "LookAtRuns",
      Effect: "Allow",
      Action: ["states:DescribeExecution", "states:GetExecutionHistory"],
      Resource: ["Rotation", "Compromise"].map((machine) =>
        sub(
          `arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}:execution:\${${machine}Machine.Name}:*`,
        ),
      ),
    },
  ];
}

/**
 * People reach the admin function through its URL alone. Whoever could invoke it directly would write the event, and
 * with it the part that AWS writes otherwise.
 */
function operatorStatements(deployment: Deployment): readonly Statement[] {
  const admin = arnOf("AdminLambdaFunction");
  return [
    {
      Sid: "CallAdminUrl",
      Effect: "Allow",
      Action: ["lambda:InvokeFunctionUrl"],
      Resource: [admin],
      Condition: { StringEquals: { "lambda:FunctionUrlAuthType": "AWS_IAM" } },
    },
    {
      Sid: "RunAdminThroughItsUrl",
      Effect: "Allow",
      Action: ["lambda:InvokeFunction"],
      Resource: [admin],
      Condition: { Bool: { "lambda:InvokedViaFunctionUrl": "true" } },
    },
    {
      Sid: "RunSweep",
      Effect: "Allow",
      Action: ["lambda:InvokeFunction"],
      Resource: [localArn("lambda", `function:${functionName("sweep", deployment)}`)],
    },
    {
      Sid: "ExportSealedKit",
      Effect: "Allow",
      Action: ["lambda:InvokeFunction"],
      Resource: [localArn("lambda", `function:${functionName("export-kit", deployment)}`)],
    },
  ];
}

/** Whoever orders something has shown a second factor, where the deployment demands it. */
function signedInWithMfa(statements: readonly Statement[], { requireMfa }: Deployment): readonly Statement[] {
  if (!requireMfa) return statements;
  return statements.map((statement) => {
    const { Condition = {} } = statement;
    const Bool = { ...Condition["Bool"], "aws:MultiFactorAuthPresent": "true" };
    return { ...statement, Condition: { ...Condition, Bool } };
  });
}

function supplierStatements(deployment: Deployment): readonly Statement[] {
  return [
    {
      Sid: "StageKeys",
      Effect: "Allow",
      Action: [
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
      ],
      ...ofRotated(deployment),
    },
    ...keysOfSecrets(deployment, ["kms:Decrypt", "kms:GenerateDataKey"]),
  ];
}

const auditorStatements: readonly Statement[] = [
  ...readerStatements(),
  {
    // `rekey report access` says who read which secret. The event history can be asked for over the account only.
    Sid: "LookUpReads",
    Effect: "Allow",
    Action: ["cloudtrail:LookupEvents"],
    Resource: ["*"],
  },
  {
    Sid: "CheckSignatures",
    Effect: "Allow",
    Action: ["kms:Verify", "kms:GetPublicKey"],
    Resource: [arnOf("AuditKey")],
  },
  {
    Sid: "ReadCheckpointsReportsAndCertificates",
    Effect: "Allow",
    Action: ["s3:GetObject", "s3:GetObjectVersion"],
    Resource: ["checkpoints", "chains", "reports", "certificates"].map((folder) =>
      sub(`\${AuditBucket.Arn}/${folder}/*`),
    ),
  },
  {
    Sid: "ListCheckpointsAndCertificates",
    Effect: "Allow",
    Action: ["s3:ListBucketVersions"],
    Resource: [arnOf("AuditBucket")],
    Condition: { StringLike: { "s3:prefix": ["checkpoints/*", "chains/*", "certificates/*"] } },
  },
];

function consumerStatements(deployment: Deployment): readonly Statement[] {
  return [
    {
      Sid: "ReadOwnSecrets",
      Effect: "Allow",
      Action: ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
      ...ofRotated(deployment),
    },
    ...keysOfSecrets(deployment, ["kms:Decrypt"]),
    {
      Sid: "Report",
      Effect: "Allow",
      Action: ["events:PutEvents"],
      Resource: [arnOf("ReportBus")],
      Condition: {
        StringLike: { "events:source": reportSources },
        StringEquals: { "events:detail-type": "ConsumerReport" },
      },
    },
    {
      Sid: "AskForRestart",
      Effect: "Allow",
      Action: ["lambda:InvokeFunctionUrl"],
      Resource: [arnOf("PermitDashrestartLambdaFunction")],
      Condition: { StringEquals: { "lambda:FunctionUrlAuthType": "AWS_IAM" } },
    },
    {
      Sid: "AskForRestartThroughTheUrl",
      Effect: "Allow",
      Action: ["lambda:InvokeFunction"],
      Resource: [arnOf("PermitDashrestartLambdaFunction")],
      Condition: { Bool: { "lambda:InvokedViaFunctionUrl": "true" } },
    },
  ];
}

/** Everything here is a Deny: attached beside whatever a developer may do otherwise, it takes these away. */
function developerGuards(deployment: Deployment): readonly Statement[] {
  const anySecret = [localArn("secretsmanager", "secret:*")];
  return [
    {
      Sid: "NoValuesOfThisEnvironment",
      Effect: "Deny",
      Action: ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue"],
      Resource: anySecret,
      Condition: ofEnvironment(deployment),
    },
    {
      Sid: "NoWritesToThisEnvironment",
      Effect: "Deny",
      NotAction: [
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:ListSecretVersionIds",
        "secretsmanager:GetResourcePolicy",
      ],
      Resource: anySecret,
      Condition: ofEnvironment(deployment),
    },
    {
      // Whoever may retag a secret takes it out of the two statements above.
      Sid: "NoTagging",
      Effect: "Deny",
      Action: ["secretsmanager:TagResource", "secretsmanager:UntagResource"],
      Resource: ["*"],
    },
    {
      Sid: "NoRekeyState",
      Effect: "Deny",
      Action: ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"],
      Resource: [arnOf("Ledger")],
    },
    {
      // An order is given through the admin URL, where its caller is known, and in no other way.
      Sid: "NoDirectCalls",
      Effect: "Deny",
      Action: ["lambda:InvokeFunction", "states:StartExecution", "states:StopExecution", "states:SendTask*"],
      Resource: [
        localArn("lambda", `function:rekey-${deployment.environment}-*`),
        localArn("states", `*:rekey-${deployment.environment}-*`),
      ],
      Condition: { BoolIfExists: { "lambda:InvokedViaFunctionUrl": "false" } },
    },
  ];
}

function ofEnvironment({ environment }: Deployment) {
  return { StringEquals: { "aws:ResourceTag/Environment": environment } };
}

/** Where any secret goes by its tag, all of them do: two statements would be as long as the names. */
function ofRotated(deployment: Deployment): Pick<Statement, "Resource" | "Condition"> {
  const { secrets, environment } = deployment;
  if (!secrets.includes(tagged))
    return { Resource: secretArns(secrets), Condition: ofEnvironment(deployment) };
  return { Resource: [localArn("secretsmanager", "secret:*")], Condition: taggedAs("rotated", environment) };
}

function keysOfSecrets({ secretKeys }: Deployment, Action: readonly string[]): readonly Statement[] {
  if (secretKeys.length === 0) return [];
  const Condition = { StringEquals: { "kms:ViaService": viaService("secretsmanager") } };
  return [{ Sid: "SecretKeys", Effect: "Allow", Action, Resource: secretKeys, Condition }];
}
