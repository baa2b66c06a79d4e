import { adminRoleStatements } from "./admin-credentials.ts";
import type { Deployment } from "./deployment.ts";
import { destinationStatements, isAsking, tokensOf } from "./destinations.ts";
import type { FunctionRow, Kind } from "./function-row.ts";
import { logicalName } from "./handlers.ts";
import { makingStatements, notOthersTags, onExisting } from "./issuing.ts";
import { providerStatements } from "./providers.ts";
import {
  allow,
  arnOf,
  localArn,
  type Resource,
  type Statement,
  secretArns,
  sub,
  tagged,
  taggedAs,
  type Value,
  viaService,
} from "./statements.ts";
import { azureStatements, vaultLogins, vaultStatements } from "./vaults.ts";
import { workloadStatements } from "./workloads.ts";

const machines = ["rotation", "compromise"];

/** The role of one function: its own log, what its row says, and denials that no row can lift. */
export function roleOf(name: string, row: FunctionRow, deployment: Deployment): Resource {
  return {
    Type: "AWS::IAM::Role",
    Properties: {
      RoleName: sub(roleName(name, deployment)),
      AssumeRolePolicyDocument: trust(
        "lambda.amazonaws.com",
        localArn("lambda", `function:rekey-${deployment.environment}-${name}`),
      ),
      Policies: [
        {
          PolicyName: name,
          PolicyDocument: { Version: "2012-10-17", Statement: statementsOf(name, row, deployment) },
        },
      ],
    },
  };
}

export function roleId(name: string): string {
  return `${logicalName(name)}Role`;
}

/**
 * As Fn::Sub takes it: roles are the whole account's, and a template is deployed in other Regions than it was packaged
 * for. Fixed, so that access records name the function, and policies can name a role before it exists.
 */
export function roleName(name: string, { environment }: Deployment): string {
  return `rekey-${environment}-\${AWS::Region}-${name}`;
}

/**
 * The service may use the role for this one resource of this account. The ARN is put together from the resource's
 * fixed name: a reference would be circular, because the resource names its role. `IfExists`, because no document of
 * AWS says that Lambda names the function whenever it assumes a role.
 */
export function trust(service: string, source: Value) {
  const Condition = {
    StringEqualsIfExists: { "aws:SourceAccount": { Ref: "AWS::AccountId" } },
    ArnLikeIfExists: { "aws:SourceArn": [source, withQualifier(source)] },
  };
  return {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: ["sts:AssumeRole"], Condition }],
  };
}

/** A version or an alias of the same function or machine. */
function withQualifier(source: Value): Value {
  return typeof source === "string" ? `${source}:*` : sub(`${source["Fn::Sub"]}:*`);
}

function statementsOf(name: string, row: FunctionRow, deployment: Deployment): readonly Statement[] {
  const { environment } = deployment;
  const given = [
    allow(
      "WriteOwnLog",
      ["logs:CreateLogStream", "logs:PutLogEvents"],
      [localArn("logs", `log-group:/aws/lambda/rekey-${environment}-${name}:*`)],
    ),
    ...ledgerStatements(row),
    ...secretStatements(row, deployment),
    ...makingStatements(row, deployment),
    ...(row.publishes ? [allow("Publish", ["events:PutEvents"], row.publishes.map(arnOf))] : []),
    ...machineStatements(row, deployment),
    ...(row.workloads ? workloadStatements(row.workloads, deployment) : []),
    ...destinationStatements(row, deployment),
    ...vaultStatements(row, deployment),
    ...providerStatements(row, deployment),
    ...adminRoleStatements(name, deployment),
    ...azureStatements(row, deployment),
    ...(row.schedules ? scheduleStatements(row.schedules, deployment) : []),
    ...(row.audit ? auditStatements[row.audit] : []),
    ...(row.people ? pageStatements(row.people, deployment) : []),
    ...collectorStatements(row, deployment),
    ...(row.reports ? [allow("FileReports", ["s3:PutObject"], [sub(`\${AuditBucket.Arn}/reports/*`)])] : []),
    ...(row.kit ? kitStatements(deployment) : []),
    // Event history is the account's; there is no resource that this action could be limited to.
    ...(row.accessRecords ? [allow("LookUpReads", ["cloudtrail:LookupEvents"], ["*"])] : []),
    ...(isAsync(row) ? [allow("KeepFailedEvents", ["sqs:SendMessage"], [arnOf("FunctionDeadLetters")])] : []),
  ];
  return [...given, ...keyStatements(given, deployment), ...guards(row, deployment)];
}

/** A function may read every item, and write and remove only those of the kinds that its row names. */
function ledgerStatements({ table, writes = [], removes = [] }: FunctionRow): readonly Statement[] {
  const ledger = [arnOf("Ledger")];
  const reads = table.map((action) => `dynamodb:${action}`);
  return [
    allow("ReadLedger", reads, ledger),
    ...ofKinds(allow("WriteOwnKinds", ["dynamodb:PutItem"], ledger), writes),
    ...ofKinds(allow("RemoveOwnKinds", ["dynamodb:DeleteItem"], ledger), removes),
  ];
}

function ofKinds(statement: Statement, kinds: readonly Kind[]): readonly Statement[] {
  if (kinds.length === 0) return [];
  const Condition = {
    "ForAllValues:StringLike": { "dynamodb:LeadingKeys": partitionsOf(kinds) },
    // Without a leading key every value of none would match.
    Null: { "dynamodb:LeadingKeys": "false" },
  };
  return [{ ...statement, Condition }];
}

/** The partition keys of these kinds of item, as patterns. */
export function partitionsOf(kinds: readonly Kind[]): readonly string[] {
  return kinds.flatMap((kind) => (kind === "AUDIT" ? ["AUDIT#*", "AUDITID#*"] : [`${kind}#*`]));
}

/** Events without a caller who would notice a failure. */
export function isAsync({ calledBy }: FunctionRow): boolean {
  return (
    calledBy !== undefined &&
    calledBy !== "secretsManager" &&
    calledBy !== "admin" &&
    calledBy !== "callerUrl" &&
    calledBy !== "publicUrl"
  );
}

function secretStatements(
  { secrets = [], admin, signing }: FunctionRow,
  deployment: Deployment,
): readonly Statement[] {
  const onRotated = secrets.map((action) => `secretsmanager:${action}`);
  return [
    ...rotatedSecrets(deployment, onRotated),
    allow(
      "AdminCredentials",
      admin === undefined ? [] : adminActions[admin],
      secretArns(deployment.adminSecrets),
    ),
    ...signingStatements(signing, deployment),
  ].filter(({ Action = [] }) => Action.length > 0);
}

/** By name, and by tag where the deployment says `tagged`: then the statement is as long for three secrets as for 300. */
function rotatedSecrets(
  { secrets, environment }: Deployment,
  Action: readonly string[],
): readonly Statement[] {
  const named = secretArns(secrets.filter((name) => name !== tagged));
  return [
    ...(named.length > 0 ? [allow("RotatedSecrets", Action, named)] : []),
    ...(secrets.includes(tagged)
      ? [
          {
            ...allow("TaggedSecrets", Action, [localArn("secretsmanager", "secret:*")]),
            Condition: taggedAs("rotated", environment),
          },
        ]
      : []),
  ];
}

/** To read or write a secret, a function also needs the KMS key that encrypts it. */
function keyStatements(given: readonly Statement[], { secretKeys }: Deployment): readonly Statement[] {
  const does = (action: string) => given.some(({ Action }) => Action?.includes(`secretsmanager:${action}`));
  const actions = [
    ...(does("GetSecretValue") ? ["kms:Decrypt"] : []),
    ...(does("PutSecretValue") ? ["kms:GenerateDataKey"] : []),
  ];
  if (secretKeys.length === 0 || actions.length === 0) return [];
  return [{ ...allow("SecretKeys", actions, secretKeys), Condition: viaSecretsManager }];
}

/** While a sender's secret is being changed, two versions are valid: the intake lists them. */
const readActions = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"];

const getOnly = ["secretsmanager:GetSecretValue"];
const adminActions = { read: getOnly, change: getOnly, make: getOnly, index: readActions } as const;

function pageArns({ pagerdutySecret, slackSecret }: Deployment): readonly string[] {
  return [pagerdutySecret, slackSecret].filter((arn) => arn !== undefined);
}

function pageStatements(people: "page" | "index", deployment: Deployment): readonly Statement[] {
  const secrets = pageArns(deployment);
  const actions = adminActions[people === "index" ? "index" : "read"];
  return [
    ...(people === "page" ? [allow("Page", ["sns:Publish"], [{ Ref: "AlarmTopic" }])] : []),
    ...(secrets.length > 0 ? [allow("PageSecrets", actions, secrets)] : []),
  ];
}

/** The one secret that opens the collector, where it is no stream of this account. */
function collectorArns({ auditCollector }: Deployment): readonly string[] {
  return auditCollector !== undefined && "secret" in auditCollector ? [auditCollector.secret] : [];
}

/** A new kit takes the place of the one before; nothing else of that bucket is touched, and nothing is read. */
function kitStatements({ sealedKit, environment }: Deployment): readonly Statement[] {
  if (sealedKit === undefined) return [];
  const kit = sub(`arn:\${AWS::Partition}:s3:::${sealedKit.bucket}/rekey-${environment}.kit.age`);
  return [allow("PutSealedKit", ["s3:PutObject"], [kit])];
}

function collectorStatements({ collector }: FunctionRow, deployment: Deployment): readonly Statement[] {
  const { auditCollector } = deployment;
  if (collector === undefined || auditCollector === undefined) return [];
  if ("secret" in auditCollector) {
    const actions = adminActions[collector === "index" ? "index" : "read"];
    return [allow("CollectorSecret", actions, collectorArns(deployment))];
  }
  const stream = localArn("firehose", `deliverystream/${auditCollector.stream}`);
  return collector === "push" ? [allow("PushToStream", ["firehose:PutRecordBatch"], [stream])] : [];
}

function intakeArns({ intakeSecrets, githubToken }: Deployment): readonly string[] {
  return [...Object.values(intakeSecrets), ...(githubToken === undefined ? [] : [githubToken])];
}

function signingStatements(signing: "read" | undefined, deployment: Deployment): readonly Statement[] {
  const arns = intakeArns(deployment);
  return signing === undefined || arns.length === 0 ? [] : [allow("IntakeSecrets", readActions, arns)];
}

const viaSecretsManager = { StringEquals: { "kms:ViaService": viaService("secretsmanager") } };

/** Callbacks and starts are permitted by the machine's ARN, everything about one execution by the execution's. */
function machineStatements(
  { machines: actions = [] }: FunctionRow,
  { environment }: Deployment,
): readonly Statement[] {
  const onMachine = actions.filter((action) => action.startsWith("SendTask") || action === "StartExecution");
  const onExecution = actions.filter((action) => !onMachine.includes(action));
  const named = (kind: string, end: string) =>
    machines.map((machine) => localArn("states", `${kind}:rekey-${environment}-${machine}${end}`));
  return [
    ...(onMachine.length > 0
      ? [
          allow(
            "CallMachines",
            onMachine.map((action) => `states:${action}`),
            named("stateMachine", ""),
          ),
        ]
      : []),
    ...(onExecution.length > 0
      ? [
          allow(
            "FollowRuns",
            onExecution.map((action) => `states:${action}`),
            named("execution", ":*"),
          ),
        ]
      : []),
  ];
}

function scheduleStatements(how: "reconcile" | "read", { environment }: Deployment): readonly Statement[] {
  const schedule = localArn("scheduler", `schedule/rekey-${environment}/*`);
  // Returns names and times only. AWS does not allow to limit this action to a resource.
  const list = allow("ListSchedules", ["scheduler:ListSchedules"], ["*"]);
  if (how === "read") return [allow("ReadSchedules", ["scheduler:GetSchedule"], [schedule]), list];
  return [
    allow(
      "ReconcileSchedules",
      ["Get", "Create", "Update", "Delete"].map((verb) => `scheduler:${verb}Schedule`),
      [schedule],
    ),
    list,
    {
      ...allow("LendSchedulerRole", ["iam:PassRole"], [arnOf("SchedulerRole")]),
      Condition: { StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" } },
    },
  ];
}

const anchorStatements: readonly Statement[] = [
  allow("SignCheckpoints", ["kms:Sign", "kms:Verify"], [arnOf("AuditKey")]),
  allow(
    "FileCheckpoints",
    ["s3:PutObject", "s3:PutObjectRetention", "s3:GetObjectVersion"],
    [sub(`\${AuditBucket.Arn}/checkpoints/*`), sub(`\${AuditBucket.Arn}/chains/*`)],
  ),
  {
    ...allow("ListCheckpoints", ["s3:ListBucketVersions"], [arnOf("AuditBucket")]),
    Condition: { StringLike: { "s3:prefix": ["checkpoints/*", "chains/*"] } },
  },
];

const certifyStatements: readonly Statement[] = [
  allow("SignCertificates", ["kms:Sign", "kms:GetPublicKey"], [arnOf("AuditKey")]),
  allow(
    "FileCertificates",
    ["s3:PutObject", "s3:PutObjectRetention", "s3:GetObjectVersion"],
    [sub(`\${AuditBucket.Arn}/certificates/*`)],
  ),
  {
    ...allow("ListCertificates", ["s3:ListBucketVersions"], [arnOf("AuditBucket")]),
    Condition: { StringLike: { "s3:prefix": "certificates/*" } },
  },
];

const auditStatements = { anchor: anchorStatements, certify: certifyStatements };

const tagActions = [
  "secretsmanager:TagResource",
  "secretsmanager:UntagResource",
  "iam:TagRole",
  "iam:UntagRole",
  "ecs:TagResource",
  "ecs:UntagResource",
  "lambda:TagResource",
  "lambda:UntagResource",
];

/**
 * A secret or workload without the tag is refused too. Changing tags is denied as well, because it would get
 * around the first denial.
 */
function guards(
  { admin, signing, people, destinations, collector, secrets, creates }: FunctionRow,
  deployment: Deployment,
): readonly Statement[] {
  const { environment, adminSecrets } = deployment;
  const isMaker = creates !== undefined;
  const intake = intakeArns(deployment);
  const pages = pageArns(deployment);
  const tokens = tokensOf(deployment);
  const logins = vaultLogins(deployment);
  const collectors = collectorArns(deployment);
  return [
    {
      Sid: "OtherEnvironments",
      Effect: "Deny",
      Action: [
        ...(isMaker ? onExisting : ["secretsmanager:*"]),
        ...["ecs:UpdateService", "lambda:UpdateFunctionConfiguration"],
      ],
      Resource: ["*"],
      Condition: { StringNotEquals: { "aws:ResourceTag/Environment": environment } },
    },
    {
      Sid: "NoRetagging",
      Effect: "Deny",
      Action: isMaker ? tagActions.filter((action) => action !== "secretsmanager:TagResource") : tagActions,
      Resource: ["*"],
    },
    ...(isMaker ? [notOthersTags(environment)] : []),
    { Sid: "AdminCredentialsOnlyRead", ...exceptReading(admin), Resource: secretArns(adminSecrets) },
    ...(intake.length > 0
      ? [{ Sid: "IntakeSecretsOnlyRead", ...exceptReading(signing), Resource: intake }]
      : []),
    ...(tokens.length > 0
      ? [{ Sid: "PlaceTokensOnlyRead", ...exceptReading(isAsking(destinations)), Resource: tokens }]
      : []),
    ...(collectors.length > 0
      ? [{ Sid: "CollectorSecretOnlyRead", ...exceptReading(collector), Resource: collectors }]
      : []),
    ...(logins.length > 0
      ? [{ Sid: "VaultLoginsOnlyRead", ...exceptReading(secrets && "read"), Resource: logins }]
      : []),
    ...(pages.length > 0 ? [{ Sid: "PageSecretsOnlyRead", ...exceptReading(people), Resource: pages }] : []),
  ];
}

/** Denied even if the pattern of the rotated secrets is so wide that it includes these. */
function exceptReading(read: string | undefined) {
  return read === undefined
    ? ({ Effect: "Deny", Action: ["secretsmanager:*"] } as const)
    : ({ Effect: "Deny", NotAction: readActions } as const);
}
