import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { policyNamed } from "../../functions/evidence/policy-named.ts";
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
