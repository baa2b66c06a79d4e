import type { Deployment } from "./deployment.ts";
import type { FunctionRow } from "./function-row.ts";
import { allow, localArn, type Statement, tagged } from "./statements.ts";

/** The functions behind `rekey issue` and `rekey retire`. */
export const issuingFunctions: Readonly<Record<string, FunctionRow>> = {
  "issue-key": {
    does: "Makes the key and the secret that somebody ordered with rekey issue",
    calledBy: "admin",
    table: ["GetItem", "Query"],
    writes: ["ACCOUNT", "ISSUED"],
    secrets: ["PutSecretValue"],
    creates: "secrets",
    admin: "make",
  },
  "end-issued": {
    does: "Ends secrets whose time is over or that somebody retired, proves their keys dead, and undoes unfinished orders",
    calledBy: "clock",
    timeoutSeconds: 300,
    table: ["GetItem", "Query"],
    writes: ["ACCOUNT", "SECRET", "FORMER", "KEY", "ISSUED", "AUDIT"],
    removes: ["POLICY"],
    secrets: ["GetSecretValue"],
    admin: "change",
    publishes: ["Bus"],
    schedules: "reconcile",
    people: "page",
  },
};

/**
 * A new secret has one of the names of those that are rotated, where the deployment gives names, and is tagged for this
 * environment in the same call: the tag is what every other right hangs on, so it is given to nothing else.
 */
export function makingStatements(
  { creates, issuing }: FunctionRow,
  deployment: Deployment,
): readonly Statement[] {
  const { environment, issuers, secrets } = deployment;
  if (issuing !== undefined)
    return [
      allow(
        "IssueSecrets",
        ["lambda:InvokeFunction"],
        [localArn("lambda", `function:rekey-${environment}-issue-key`)],
      ),
    ];
  if (creates === undefined || issuers.length === 0) return [];
  const names = secrets.includes(tagged) ? ["*"] : secrets.filter((name) => !name.startsWith("arn:"));
  const made = names.map((name) => localArn("secretsmanager", `secret:${name}`));
  const tags = { "aws:RequestTag/Environment": environment, "aws:RequestTag/Rekey": "rotated" };
  return [
    {
      ...allow("MakeSecrets", ["secretsmanager:CreateSecret", "secretsmanager:TagResource"], made),
      Condition: {
        StringEquals: tags,
        "ForAllValues:StringEquals": { "aws:TagKeys": ["Environment", "Rekey", "RekeyIssue"] },
      },
    },
    allow("LookForNames", ["secretsmanager:DescribeSecret"], made),
  ];
}

/** Whoever makes secrets tags them in the same call, and takes none from another environment. */
export function notOthersTags(environment: string): Statement {
  return {
    Sid: "NoTagsOfOthers",
    Effect: "Deny",
    Action: ["secretsmanager:TagResource"],
    Resource: ["*"],
    Condition: {
      StringNotEquals: { "aws:ResourceTag/Environment": environment },
      Null: { "aws:ResourceTag/Environment": "false" },
    },
  };
}

/** Whatever changes or reads a secret that is there: one that is only now made has no tag yet. */
export const onExisting = [
  ...["Batch", "Cancel", "Delete", "Get", "List", "Put", "Remove", "Replicate", "Restore", "Rotate", "Stop"],
  ...["Untag", "Update", "Validate"],
].map((verb) => `secretsmanager:${verb}*`);
