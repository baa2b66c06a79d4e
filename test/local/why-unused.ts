const each = (use: string, roles: readonly string[]) => roles.map((role) => `${role}: ${use}`);
/** For a function that the story never calls: each action that its role allows, so that one more needs a line here. */
const never = (role: string, ...uses: readonly string[]) =>
  ["WriteOwnLog logs:CreateLogStream", "WriteOwnLog logs:PutLogEvents", ...uses].map(
    (use) => `${role}: ${use}`,
  );

const get = "ReadLedger dynamodb:GetItem";
const query = "ReadLedger dynamodb:Query";
const write = "WriteOwnKinds dynamodb:PutItem";
const remove = "RemoveOwnKinds dynamodb:DeleteItem";
const describe = "RotatedSecrets secretsmanager:DescribeSecret";
const read = "RotatedSecrets secretsmanager:GetSecretValue";
const put = "RotatedSecrets secretsmanager:PutSecretValue";
const label = "RotatedSecrets secretsmanager:UpdateSecretVersionStage";
const credential = "AdminCredentials secretsmanager:GetSecretValue";
const publish = "Publish events:PutEvents";
const wake = "CallMachines states:SendTaskSuccess";
const page = "Page sns:Publish";

/**
 * By reason, what a role is allowed and the story of permissions-used.slow.test.ts may leave unused. `test/package/`
 * shows for each row that the function's code asks for it; here stands when it does. `*` is every role.
 */
export const whyUnused: Readonly<Record<string, readonly string[]>> = {
  "only an event that failed three times is kept": ["*: KeepFailedEvents sqs:SendMessage"],
  "only an incident whose machine fails has to be settled": never(
    ...(["settle-incident", get, query, write, remove, describe, label, publish, wake, page] as const),
  ),
  "only a run that ends before its promotion has a version to take back": [
    ...each(describe, ["settle-rotation", "settle-closed"]),
    ...each(label, ["settle-rotation", "settle-closed"]),
  ],
  "only a stopped incident is left to a person, and its waits are ended": [
    `settle-closed: ${remove}`,
    `settle-closed: ${wake}`,
    `settle-closed: ${page}`,
  ],
  "only a term that is in the way is written down and told": [
    `check-promotion: ${write}`,
    `check-promotion: ${publish}`,
  ],
  "only a read of a replica looks for its primary among the policies": [`record-read: ${query}`],
  "only a wait whose decision was overtaken is answered at once": each(wake, [
    "await-evidence",
    "record-read",
  ]),
  "only a deployment with destinations has copies to check and to write": [
    ...never("check-copies", get, query),
    ...never("write-copies", get, query, write, read, publish),
  ],
  "only a provider that makes no keys by API has a person supply one": never(
    ...(["await-key", get, write, publish, wake] as const),
  ),
  "only a provider that can disable a key, or a policy with a soak, has a quarantine": never(
    ...(["quarantine-key", get, query, write, describe, read, credential, publish] as const),
  ),
  "only a key that no automatic step contains is a person's": never("block-containment", get, write, wake),
  "only a secret in another incident's or run's way is released, and only a wait that is there is woken": [
    ...each("CallMachines states:SendTaskSuccess", [
      "sweep",
      "record-evidence",
      "admin",
      "synthetic-leak",
      "raise-alert",
      "open-incident",
      "contain-key",
      "prove-contained",
      "note-replacement",
      "check-recovery",
      "await-incident",
      "escalate",
      "scope-incident",
      "file-report",
      "close-incident",
    ]),
    ...each("CallMachines states:SendTaskFailure", ["admin", "open-incident", "sweep"]),
  ],
  "only news that people need is told or announced": [
    ...each("Publish events:PutEvents", [
      "open-rotation",
      "nudge-consumers",
      "revoke-key",
      "close-rotation",
      "sweep",
      "tell-people",
      "admin",
      "raise-alert",
      "open-incident",
      "check-recovery",
      "escalate",
      "file-report",
      "close-incident",
    ]),
    ...each("Page sns:Publish", [
      "sweep",
      "tell-people",
      "admin",
      "raise-alert",
      "check-recovery",
      "escalate",
    ]),
  ],
  "only a version that was changed, pinned, merged or found astray is read, labelled or written again": [
    ...each("RotatedSecrets secretsmanager:DescribeSecret", [
      "open-rotation",
      "mint-key",
      "promote-version",
      "close-rotation",
      "sweep",
      "admin",
      "open-incident",
      "close-incident",
    ]),
    ...each("RotatedSecrets secretsmanager:GetSecretValue", [
      "open-rotation",
      "mint-key",
      "promote-version",
      "revoke-key",
      "prove-dead",
      "sweep",
      "observe-secrets",
      "admin",
      "open-incident",
      "contain-key",
      "prove-contained",
    ]),
    ...each("RotatedSecrets secretsmanager:PutSecretValue", ["mint-key", "promote-version"]),
    ...each("RotatedSecrets secretsmanager:UpdateSecretVersionStage", [
      "open-rotation",
      "mint-key",
      "promote-version",
      "close-rotation",
      "sweep",
      "admin",
      "open-incident",
      "close-incident",
    ]),
  ],
  "only a proof that needs the provider's listing takes its admin credential": [
    "open-incident: AdminCredentials secretsmanager:GetSecretValue",
    "prove-contained: AdminCredentials secretsmanager:GetSecretValue",
    "prove-dead: AdminCredentials secretsmanager:GetSecretValue",
  ],
  "only a policy with a schedule has one, and only its time starts a rotation": [
    "scheduler: StartRotations states:StartExecution",
    "scheduler: KeepFailedStarts sqs:SendMessage",
    "admin: ReconcileSchedules scheduler:GetSchedule",
    "admin: ReconcileSchedules scheduler:CreateSchedule",
    "admin: ReconcileSchedules scheduler:UpdateSchedule",
    "admin: ReconcileSchedules scheduler:DeleteSchedule",
    "admin: LendSchedulerRole iam:PassRole",
    "sweep: ReadSchedules scheduler:GetSchedule",
  ],
  "only debts, stops and strays that somebody left are cleaned up": [
    "sweep: WriteOwnKinds dynamodb:PutItem",
    "sweep: RemoveOwnKinds dynamodb:DeleteItem",
    "sweep: CallMachines states:StartExecution",
    "sweep: FollowRuns states:DescribeExecution",
    "close-rotation: RemoveOwnKinds dynamodb:DeleteItem",
    "close-incident: RemoveOwnKinds dynamodb:DeleteItem",
    "tell-people: RemoveOwnKinds dynamodb:DeleteItem",
    "tell-people: WriteOwnKinds dynamodb:PutItem",
  ],
  "only an order that no policy of the story gives: abort, drill, removal of a policy, status of a run": [
    "admin: RemoveOwnKinds dynamodb:DeleteItem",
    "admin: FollowRuns states:StopExecution",
    "admin: FollowRuns states:DescribeExecution",
    "admin: IntakeSecrets secretsmanager:DescribeSecret",
    "admin: IntakeSecrets secretsmanager:GetSecretValue",
  ],
  "only a rotation that Secrets Manager starts calls its rotation function; native.slow.test.ts starts one":
    never(
      ...(["native-bridge", get, query, write, describe, read, put, label, credential, wake] as const),
      ...["CallMachines states:StartExecution", "CallMachines states:SendTaskFailure"],
      "FollowRuns states:DescribeExecution",
    ),
  "only the button of Secrets Manager has a caller that CloudTrail names; native.slow.test.ts presses it":
    never(...(["note-caller", get, query, write] as const)),
  "only a campaign that somebody began is advanced; campaign.slow.test.ts begins one": [
    ...[get, write, publish, wake, page].map((use) => `advance-campaigns: ${use}`),
    "advance-campaigns: CallMachines states:StartExecution",
    "advance-campaigns: FollowRuns states:StopExecution",
    "advance-campaigns: FileReports s3:PutObject",
  ],
  "only a secret under mode: observe is looked at": [
    "observe-secrets: ReadLedger dynamodb:GetItem",
    "observe-secrets: WriteOwnKinds dynamodb:PutItem",
    "observe-secrets: AdminCredentials secretsmanager:GetSecretValue",
  ],
  "only a deployment that names who can open a kit makes one; region-down.slow.test.ts does": [
    ...[get, query, write, credential].map((use) => `export-kit: ${use}`),
  ],
  "only a deployment with a collector pushes": [get, query, write].map((use) => `push-audit: ${use}`),
  "only an admin credential of Rekey's own is tried with a canary": [`prove-incoming: ${query}`],
  "only somebody who issues or retires a secret has one made or ended": [
    "admin: IssueSecrets lambda:InvokeFunction",
    ...never("issue-key", get, query, write, put, credential),
    "issue-key: MakeSecrets secretsmanager:CreateSecret",
    "issue-key: MakeSecrets secretsmanager:TagResource",
    "issue-key: LookForNames secretsmanager:DescribeSecret",
    ...never("end-issued", get, query, write, remove, read, credential, publish, page),
    ...["Get", "Create", "Update", "Delete"].map(
      (verb) => `end-issued: ReconcileSchedules scheduler:${verb}Schedule`,
    ),
    "end-issued: ListSchedules scheduler:ListSchedules",
    "end-issued: LendSchedulerRole iam:PassRole",
  ],
  "only a program under rekey exec asks whether it may restart": [
    ...[get, query, write, "WriteOwnLog logs:CreateLogStream", "WriteOwnLog logs:PutLogEvents"].map(
      (use) => `permit-restart: ${use}`,
    ),
  ],
  "only a second alert about the same key stops the machine that works on the weaker one": [
    "raise-alert: FollowRuns states:StopExecution",
  ],
  "only a log that has a checkpoint already is compared with it": [
    "anchor-audit: SignCheckpoints kms:Verify",
    "anchor-audit: FileCheckpoints s3:GetObjectVersion",
  ],
  "only a file that is there already is read back": [
    "certify-rotation: FileCertificates s3:GetObjectVersion",
    "certify-incident: FileCertificates s3:GetObjectVersion",
  ],
  "only a sender whose secret is being changed has two versions": [
    "synthetic-leak: IntakeSecrets secretsmanager:DescribeSecret",
  ],
};
