import type { Deployment } from "./deployment.ts";
import { logicalName } from "./handlers.ts";
import { allow, arnOf, type Resources, type Statement, sub, type Value, viaService } from "./statements.ts";

type Told = Pick<Deployment, "environment" | "rolePath" | "rotatedAdminSecrets" | "secretKeys">;

const isOn = ({ rotatedAdminSecrets }: Pick<Told, "rotatedAdminSecrets">) => rotatedAdminSecrets.length > 0;

const nameOf = ({ environment }: Pick<Told, "environment">) =>
  `rekey-${environment}-\${AWS::Region}-admin-credentials`;

/** By its name: the role names the functions' roles, so a reference back would be circular. */
function roleArn(told: Told): Value {
  return sub(`arn:\${AWS::Partition}:iam::\${AWS::AccountId}:role${told.rolePath}${nameOf(told)}`);
}

/** The steps of a rotation, what settles and sweeps, and `rekey apply`. */
const replacing: readonly string[] = [
  ...["open-rotation", "mint-key", "prove-incoming", "promote-version", "check-adoption", "quarantine-key"],
  ...["revoke-key", "prove-dead", "close-rotation", "settle-rotation", "settle-closed", "sweep", "admin"],
];

/** What they may assume while they work on a credential of Rekey's own. */
export function adminRoleStatements(functionName: string, told: Told): readonly Statement[] {
  if (!isOn(told) || !replacing.includes(functionName)) return [];
  return [allow("ReplaceAdminCredentials", ["sts:AssumeRole"], [roleArn(told)])];
}

/** Only functions that may assume the role are told of it. */
export function adminRoleVariables(functionName: string, told: Told) {
  if (!isOn(told) || !replacing.includes(functionName)) return {};
  return {
    REKEY_ADMIN_ROLE: roleArn(told),
    REKEY_ROTATED_ADMIN_SECRETS: JSON.stringify(told.rotatedAdminSecrets),
  };
}

/**
 * The one role that may write secrets with admin credentials, and only those that the deployment lists by their ARN.
 * Every function's own role keeps the denial to write any.
 */
export function adminRoleResources(told: Told): Resources {
  if (!isOn(told)) return {};
  return {
    AdminCredentialsRole: {
      Type: "AWS::IAM::Role",
      Properties: {
        RoleName: sub(nameOf(told)),
        AssumeRolePolicyDocument: {
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Allow",
              Principal: { AWS: replacing.map((name) => arnOf(`${logicalName(name)}Role`)) },
              Action: ["sts:AssumeRole"],
            },
          ],
        },
        Policies: [
          {
            PolicyName: "admin-credentials",
            PolicyDocument: { Version: "2012-10-17", Statement: statementsOf(told) },
          },
        ],
      },
    },
  };
}

const actions = ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"];

function statementsOf({ environment, rotatedAdminSecrets, secretKeys }: Told): readonly Statement[] {
  const onSecrets = actions.map((action) => `secretsmanager:${action}`);
  const Condition = { StringEquals: { "kms:ViaService": viaService("secretsmanager") } };
  return [
    allow("RotatedAdminCredentials", onSecrets, rotatedAdminSecrets),
    ...(secretKeys.length > 0
      ? [{ ...allow("SecretKeys", ["kms:Decrypt", "kms:GenerateDataKey"], secretKeys), Condition }]
      : []),
    {
      Sid: "OtherEnvironments",
      Effect: "Deny",
      Action: ["secretsmanager:*"],
      Resource: ["*"],
      Condition: { StringNotEquals: { "aws:ResourceTag/Environment": environment } },
    },
  ];
}
