import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { policyNamed } from "../../functions/evidence/policy-named.ts";
import type { Replication } from "../../local/aws/secrets-manager/vault.ts";
import { secretsManager } from "../../local/aws/secrets-manager.ts";
import { startCloud } from "../../local/aws/server.ts";
import { isCopyOf } from "../../stores/index.ts";
import { labelledVersions } from "../../stores/secrets-manager/calls.ts";
import { adminWorld, arnOf, fileWith } from "./admin-world.ts";

const primary = arnOf("billing-key");
const replica = primary.replace("eu-west-1", "us-east-1");

test.each([
  ["a replica", replica, true],
  ["the secret itself", primary, false],
  [
    "another secret of this name, which AWS gave other characters",
    replica.replace("AbCdEf", "XyZxYz"),
    false,
  ],
  ["a secret of another account", replica.replace("111122223333", "444455556666"), false],
  ["a secret of another partition", replica.replace("arn:aws:", "arn:aws-cn:"), false],
  ["an ARN without its last characters", replica.replace("-AbCdEf", ""), false],
  ["a name", "billing-key", false],
])("%s", (_title, copy, is) => {
  expect(isCopyOf(copy, primary)).toBe(is);
});

test("a report about a replica is about its primary's policy, and about nothing else", async () => {
  const world = adminWorld();
  world.secret("billing-key");
  const { parse } = await import("yaml");
  const data = parse(fileWith({ secrets: { "billing-key": "" } }));
  await world.send({ command: "apply", files: [{ path: "rekey.yml", data }] });
  expect((await policyNamed(replica, world.deps))?.secretArn).toBe(primary);
  expect((await policyNamed(primary, world.deps))?.secretArn).toBe(primary);
  for (const unknown of [arnOf("other"), "billing-key", "", replica.replace("AbCdEf", "XyZxYz")])
    expect(await policyNamed(unknown, world.deps)).toBeUndefined();
});

test("a policy for a replica is refused, with the primary named", async () => {
  const send = async () => ({ PrimaryRegion: "us-east-1", VersionIdsToStages: { v1: ["AWSCURRENT"] } });
  const client = { send } as unknown as SecretsManagerClient;
  const versions = labelledVersions(client, { pause: async () => {} });
  await expect(versions.labels(primary)).rejects.toThrow(
    `is a replica, which only its primary changes: use ${replica}`,
  );
  expect(await versions.labels(replica)).toEqual({ v1: ["AWSCURRENT"] });
});

/** A secret with a replica in two Regions, in a cloud whose replicas follow as told. */
async function replicated(replication: Replication) {
  let nowMs = 0;
  const place = { region: "eu-west-1", account: "111122223333" };
  const cloud = await startCloud({ services: [secretsManager({ ...place, now: () => nowMs, replication })] });
  const credentials = { accessKeyId: "FAKE", secretAccessKey: "FAKE" };
  const client = new SecretsManagerClient({ endpoint: cloud.url, region: place.region, credentials });
  const AddReplicaRegions = [{ Region: "us-east-1" }, { Region: "ap-south-1" }];
  const made = await client.send(
    new CreateSecretCommand({ Name: "billing-key", SecretString: "FAKE-one", AddReplicaRegions }),
  );
  const versions = labelledVersions(client, { pause: async () => {} });
  return {
    behind: () => versions.replicasBehind(made.ARN ?? ""),
    put: () => client.send(new PutSecretValueCommand({ SecretId: made.ARN, SecretString: "FAKE-two" })),
    pass: (ms: number) => {
      nowMs += ms;
    },
    async close() {
      client.destroy();
      await cloud.close();
    },
  };
}

test("after a change a replica is behind until Secrets Manager calls it InSync", async () => {
  const { behind, put, pass, close } = await replicated({ takesMs: 5_000 });
  try {
    pass(5_000);
    expect(await behind()).toEqual([]);
    await put();
    expect(await behind()).toEqual([
      { place: "us-east-1", state: "inProgress" },
      { place: "ap-south-1", state: "inProgress" },
    ]);
    pass(5_000);
    expect(await behind()).toEqual([]);
  } finally {
    await close();
  }
});

test("a replica that failed is told from one that takes its time, with what Secrets Manager says", async () => {
  const message = "the KMS key is disabled";
  const { behind, close } = await replicated({ failures: { "ap-south-1": message } });
  try {
    expect(await behind()).toEqual([{ place: "ap-south-1", state: "failed", detail: message }]);
  } finally {
    await close();
  }
});

test("a status that AWS may add one day counts as behind, and long words are cut", async () => {
  const StatusMessage = "x".repeat(10_000);
  const send = async () => ({
    ReplicationStatus: [{ Region: "us-east-1", Status: "Paused", StatusMessage }],
  });
  const versions = labelledVersions({ send } as unknown as SecretsManagerClient, { pause: async () => {} });
  const [only] = await versions.replicasBehind(primary);
  expect(only).toMatchObject({ place: "us-east-1", state: "inProgress" });
  expect(only?.detail).toHaveLength(200);
});
