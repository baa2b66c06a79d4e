import { decide } from "../../local/iam/decide.ts";
import { parsePolicy } from "../../local/iam/policy.ts";
import { referencesIn } from "../../local/stack/order.ts";
import { resolveStack } from "../../local/stack/resolve.ts";
import type { Deployment } from "../../serverless/deployment.ts";
import type { Kind } from "../../serverless/function-row.ts";
import { functions } from "../../serverless/functions.ts";
import { handlerNames, logicalName } from "../../serverless/handlers.ts";
import { roleOf } from "../../serverless/roles.ts";
import { type Statement, secretArns, sub } from "../../serverless/statements.ts";
import { azureSettings } from "../../stores/azure-key-vault/settings.ts";
import { vaultSettings } from "../../stores/vault/settings.ts";
import { mayWrite } from "../under-role.ts";
import { codeBehind } from "./asked.ts";
import { deployment } from "./deployment.ts";
import { place, rendered, statementsOf } from "./packaged.ts";

/** Everything these functions do with the credential is said beside them; nobody else may read it. */
const adminReaders: Readonly<Record<string, string>> = {
  "open-rotation": "finds the current key at the provider",
  "mint-key": "mints, and discards keys whose plaintext was lost",
  "issue-key": "mints for a new secret, and discards keys whose plaintext was lost",
  "end-issued": "revokes what was retired, and discards keys of unfinished orders",
  "native-bridge": "the same, for a rotation that Secrets Manager started",
  "check-adoption": "reads last use and usage",
  "quarantine-key": "disables and restores",
  "revoke-key": "deletes",
  "prove-dead": "looks for the key in the listing when nobody holds its plaintext",
  "settle-rotation": "discards the run's own incoming key, extends the retiring one",
  "settle-closed": "the same, for an execution that could not settle itself",
  sweep: "discards strays",
  admin: "adopts existing keys",
  "observe-secrets": "asks which key is the current one, and when it was last used",
  "export-kit": "seals them for two people: without them nobody can end a key while the Region is down",
  "index-secrets": "a leaked admin credential has to be found by its fingerprint too",
  "open-incident": "looks for a key that the ledger does not know",
  "contain-key": "disables and deletes",
  "prove-contained": "looks for the key in the listing when nobody holds its plaintext",
  "scope-incident": "reads what the key did",
};

const names = Object.keys(functions);
const slackSecret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rekey/slack-FAKE01";
const readActions = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"];

function statements(name: string, given: Partial<Deployment> = {}): readonly Statement[] {
  const row = functions[name];
  return row === undefined ? [] : statementsOf(roleOf(name, row, { ...deployment, ...given }));
}

function allowed(name: string, given: Partial<Deployment> = {}): readonly string[] {
  return statements(name, given)
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap(({ Action = [] }) => Action);
}

/** With its names put in, as CloudFormation does. */
function resolved(name: string, given: Partial<Deployment>): unknown {
  const put: Readonly<Record<string, string>> = {
    ...{ "AWS::Partition": "aws", "AWS::Region": "eu-central-1", "AWS::AccountId": "123456789012" },
  };
  const text = JSON.stringify(statements(name, given))
    .replaceAll(/\{"Fn::Sub":("[^"]*")\}/g, "$1")
    .replaceAll(/\{"Fn::GetAtt":\["(\w+)","Arn"\]\}/g, '"arn:aws:x:::$1"')
    .replaceAll(/\{"Ref":"(\w+)"\}/g, '"arn:aws:x:::$1"')
    .replaceAll(/\$\{([\w:.]+)\}/g, (_all, key: string) => put[key] ?? key);
  return JSON.parse(text);
}

function withPermission(action: string): readonly string[] {
  return names.filter((name) => allowed(name).includes(action));
}

function statement(name: string, sid: string): Statement | undefined {
  return statements(name).find(({ Sid }) => Sid === sid);
}

test("every function has a row, and every row its function", () => {
  expect([...names].sort()).toEqual([...handlerNames()].sort());
});

describe("admin credentials", () => {
  const readers = names.filter((name) => statement(name, "AdminCredentials") !== undefined);

  test("are readable by the functions on the list and by no other", () => {
    for (const name of readers) expect(Object.keys(adminReaders)).toContain(name);
  });

  test.each(names)("are otherwise denied to %s, whatever its secrets parameter matches", (name) => {
    const guard = statement(name, "AdminCredentialsOnlyRead");
    expect(guard).toMatchObject({ Effect: "Deny", Resource: secretArns(["rekey/admin/*"]) });
    expect(guard?.Condition).toBeUndefined();
    if (readers.includes(name)) expect(guard?.NotAction).toEqual(readActions);
    else expect(guard?.Action).toEqual(["secretsmanager:*"]);
  });
});

test("what senders of alerts sign with is readable by the intake, its daily test, the drill and the index, and denied to everyone else", () => {
  const arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rekey/intake/github-FAKE01";
  const given = { intakeSecrets: { github: arn } };
  for (const name of names) {
    const isReader = ["intake", "index-secrets", "synthetic-leak", "admin"].includes(name);
    const own = statements(name, given);
    expect(own.some(({ Sid }) => Sid === "IntakeSecrets")).toBe(isReader);
    expect(own.find(({ Sid }) => Sid === "IntakeSecretsOnlyRead")).toMatchObject({
      Effect: "Deny",
      Resource: [arn],
      ...(isReader ? { NotAction: readActions } : { Action: ["secretsmanager:*"] }),
    });
  }
});

describe("places of copies", () => {
  const token = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rekey/places/ci-FAKE01";
  const own = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/openai-FAKE02";
  const foreign = "arn:aws:secretsmanager:us-east-1:444455556666:secret:shop/openai-FAKE03";
  const role = "arn:aws:iam::444455556666:role/rekey-copies";
  const parameters = "arn:aws:ssm:eu-central-1:123456789012:parameter/shop/production/";
  const key = "arn:aws:kms:eu-central-1:123456789012:key/0000-FAKE";
  const worker = "arn:aws:lambda:eu-central-1:123456789012:function:worker";
  const given = {
    destinations: {
      ci: { kind: "github-actions", repository: "acme/shop", environment: "production", token },
      own: { kind: "secrets-manager", secret: own },
      foreign: { kind: "secrets-manager", secret: foreign, role },
      settings: { kind: "parameter-store", parameters, key },
      worker: { kind: "lambda-environment", function: worker, alias: "live" },
      others: { kind: "lambda-environment", function: `${worker}-theirs`, role },
    },
  };
  const asking = ["check-copies", "write-copies", "check-adoption", "quarantine-key", "revoke-key"];
  const asks = [...asking, "check-recovery", "sweep"];
  const of = (name: string, sid: string) => statements(name, given).find(({ Sid }) => Sid === sid);

  test.each(names)("%s reads their tokens only if it asks them, and is denied them otherwise", (name) => {
    const isAsking = asks.includes(name);
    expect(of(name, "PlaceTokens")?.Resource).toEqual(isAsking ? [token] : undefined);
    expect(of(name, "PlaceRoles")?.Resource).toEqual(isAsking ? [role] : undefined);
    const guard = of(name, "PlaceTokensOnlyRead");
    expect(guard?.Resource).toEqual([token]);
    expect(isAsking ? guard?.NotAction : guard?.Action).toEqual(
      isAsking ? readActions : ["secretsmanager:*"],
    );
  });

  test("are written by one function, and nothing but the secret that is listed", () => {
    const writers = names.filter((name) =>
      of(name, "CopySecrets")?.Action?.includes("secretsmanager:PutSecretValue"),
    );
    expect(writers).toEqual(["write-copies"]);
    expect(of("write-copies", "CopySecrets")?.Resource).toEqual([own]);
    expect(of("check-adoption", "CopySecrets")?.Action).toEqual(readActions);
  });

  test.each([
    ["CopyParameters", "ssm:PutParameter", [`${parameters}*`]],
    ["CopyParameterKeys", "kms:Encrypt", [key]],
    ["CopyFunctions", "lambda:UpdateFunctionConfiguration", [worker, `${worker}:*`]],
  ])("of %s are written by one function, and others only ask", (sid, writes, resources) => {
    const mayWrite = (name: string) => of(name, sid)?.Action?.includes(writes) === true;
    expect(names.filter(mayWrite)).toEqual(["write-copies"]);
    for (const name of asks) expect(of(name, sid)?.Resource).toEqual(resources);
  });

  test("take no statement where there are none", () => {
    for (const name of names)
      expect(statements(name).filter(({ Sid }) => /^(?:Place|Copy)/.test(Sid))).toEqual([]);
  });
});

describe("Vault servers", () => {
  const credential = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rekey/vault/main-FAKE01";
  const main = {
    addresses: ["https://vault.example.com"],
    login: { method: "approle", roleId: "role", credential },
  };
  const given = { vaults: { main: vaultSettings.parse(main) } };
  const of = (name: string, sid: string) => statements(name, given).find(({ Sid }) => Sid === sid);

  test.each(names)("%s logs in only if it may touch rotated secrets", (name) => {
    const mayTouch = statements(name).some(({ Sid }) => Sid === "RotatedSecrets");
    expect(of(name, "VaultLogins")?.Resource).toEqual(mayTouch ? [credential] : undefined);
    const guard = of(name, "VaultLoginsOnlyRead");
    expect(mayTouch ? guard?.NotAction : guard?.Action).toEqual(
      mayTouch ? readActions : ["secretsmanager:*"],
    );
  });
});

describe("issuers that answer to Rekey's own role", () => {
  const arn = "arn:aws:lambda:eu-central-1:123456789012:function:passwords:7";
  const providerFunctions = { [arn]: { codeSha256: "FAKE", publicKey: "FAKE" } };
  const given = { providerFunctions, iamUsers: ["bedrock/search"] };
  const of = (name: string, sid: string) => statements(name, given).find(({ Sid }) => Sid === sid);
  const changing = /\bprovider(?:\(\w+\))?\.(?:mint|revoke|quarantine|restore)\(/;

  test.each(names)("give %s the listed versions and users if it calls providers, and no other", (name) => {
    const calls = functions[name]?.writes?.includes("ACCOUNT") === true;
    expect(of(name, "ProviderFunctions")?.Resource).toEqual(calls ? [arn] : undefined);
    const user = sub(`arn:\${AWS::Partition}:iam::\${AWS::AccountId}:user/bedrock/search`);
    expect(of(name, "KeysOfUsers")?.Resource).toEqual(calls ? [user] : undefined);
  });

  test.each(names)("let %s change keys only if its code does", (name) => {
    const actions = of(name, "KeysOfUsers")?.Action ?? [];
    const code = codeBehind(name);
    expect(actions.includes("iam:DeleteServiceSpecificCredential")).toBe(changing.test(code));
    expect(actions.includes("iam:CreateAccessKey")).toBe(/\bprovider\.mint\(/.test(code));
  });

  test("take no statement where none is listed", () => {
    for (const name of names)
      expect(statements(name).filter(({ Sid }) => /^(?:ProviderF|KeysOf)/.test(Sid))).toEqual([]);
  });
});

describe("vaults of Azure", () => {
  const role = "arn:aws:iam::123456789012:role/rekey-azure";
  const main = {
    ...{ address: "https://shop-fake.vault.azure.net", role },
    ...{
      tenant: `0f0f0f0f${"-0000".repeat(3)}-000000000001`,
      client: `0f0f0f0f${"-0000".repeat(3)}-000000000002`,
    },
  };
  const given = { azureVaults: { main: azureSettings.parse(main) } };
  const of = (name: string, sid: string) => statements(name, given).find(({ Sid }) => Sid === sid);

  test.each(names)("%s is given AWS's statement for Azure only if it may touch rotated secrets", (name) => {
    const mayTouch = statements(name).some(({ Sid }) => Sid === "RotatedSecrets");
    expect(of(name, "AzureLogins")?.Condition).toEqual(
      mayTouch
        ? { "ForAllValues:StringEquals": { "sts:IdentityTokenAudience": ["api://AzureADTokenExchange"] } }
        : undefined,
    );
    expect(of(name, "AzureRoles")?.Resource).toEqual(mayTouch ? [role] : undefined);
    expect(statements(name).some(({ Sid }) => Sid.startsWith("Azure"))).toBe(false);
  });
});

describe("rotated secrets", () => {
  test("get values only from the four functions that write versions", () => {
    expect(withPermission("secretsmanager:PutSecretValue")).toEqual([
      ...["mint-key", "native-bridge", "promote-version", "issue-key"],
    ]);
  });

  test("are never deleted, listed, created, or opened to others", () => {
    const known = ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"];
    const used = names
      .flatMap((name) => allowed(name))
      .filter((action) => action.startsWith("secretsmanager:"));
    for (const action of used) expect(known).toContain(action.slice("secretsmanager:".length));
  });

  test("are named by the parameter, with Secrets Manager's own ending", () => {
    expect(statement("prove-incoming", "RotatedSecrets")?.Resource).toEqual([
      {
        "Fn::Sub": `arn:\${AWS::Partition}:secretsmanager:\${AWS::Region}:\${AWS::AccountId}:secret:api-keys/*-??????`,
      },
    ]);
  });

  test("under a key of the customer's are decrypted through Secrets Manager only", () => {
    const secretKeys = ["arn:aws:kms:eu-central-1:123456789012:key/FAKE"];
    const [decrypt] = statements("prove-incoming", { secretKeys }).filter(({ Sid }) => Sid === "SecretKeys");
    expect(decrypt).toMatchObject({ Action: ["kms:Decrypt"], Resource: secretKeys });
    expect(Object.keys(decrypt?.Condition?.["StringEquals"] ?? {})).toEqual(["kms:ViaService"]);
    expect(allowed("await-key", { secretKeys })).not.toContain("kms:Decrypt");
    expect(allowed("mint-key", { secretKeys })).toContain("kms:GenerateDataKey");
  });
});

/** By kind of item, the calls that write it. */
const writing: Record<Kind, RegExp> = {
  // Whoever calls a provider counts the call.
  ACCOUNT: /(?:deps|world)\.provider\(|scoper\.scope\(|\.changeAccount/,
  ASKER: /\.putAsker\(/,
  AUDIT: /audit\.append|appendToIntake\(/,
  CAMPAIGN: /\.(openCampaign|changeCampaign|addCampaignKey|changeCampaignKey|putCampaignBreach)\(/,
  COPY: /\.changeCopy\(/,
  DEBT: /ledger\.putDebt\(/,
  EVIDENCE: /\.put(?:Evidence|Instance)\(/,
  FINGERPRINT: /\.putHolder\(/,
  FORMER: /\.putFormerSecret\(/,
  INCIDENT: /\.(changeIncident|reportIncident|changeSubject)\(|documents\.change<(Breaker|Paged)>/,
  INDEX: /documents\.write<IndexedVersion>/,
  ISSUED: /\.changeIssued\(/,
  KEY: /\.putKey\(/,
  KIT: /documents\.write\(kitEntryAt/,
  OBSERVATION: /\.changeObservation\(/,
  ORDER: /kind: "ORDER"/,
  POLICY: /\.put(?:Policy|Template)\(/,
  PUSHED: /\.putPushed\(/,
  REFRESH: /refreshMemory\(/,
  REPLAY: /documents\.change<Seen>/,
  ROTATION: /\.changeRotation\(/,
  SECRET: /\.changeSecret\(/,
  STOP: /\.putStop\(/,
  SWEEP: /kind: "SWEEP"/,
  TOLD: /\.putTold\(/,
  TRIAGE: /\.putTriage\(/,
  TURN: /\.changeTurns\(/,
};
const removing: Partial<Record<Kind, RegExp>> = {
  CAMPAIGN: /\.removeCampaignBreach\(/,
  DEBT: /\.removeDebt\(/,
  EVIDENCE: /\.removeEvidence\(/,
  POLICY: /\.remove(?:Policy|Template)\(/,
  STOP: /\.removeStop\(/,
  TOLD: /\.removeTold\(/,
};

describe("the ledger", () => {
  const kinds = [...Object.keys(writing), "AUDITID"] as Kind[];

  test.each(names)("takes from %s the kinds of item that its code writes, and no other", (name) => {
    const code = codeBehind(name);
    const asks = (patterns: Partial<Record<Kind, RegExp>>) =>
      kinds.filter((kind) => patterns[kind === ("AUDITID" as Kind) ? "AUDIT" : kind]?.test(code));
    expect(kinds.filter((kind) => mayWrite(name, "PutItem", kind))).toEqual(asks(writing));
    expect(kinds.filter((kind) => mayWrite(name, "DeleteItem", kind))).toEqual(asks(removing));
  });

  test("takes a policy from nobody but the admin function, and from the public intake what it saw and its log", () => {
    expect(names.filter((name) => mayWrite(name, "PutItem", "POLICY"))).toEqual(["admin"]);
    expect(kinds.filter((kind) => mayWrite("intake", "PutItem", kind))).toEqual([
      "AUDIT",
      "REPLAY",
      "AUDITID",
    ]);
  });

  test("is read, written and queried by item, and never scanned or changed as a table", () => {
    const known = ["GetItem", "PutItem", "Query", "DeleteItem"].map((action) => `dynamodb:${action}`);
    const used = names.flatMap((name) => allowed(name)).filter((action) => action.startsWith("dynamodb:"));
    for (const action of used) expect(known).toContain(action);
  });

  test("loses items only where something has ended", () => {
    const enders = [
      "close-rotation",
      "close-incident",
      "settle-incident",
      "settle-closed",
      "sweep",
      "admin",
      "tell-people",
      "end-issued",
    ];
    for (const name of withPermission("dynamodb:DeleteItem")) {
      expect(enders).toContain(name);
    }
  });
});

test("what signs cannot write the ledger", () => {
  expect(withPermission("kms:Sign")).toEqual(["certify-rotation", "anchor-audit", "certify-incident"]);
  for (const name of ["certify-rotation", "certify-incident"]) {
    const written = ["dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:UpdateItem"];
    expect(allowed(name).filter((action) => written.includes(action))).toEqual([]);
    expect(statement(name, "FileCertificates")?.Resource).toEqual([
      { "Fn::Sub": `\${AuditBucket.Arn}/certificates/*` },
    ]);
  }
  const own = ["logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"];
  expect(allowed("anchor-audit").filter((action) => !own.includes(action))).toEqual([
    "dynamodb:Query",
    ...["kms:Sign", "kms:Verify"],
    ...["s3:PutObject", "s3:PutObjectRetention", "s3:GetObjectVersion", "s3:ListBucketVersions"],
  ]);
});

test("the function that signs audit checkpoints can use no other folder of the bucket, and reports only theirs", () => {
  const folder = (name: string) => [{ "Fn::Sub": `\${AuditBucket.Arn}/${name}/*` }];
  expect(statement("anchor-audit", "FileCheckpoints")?.Resource).toEqual([
    ...folder("checkpoints"),
    ...folder("chains"),
  ]);
  expect(statement("anchor-audit", "ListCheckpoints")?.Condition).toEqual({
    StringLike: { "s3:prefix": ["checkpoints/*", "chains/*"] },
  });
  expect(statement("file-report", "FileReports")?.Resource).toEqual(folder("reports"));
});

test("pages, reports and access records are each one permission", () => {
  const row = {
    does: "all three",
    table: ["GetItem"],
    people: "page",
    reports: "file",
    accessRecords: "read",
  } as const;
  const role = statementsOf(roleOf("respond", row, { ...deployment, slackSecret }));
  const granted = role
    .filter(({ Effect }) => Effect === "Allow")
    .map(({ Action, Resource }) => [Action, Resource]);
  expect(granted).toEqual(
    expect.arrayContaining([
      [["sns:Publish"], [{ Ref: "AlarmTopic" }]],
      [["secretsmanager:GetSecretValue"], [slackSecret]],
      [["s3:PutObject"], [{ "Fn::Sub": `\${AuditBucket.Arn}/reports/*` }]],
      [["cloudtrail:LookupEvents"], ["*"]],
    ]),
  );
});

test("whoever only indexes what opens PagerDuty and Slack looks for its versions, and pages nobody", () => {
  const own = statements("index-secrets", { slackSecret });

  expect(own.find(({ Sid }) => Sid === "PageSecrets")).toMatchObject({
    Effect: "Allow",
    ...{ Action: readActions, Resource: [slackSecret] },
  });
  expect(own.find(({ Sid }) => Sid === "Page")).toBeUndefined();
});

test("what opens PagerDuty and Slack is decrypted by whoever reads it, and denied to everyone else", () => {
  const secretKeys = ["arn:aws:kms:eu-central-1:123456789012:key/FAKE"];
  const readers = names.filter((name) => functions[name]?.people !== undefined);
  expect(readers).toContain("escalate");
  for (const name of names) {
    const own = statements(name, { slackSecret, secretKeys });
    const isReader = readers.includes(name);
    expect(own.some(({ Sid }) => Sid === "PageSecrets")).toBe(isReader);
    if (isReader)
      expect(own.find(({ Sid }) => Sid === "SecretKeys")?.Action).toEqual(
        expect.arrayContaining(["kms:Decrypt"]),
      );
    expect(own.find(({ Sid }) => Sid === "PageSecretsOnlyRead")).toMatchObject({
      ...{ Effect: "Deny", Resource: [slackSecret] },
      ...(isReader ? { NotAction: readActions } : { Action: ["secretsmanager:*"] }),
    });
  }
});

describe("the environment's guard", () => {
  const others = names.filter((name) => name !== "issue-key");

  test("lets one function make a secret with the tags of this environment, where somebody may issue", () => {
    const issuers = ["issuer"];
    const makers = names.filter((name) => allowed(name, { issuers }).includes("secretsmanager:CreateSecret"));
    expect(makers).toEqual(["issue-key"]);
    expect(withPermission("secretsmanager:CreateSecret")).toEqual([]);
    const policy = parsePolicy({ Version: "2012-10-17", Statement: resolved("issue-key", { issuers }) });
    const may = (
      action: string,
      name: string,
      context: Readonly<Record<string, string | readonly string[]>>,
    ) =>
      decide(
        {
          principal: { kind: "role", account: "123456789012", roleArn: "arn:r", sessionArn: "arn:s" },
          ...{ action: `secretsmanager:${action}`, owner: "123456789012", context },
          resource: `arn:aws:secretsmanager:eu-central-1:123456789012:secret:${name}`,
        },
        { identity: [policy] },
      ).isAllowed;
    const ours = { "aws:requesttag/environment": "production", "aws:requesttag/rekey": "rotated" };
    const tagged = { ...ours, "aws:tagkeys": ["Environment", "Rekey", "RekeyIssue"] };
    for (const action of ["CreateSecret", "TagResource"]) {
      expect(may(action, "api-keys/new", tagged)).toBe(true);
      expect(may(action, "payments/new", tagged)).toBe(false);
      expect(may(action, "api-keys/new", {})).toBe(false);
      expect(may(action, "api-keys/new", { ...tagged, "aws:requesttag/environment": "staging" })).toBe(false);
      expect(may(action, "api-keys/new", { ...tagged, "aws:tagkeys": ["Environment", "Team"] })).toBe(false);
    }
    expect(
      may("TagResource", "api-keys/theirs-AbCdEf", { ...tagged, "aws:resourcetag/environment": "staging" }),
    ).toBe(false);
    expect(
      may("PutSecretValue", "api-keys/theirs-AbCdEf", { "aws:resourcetag/environment": "staging" }),
    ).toBe(false);
    expect(may("PutSecretValue", "api-keys/none-AbCdEf", {})).toBe(false);
    expect(
      may("PutSecretValue", "api-keys/ours-AbCdEf", { "aws:resourcetag/environment": "production" }),
    ).toBe(true);
  });

  test.each(others)("keeps %s from secrets and workloads of another environment, or of none", (name) => {
    expect(statement(name, "OtherEnvironments")).toEqual({
      Sid: "OtherEnvironments",
      Effect: "Deny",
      Action: expect.arrayContaining([
        "secretsmanager:*",
        "ecs:UpdateService",
        "lambda:UpdateFunctionConfiguration",
      ]),
      Resource: ["*"],
      Condition: { StringNotEquals: { "aws:ResourceTag/Environment": "production" } },
    });
  });

  test.each(others)("keeps %s from moving a tag", (name) => {
    const guard = statement(name, "NoRetagging");
    expect(guard).toMatchObject({ Effect: "Deny", Resource: ["*"] });
    expect(guard?.Action).toEqual(
      expect.arrayContaining(["secretsmanager:TagResource", "secretsmanager:UntagResource", "iam:TagRole"]),
    );
    expect(guard?.Condition).toBeUndefined();
  });
});

describe("refreshing a workload", () => {
  const service = "arn:aws:ecs:eu-central-1:123456789012:service/cluster/billing";
  const lambda = "arn:aws:lambda:eu-central-1:123456789012:function:search";

  test("is looked at by what AWS really asks for: an alias through its function, tasks through their cluster", () => {
    const cluster = "arn:aws:ecs:eu-central-1:123456789012:cluster/main";
    const given = { refreshAllowed: [`${lambda}:live`, `${cluster}#nightly`, service] };
    const looking = statements("check-adoption", given).filter(({ Sid }) => Sid.startsWith("Workload"));
    expect(looking).toEqual([
      expect.objectContaining({ Action: ["ecs:DescribeServices"], Resource: [service] }),
      expect.objectContaining({
        Action: ["lambda:GetFunctionConfiguration", "lambda:GetAlias"],
        Resource: [`${lambda}:live`, lambda],
      }),
      expect.objectContaining({
        Action: ["ecs:ListTasks", "ecs:DescribeTasks"],
        Resource: ["*"],
        Condition: { ArnEquals: { "ecs:cluster": [cluster] } },
      }),
      expect.objectContaining({ Action: ["ecs:DescribeTaskDefinition"], Resource: ["*"] }),
    ]);
  });

  test("is not permitted at all by default", () => {
    for (const name of names) {
      const acts = allowed(name).filter((action) => /^(ecs|lambda|eks|ssm|apprunner):/.test(action));
      expect(acts).toEqual(name === "admin" ? ["lambda:InvokeFunction"] : []);
    }
    expect(statement("admin", "IssueSecrets")?.Resource).toEqual([
      expect.objectContaining({ "Fn::Sub": expect.stringMatching(/function:rekey-production-issue-key$/) }),
    ]);
  });

  test("is permitted to one function, for exactly the workloads that are listed", () => {
    const token = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:FAKE-FAKE01";
    const given = { refreshAllowed: [service, lambda, `https://cluster.example.com/apis/FAKE#${token}`] };
    const refreshing = statements("nudge-consumers", given).filter(({ Sid }) => Sid.startsWith("Workload"));
    expect(refreshing.map(({ Resource }) => Resource)).toEqual([[service], [lambda], [token]]);
    const changing = ["ecs:UpdateService", "lambda:UpdateFunctionConfiguration", "sqs:SendMessage"];
    for (const name of names.filter((other) => other !== "nudge-consumers")) {
      const more = allowed(name, given).filter((action) => !allowed(name).includes(action));
      for (const action of changing) expect(more).not.toContain(action);
    }
  });
});

test("a role of another account is assumed by what looks at workloads or refreshes them, and is told to nobody else", () => {
  const role = "arn:aws:iam::444455556666:role/rekey-workloads";
  const given = { workloadRoles: { "444455556666": role } };
  const assuming = names.filter((name) =>
    statements(name, given).some(
      ({ Action, Resource }) => Action?.includes("sts:AssumeRole") && Resource.includes(role),
    ),
  );
  const stack = rendered({ ...deployment, ...given });
  const told = names.filter((name) =>
    JSON.stringify(stack[`${logicalName(name)}LambdaFunction`]).includes(role),
  );
  expect(assuming).toEqual(told);
  expect(assuming).toEqual(expect.arrayContaining(["check-adoption", "nudge-consumers"]));
  expect(assuming).not.toContain("admin");
  expect(statements("check-adoption").some(({ Sid }) => Sid === "WorkloadRoles")).toBe(false);
});

test("a sealed kit is put by one function, as one object of one bucket, and nobody reads there", () => {
  const sealedKit = {
    groups: [["age1a"], ["age1b"]] as [string[], string[]],
    bucket: "kits",
    region: "eu-west-1",
  };
  const touching = names.filter((name) =>
    statements(name, { sealedKit }).some(({ Resource }) => JSON.stringify(Resource).includes(":s3:::kits")),
  );
  expect(touching).toEqual(["export-kit"]);
  const put = statements("export-kit", { sealedKit }).find(({ Sid }) => Sid === "PutSealedKit");
  expect(put).toMatchObject({
    Action: ["s3:PutObject"],
    Resource: [{ "Fn::Sub": `arn:\${AWS::Partition}:s3:::kits/rekey-production.kit.age` }],
  });
});

describe("a role may do what its code asks for, and nothing else", () => {
  const asked: Readonly<Record<string, RegExp>> = {
    "dynamodb:GetItem": /ledger\.(?!(policies|formerSecrets)\()\w|audit\.append/,
    "dynamodb:PutItem": /ledger\.(\w+\.)?(change|put|write|report)|audit\.append|\.changeTurns\(/,
    "dynamodb:Query":
      /appendToIntake\(|audit\.append|log\.(verify|entries)\(|scoper\.scope\(|ledger\.(\w+\.)?(policies|formerSecrets|rotations|holders|evidence|debts|stops|keys|incidents)\(/,
    "dynamodb:DeleteItem": /ledger\.(\w+\.)?remove/,
    "secretsmanager:DescribeSecret":
      /store\.(versionsInUse|replicasBehind|markPending|clearPending|discard|promote|pin|unpin)\(/,
    "secretsmanager:GetSecretValue": /store\.(current|read)\(/,
    "secretsmanager:PutSecretValue": /store\.write\(|maker\.make\(/,
    MakeSecrets: /maker\.make\(/,
    LookForNames: /maker\.find\(/,
    IssueSecrets: /issuer\.make\(/,
    "secretsmanager:UpdateSecretVersionStage":
      /store\.(markPending|clearPending|discard|promote|pin|unpin)\(/,
    AdminCredentials:
      /provider(\(\w+\))?\.(mint|list|find|use|quarantine|restore|revoke|extend|candidates)\(|scoper\.scope\(|adminCredentials\.read\(/,
    IntakeSecrets: /signing\.of\(|intakeSecretArns\(|ownSecrets\(|deps\.send\(/,
    Bus: /bus\.publish\(|escalator\.page\(/,
    AlertBus: /alerts\.publish\(/,
    "states:SendTaskSuccess": /executions\.succeed\(/,
    "states:SendTaskFailure": /executions\.fail\(/,
    "states:StartExecution": /executions\.start\(/,
    "states:DescribeExecution": /executions\.describe\(/,
    "states:StopExecution": /executions\.stop\(/,
    ReadSchedules: /schedules\.list\(/,
    ReconcileSchedules: /schedules\.(put|remove)\(/,
    PageSecrets: /escalator\.page\(|ownSecrets\(/,
    Page: /escalator\.page\(/,
    SignCheckpoints: /checkpoints\.write\(/,
    FileCheckpoints: /checkpoints\.write\(/,
    ListCheckpoints: /checkpoints\.write\(/,
    SignCertificates: /certificates\.file\(/,
    FileCertificates: /certificates\.file\(/,
    ListCertificates: /certificates\.file\(/,
    FileReports: /reports\.file\(/,
    LookUpReads: /scoper\.scope\(/,
    WorkloadServices: /source\.observe\(|\.refresh\(/,
  };

  /** What is in the code behind a function, but cannot be reached from it. */
  const unreachable: Readonly<Record<string, readonly string[]>> = {
    // Adoption looks only, and leaving a secret takes Rekey's labels off: nothing puts a version.
    // Whoever reconciles schedules may read them too, under that statement.
    admin: ["secretsmanager:PutSecretValue", "ReadSchedules"],
    "end-issued": ["ReadSchedules"],
    // The tokens and signing keys of workloads are granted by the deployment's own list, not by these rows.
    "nudge-consumers": ["secretsmanager:GetSecretValue"],
    "check-adoption": ["secretsmanager:GetSecretValue"],
    // It names no signal of the provider's: whoever stole the key would be heard there too.
    "check-recovery": ["AdminCredentials", "secretsmanager:GetSecretValue"],
  };

  const service = "arn:aws:ecs:eu-central-1:123456789012:service/cluster/billing";
  const intakeSecrets = { github: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:FAKE-FAKE01" };
  const issuers = ["issuer"];

  /** Actions of the ledger, the rotated secrets and the machines; of the rest, what each statement is called. */
  function granted(name: string): readonly string[] {
    const byAction = [
      "ReadLedger",
      "WriteOwnKinds",
      "RemoveOwnKinds",
      "RotatedSecrets",
      "CallMachines",
      "FollowRuns",
    ];
    return statements(name, { intakeSecrets, slackSecret, refreshAllowed: [service], issuers })
      .filter(({ Effect }) => Effect === "Allow")
      .flatMap(({ Sid, Action = [], Resource }) => {
        if (byAction.includes(Sid)) return Action;
        return Sid === "Publish" ? referencesIn(Resource) : [Sid];
      })
      .filter((each) => Object.hasOwn(asked, each));
  }

  /** Statements that no line of functions/ asks for: what AWS itself does under the role, or needs beside it. */
  const because: Readonly<Record<string, string>> = {
    WriteOwnLog: "Lambda writes the log",
    KeepFailedEvents: "Lambda keeps an event that failed three times",
    SecretKeys: "Secrets Manager decrypts and encrypts for the caller",
    ListSchedules: "`rekey apply` compares the group's schedules (ReconcileSchedules)",
    LendSchedulerRole: "a schedule is made with its role (ReconcileSchedules)",
    WorkloadFunctions: "as WorkloadServices",
    WorkloadQueues: "as WorkloadServices",
    WorkloadTasks: "as WorkloadServices",
    WorkloadDefinitions: "as WorkloadServices; AWS has no narrower resource for it",
  };

  test("each statement is one that code asks for, or has its reason here", () => {
    const refreshAllowed = [
      ...[service, "arn:aws:lambda:eu-central-1:123456789012:function:f"],
      ...["arn:aws:sqs:eu-central-1:123456789012:q", "arn:aws:ecs:eu-central-1:123456789012:cluster/c#f"],
      "https://h.example.com/#arn:aws:secretsmanager:eu-central-1:123456789012:secret:t-FAKE01",
    ];
    const secretKeys = ["arn:aws:kms:eu-central-1:123456789012:key/FAKE"];
    const sids = names.flatMap((name) =>
      statements(name, { intakeSecrets, slackSecret, refreshAllowed, secretKeys, issuers })
        .filter(({ Effect }) => Effect === "Allow")
        .filter(
          ({ Sid, Action = [] }) =>
            !Object.hasOwn(asked, Sid) && !Action.every((each) => Object.hasOwn(asked, each)),
        )
        .map(({ Sid }) => Sid),
    );
    expect([...new Set(sids)].filter((sid) => sid !== "Publish").sort()).toEqual(Object.keys(because).sort());
  });

  test.each(names)("%s", (name) => {
    const code = codeBehind(name);
    const wanted = Object.entries(asked).filter(([, pattern]) => pattern.test(code));
    const reachable = wanted.map(([each]) => each).filter((each) => !unreachable[name]?.includes(each));
    expect([...granted(name)].sort()).toEqual(reachable.sort());
  });
});

/** Whether one of the managed policies that people's roles have allows a call. */
function letsPeople(
  policyId: string,
  call: {
    readonly action: string;
    readonly of?: string;
    readonly context?: Readonly<Record<string, string>>;
  },
  of: Deployment = deployment,
): boolean {
  const stack = resolveStack(rendered(of), place);
  const request = {
    principal: { kind: "role", account: place.account, roleArn: "arn:r", sessionArn: "arn:s" },
    ...{ action: call.action, owner: place.account, context: call.context ?? {} },
    resource: call.of === undefined ? "*" : (stack.get(call.of)?.attributes["Arn"] ?? ""),
  } as const;
  const policy = parsePolicy(stack.get(policyId)?.properties["PolicyDocument"]);
  return decide(request, { identity: [policy] }).isAllowed;
}

test("an auditor may ask who read which secret (`rekey report access`), and nobody else of the deployment's people", () => {
  const people = ["ReaderPolicy", "OperatorPolicy", "SupplierPolicy", "AuditorPolicy"];
  const allowed = people.filter((id) => letsPeople(id, { action: "cloudtrail:LookupEvents" }));
  expect(allowed).toEqual(["AuditorPolicy"]);
});

describe("a second factor", () => {
  /** Whether an operator's policy lets the admin function run through its URL. */
  function mayOrder(requireMfa: boolean, context: Readonly<Record<string, string>>): boolean {
    const call = { action: "lambda:InvokeFunction", of: "AdminLambdaFunction" };
    const throughUrl = { "lambda:invokedviafunctionurl": "true", ...context };
    return letsPeople("OperatorPolicy", { ...call, context: throughUrl }, { ...deployment, requireMfa });
  }

  test("is asked of whoever orders, where the deployment says so", () => {
    const shown = { "aws:multifactorauthpresent": "true" };
    expect([mayOrder(false, {}), mayOrder(true, shown)]).toEqual([true, true]);
    expect([mayOrder(true, {}), mayOrder(true, { "aws:multifactorauthpresent": "false" })]).toEqual([
      false,
      false,
    ]);
  });
});
