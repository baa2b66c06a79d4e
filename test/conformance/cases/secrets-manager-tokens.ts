import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  UpdateSecretCommand,
} from "@aws-sdk/client-secrets-manager";
import type { ConformanceCase } from "../case.ts";
import { refused } from "../refused.ts";
import { fake, newVault } from "../vault.ts";

export const tokenCases: readonly ConformanceCase[] = [
  {
    service: "secretsManager",
    name: "ClientRequestToken becomes the VersionId",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const token = randomUUID();
      assert.equal(await vault.put(fake("2"), { token }), token);
    },
  },
  {
    service: "secretsManager",
    name: "the same token with the same value succeeds and makes no second version",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const token = randomUUID();
      await vault.put(fake("2"), { token });
      assert.equal(await vault.put(fake("2"), { token }), token);
      assert.equal((await vault.versionIds({ deprecated: true })).length, 2);
    },
  },
  {
    service: "secretsManager",
    name: "the same token with a different value is refused and the value stays",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const token = randomUUID();
      await vault.put(fake("2"), { token });
      await refused(vault.put(fake("other"), { token }), "ResourceExistsException");
      assert.equal(await vault.read({ VersionId: token }), fake("2"));
    },
  },
  {
    service: "secretsManager",
    name: "TRAP: a repeated put does not take labels back that have moved since",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const [first = ""] = await vault.versionIds();
      const token = randomUUID();
      await vault.put(fake("2"), { token, stages: ["AWSPENDING"] });
      await vault.move("AWSPENDING", { from: token, to: first });
      await vault.put(fake("2"), { token, stages: ["AWSPENDING"] });
      assert.deepEqual(await vault.labels(), { [first]: ["AWSCURRENT", "AWSPENDING"] });
    },
  },
  {
    service: "secretsManager",
    name: "TRAP: UpdateSecret is not idempotent: a token that is already a version is an error",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const token = randomUUID();
      await vault.put(fake("2"), { token });
      const update = { SecretId: vault.arn, SecretString: fake("2"), ClientRequestToken: token };
      const repeat = clients.secretsManager.send(new UpdateSecretCommand(update));
      await refused(repeat, "ResourceExistsException", "InvalidRequestException");
    },
  },
  {
    service: "secretsManager",
    name: "a token shorter than 32 characters is refused",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const short = vault.put(fake("2"), { token: "too-short" });
      await refused(short, "InvalidParameterException", "ValidationException");
    },
  },
  {
    service: "secretsManager",
    name: "creating a secret again by its name is refused",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const again = clients.secretsManager.send(
        new CreateSecretCommand({ Name: vault.name, SecretString: fake("1") }),
      );
      await refused(again, "ResourceExistsException");
    },
  },
  {
    service: "secretsManager",
    name: "UpdateSecret with a value makes it current; without one it only describes",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const client = clients.secretsManager;
      await client.send(new UpdateSecretCommand({ SecretId: vault.arn, Description: "described" }));
      assert.equal((await vault.versionIds({ deprecated: true })).length, 1);
      await client.send(new UpdateSecretCommand({ SecretId: vault.arn, SecretString: fake("2") }));
      assert.equal(await vault.read(), fake("2"));
      assert.equal(await vault.read({ VersionStage: "AWSPREVIOUS" }), fake("1"));
      const { Description } = await client.send(new DescribeSecretCommand({ SecretId: vault.arn }));
      assert.equal(Description, "described");
    },
  },
];
