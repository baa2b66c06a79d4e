import { setTimeout as pause } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import type { Policy } from "../../core/policy.ts";
import { adoptCurrent } from "../../core/rotation/secret-record.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { dynamoTable } from "../../ledger/dynamodb.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { troubleIn } from "../../local/summary.ts";
import { clientAs, type LocalCloud, startLocalCloud } from "../../local/world.ts";
import { openaiFake } from "../../providers/openai/fake.ts";

const name = "rekey/admin/openai";
const times = {
  ...{ activateMs: 2_000, dieMs: 2_000, deadProbes: 2, deadWindowMs: 300, probeEveryMs: 200 },
  usageLagMs: 500,
};

const fake = openaiFake({ newAdminKeysMayNot: [] });
let cloud: LocalCloud;
let provider: Awaited<ReturnType<typeof fake.listen>>;
const former = fake.addAdminKey();
const closing: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  fake.replaceAdminKey("sk-admin-FAKE-that-nobody-has-0000");
  provider = await fake.listen();
  closing.push(() => provider.close());
  cloud = await startLocalCloud({
    byHand: {
      secrets: { [name]: former.secret.reveal() },
      deployment: (arns) => ({ rotatedAdminSecrets: [arns[name] ?? ""] }),
    },
  });
  closing.push(() => cloud.close());
}, 180_000);

afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

/** What `rekey apply` writes, but for a quiet window that a test can wait out. */
async function declare(secretArn: string): Promise<void> {
  const dynamo = new DynamoDBClient(clientAs(cloud, "administrator"));
  closing.push(() => dynamo.destroy());
  const ledger = ledgerOn(dynamoTable(dynamo, cloud.outputs["TableName"] ?? ""));
  const settings = { adminCredential: secretArn, baseUrl: provider.url, propagation: times };
  const policy: Policy = {
    ...{ secretArn, name: "openai-admin", environment: "production", mode: "rotate" },
    provider: { account: "openai-admin", kind: "openai-admin", adminCredential: secretArn, settings },
    ...{ consumers: "none", isAdminCredential: true, signals: ["provider"], quietMs: 2_000 },
    ...{ overlapMs: 120_000, soakMs: 0, maxAgeMs: 86_400_000, retain: false },
    incident: { containByMs: 600_000, escalateAfterMs: 300_000 },
  };
  await ledger.putPolicy(policy);
  const settingsOf = { adminCredential: secretArn, baseUrl: provider.url, project: "proj_FAKE" };
  const served = { ...policy.provider, account: "openai-main", kind: "openai", settings: settingsOf };
  const other = secretArn.replace("rekey/admin/openai", "billing-key");
  const { isAdminCredential: _own, ...ordinary } = policy;
  await ledger.putPolicy({ ...ordinary, secretArn: other, name: "billing-key", provider: served });
  const manager = new SecretsManagerClient(clientAs(cloud, "administrator"));
  const { VersionId: versionId = "" } = await manager.send(
    new GetSecretValueCommand({ SecretId: secretArn }),
  );
  manager.destroy();
  const fingerprint = fingerprintOf(former.secret);
  const known = { name: "by hand", state: "current", keyId: former.keyId, versionId, fingerprint } as const;
  await ledger.changeSecret(secretArn, (record) => adoptCurrent(record, known));
}

async function rotate(secretArn: string) {
  const machines = new SFNClient(clientAs(cloud, "administrator"));
  closing.push(() => machines.destroy());
  const { executionArn } = await machines.send(
    new StartExecutionCommand({
      ...{ stateMachineArn: cloud.outputs["RotationMachineArn"], name: "r-admin" },
      input: JSON.stringify({ secretArn, trigger: "test" }),
    }),
  );
  for (let looks = 0; looks < 600; looks++) {
    const said = await machines.send(new DescribeExecutionCommand({ executionArn }));
    if (said.status !== "RUNNING") return said;
    await pause(200);
  }
  throw new Error("the rotation did not end");
}

test("on the cloud's own roles, an admin key is rotated through the one role that may write it", async () => {
  const manager = new SecretsManagerClient(clientAs(cloud, "administrator"));
  closing.push(() => manager.destroy());
  const { ARN = "" } = await manager.send(new DescribeSecretCommand({ SecretId: name }));
  await declare(ARN);

  expect(await rotate(ARN)).toMatchObject({ status: "SUCCEEDED" });

  expect(troubleIn(cloud)).toEqual([]);
  expect(fake.adminKeys().map(({ isAccepted }) => isAccepted)).toEqual([false, true, false]);
  const { SecretString = "" } = await manager.send(new GetSecretValueCommand({ SecretId: ARN }));
  expect(SecretString).toBe(fake.texts().get(fake.adminKeys()[1]?.keyId ?? ""));
  const writes = cloud.trail.filter(({ eventName }) => eventName === "PutSecretValue");
  expect(writes.map(({ userIdentity }) => JSON.stringify(userIdentity))).toEqual([
    expect.stringContaining("-admin-credentials/rekey-admin-credentials"),
  ]);
}, 180_000);

test("whoever the role does not trust may not assume it, and no function's own role writes the secret", async () => {
  const [role] = [...cloud.used().keys()].filter((each) => each.endsWith("-admin-credentials"));
  const RoleArn = `arn:aws:iam::111122223333:role/${role}`;
  const sts = new STSClient(clientAs(cloud, "operator"));
  const asked = new AssumeRoleCommand({ RoleArn, RoleSessionName: "somebody" });
  await expect(sts.send(asked)).rejects.toMatchObject({ name: "AccessDeniedException" });
  sts.destroy();
  // The administrator may do everything in the account, and the role trusts only functions.
  const all = new STSClient(clientAs(cloud, "administrator"));
  await expect(all.send(asked)).rejects.toThrow(/does not trust the caller/);
  all.destroy();
  const operator = new SecretsManagerClient(clientAs(cloud, "operator"));
  const write = new PutSecretValueCommand({ SecretId: name, SecretString: "FAKE" });
  await expect(operator.send(write)).rejects.toMatchObject({ name: "AccessDeniedException" });
  operator.destroy();
});
