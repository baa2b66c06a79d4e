import type { Deployment } from "./deployment.ts";
import type { FunctionRow } from "./function-row.ts";
import { allow, type Statement, sub } from "./statements.ts";

/** Every function that calls a provider counts its calls on the account. */
export function callsProviders({ writes = [] }: FunctionRow): boolean {
  return writes.includes("ACCOUNT");
}

/**
 * Issuers that answer to Rekey's own role: exact versions of the functions that the deployment lists, and the IAM users
 * that it names. What issues keys of IAM cannot be limited further, so who makes or changes one is in the row.
 */
export function providerStatements(row: FunctionRow, deployment: Deployment): readonly Statement[] {
  if (!callsProviders(row)) return [];
  const versions = Object.keys(deployment.providerFunctions);
  const users = deployment.iamUsers.map((name) =>
    sub(`arn:\${AWS::Partition}:iam::\${AWS::AccountId}:user/${name}`),
  );
  return [
    ...(versions.length > 0
      ? [allow("ProviderFunctions", ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"], versions)]
      : []),
    ...(users.length > 0 ? [allow("KeysOfUsers", keyActions(row), users)] : []),
    ...(users.length > 0 && row.admin === "make"
      ? [
          {
            ...allow("NoteMintOfUsers", ["iam:TagUser"], users),
            // Other tags of a user may decide what the user may do.
            Condition: { "ForAllValues:StringEquals": { "aws:TagKeys": ["rekey-mint"] } },
          },
        ]
      : []),
  ];
}

const kinds = ["ServiceSpecificCredential", "AccessKey"];

function keyActions({ admin }: FunctionRow): readonly string[] {
  const each = (verb: string, end = "") => kinds.map((kind) => `iam:${verb}${kind}${end}`);
  return [
    ...each("List", "s"),
    "iam:GetAccessKeyLastUsed",
    "iam:ListUserTags",
    ...(admin === "change" || admin === "make" ? [...each("Update"), ...each("Delete")] : []),
    ...(admin === "make" ? each("Create") : []),
  ];
}
