import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  BatchGetSecretValueCommand,
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  RotateSecretCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-secrets-manager";
import type { ConformanceCase } from "../case.ts";
import { refused } from "../refused.ts";
import { fake, newVault } from "../vault.ts";

const readCases: readonly ConformanceCase[] = [
  {
    service: "secretsManager",
    name: "a secret answers to its full ARN, its name, and its ARN without the six random characters",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      assert.match(vault.arn, new RegExp(`:secret:${vault.name}-[A-Za-z0-9]{6}$`));
      for (const SecretId of [vault.arn, vault.name, vault.arn.slice(0, -7)]) {
        const answer = await clients.secretsManager.send(new GetSecretValueCommand({ SecretId }));
        assert.equal(answer.SecretString, fake("1"));
        assert.equal(answer.ARN, vault.arn);
      }
    },
  },
  {
    service: "secretsManager",
    name: "an ARN with other random characters is not found",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const SecretId = `${vault.arn.slice(0, -6)}${vault.arn.endsWith("aaaaaa") ? "bbbbbb" : "aaaaaa"}`;
      await refused(
        clients.secretsManager.send(new GetSecretValueCommand({ SecretId })),
        "ResourceNotFoundException",
      );
    },
  },
  {
    service: "secretsManager",
    name: "VersionId and VersionStage given together must name the same version",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const second = await vault.put(fake("2"), { stages: ["AWSPENDING"] });
      assert.equal(await vault.read({ VersionId: second, VersionStage: "AWSPENDING" }), fake("2"));
      const mismatch = vault.read({ VersionId: second, VersionStage: "AWSCURRENT" });
      await refused(mismatch, "InvalidRequestException");
    },
  },
  {
    service: "secretsManager",
    name: "a version or label that is not there is ResourceNotFoundException, and so is an empty secret",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch);
      await refused(vault.read(), "ResourceNotFoundException");
      await vault.put(fake("1"));
      await refused(vault.read({ VersionStage: "AWSPREVIOUS" }), "ResourceNotFoundException");
      await refused(vault.read({ VersionId: randomUUID() }), "ResourceNotFoundException");
    },
  },
  {
    service: "secretsManager",
    name: "a binary value comes back byte for byte, and not as a string",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch);
      const SecretBinary = new Uint8Array([0, 255, 13, 10, 128]);
      await clients.secretsManager.send(new PutSecretValueCommand({ SecretId: vault.arn, SecretBinary }));
      const answer = await clients.secretsManager.send(new GetSecretValueCommand({ SecretId: vault.arn }));
      assert.deepEqual(new Uint8Array(answer.SecretBinary ?? []), SecretBinary);
      assert.equal(answer.SecretString, undefined);
    },
  },
  {
    service: "secretsManager",
    name: "a value may have 65,536 bytes and no more; the refusal does not quote it",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch);
      await vault.put("F".repeat(65_536));
      const tooLong = vault.put("FAKE".repeat(16_385));
      await refused(tooLong, "ValidationException", "InvalidParameterException", "InvalidRequestException");
      const message = await tooLong.catch((error: unknown) => String(error));
      assert.ok(!String(message).includes("FAKEFAKE"));
    },
  },
  {
    service: "secretsManager",
    name: "a put needs a value, and only one kind of it",
    async run(clients, scratch) {
      const { arn: SecretId } = await newVault(clients, scratch);
      const client = clients.secretsManager;
      const none = client.send(new PutSecretValueCommand({ SecretId }));
      await refused(none, "InvalidRequestException", "InvalidParameterException");
      const value = { SecretString: fake("1"), SecretBinary: new Uint8Array([1]) };
      const both = client.send(new PutSecretValueCommand({ SecretId, ...value }));
      await refused(both, "InvalidParameterException", "InvalidRequestException");
    },
  },
  {
    service: "secretsManager",
    name: "BatchGetSecretValue reads AWSCURRENT only and reports what failed beside what it read",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      await vault.put(fake("2"), { stages: ["AWSPENDING"] });
      const missing = scratch.unique("missing");
      const command = new BatchGetSecretValueCommand({ SecretIdList: [vault.arn, missing] });
      const { SecretValues = [], Errors = [] } = await clients.secretsManager.send(command);
      assert.deepEqual(
        SecretValues.map(({ SecretString }) => SecretString),
        [fake("1")],
      );
      assert.deepEqual(
        Errors.map(({ SecretId, ErrorCode }) => ({ SecretId, ErrorCode })),
        [{ SecretId: missing, ErrorCode: "ResourceNotFoundException" }],
      );
    },
  },
  {
    service: "secretsManager",
    name: "a description never holds a value",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("hidden") });
      const described = await clients.secretsManager.send(new DescribeSecretCommand({ SecretId: vault.arn }));
      assert.ok(!JSON.stringify(described).includes(fake("hidden")));
    },
  },
];

const lifecycleCases: readonly ConformanceCase[] = [
  {
    service: "secretsManager",
    name: "a deleted secret is unreadable and its name taken, until it is restored",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const client = clients.secretsManager;
      const SecretId = vault.arn;
      const { DeletionDate } = await client.send(
        new DeleteSecretCommand({ SecretId, RecoveryWindowInDays: 7 }),
      );
      const days = ((DeletionDate?.getTime() ?? 0) - Date.now()) / 86_400_000;
      assert.ok(days > 6.9 && days < 7.1, `${days} days`);
      await refused(vault.read(), "InvalidRequestException");
      await refused(vault.put(fake("2")), "InvalidRequestException");
      await refused(client.send(new CreateSecretCommand({ Name: vault.name })), "InvalidRequestException");
      assert.ok((await client.send(new DescribeSecretCommand({ SecretId }))).DeletedDate);

      await client.send(new RestoreSecretCommand({ SecretId }));
      assert.equal(await vault.read(), fake("1"));
    },
  },
  {
    service: "secretsManager",
    name: "the recovery window is 7 to 30 days, and not combined with a forced deletion",
    async run(clients, scratch) {
      const { arn: SecretId } = await newVault(clients, scratch);
      const client = clients.secretsManager;
      const tooShort = client.send(new DeleteSecretCommand({ SecretId, RecoveryWindowInDays: 6 }));
      await refused(tooShort, "InvalidParameterException", "ValidationException");
      const both = { SecretId, RecoveryWindowInDays: 7, ForceDeleteWithoutRecovery: true };
      await refused(client.send(new DeleteSecretCommand(both)), "InvalidParameterException");
    },
  },
  {
    service: "secretsManager",
    name: "tags are added, replaced and removed",
    async run(clients, scratch) {
      const { arn: SecretId } = await newVault(clients, scratch);
      const client = clients.secretsManager;
      const tags = [
        { Key: "Environment", Value: "test" },
        { Key: "Owner", Value: "billing" },
      ];
      await client.send(new TagResourceCommand({ SecretId, Tags: tags }));
      await client.send(new TagResourceCommand({ SecretId, Tags: [{ Key: "Environment", Value: "prod" }] }));
      await client.send(new UntagResourceCommand({ SecretId, TagKeys: ["Owner"] }));
      const { Tags } = await client.send(new DescribeSecretCommand({ SecretId }));
      assert.deepEqual(Tags, [{ Key: "Environment", Value: "prod" }]);
    },
  },
  {
    service: "secretsManager",
    name: "ListSecrets filters by name prefix and pages",
    async run(clients, scratch) {
      const vaults = await Promise.all([newVault(clients, scratch), newVault(clients, scratch)]);
      const names = vaults.map(({ name }) => name);
      const seen: string[] = [];
      const pagesMax = 10;
      let NextToken: string | undefined;
      for (let pages = 0; pages < pagesMax && (pages === 0 || NextToken); pages += 1) {
        const Filters = [{ Key: "name" as const, Values: names }];
        const command = new ListSecretsCommand({
          Filters,
          MaxResults: 1,
          ...(NextToken ? { NextToken } : {}),
        });
        const page = await clients.secretsManager.send(command);
        seen.push(...(page.SecretList ?? []).map(({ Name = "" }) => Name));
        NextToken = page.NextToken;
      }
      assert.deepEqual(seen.toSorted(), names.toSorted());
    },
  },
  {
    service: "secretsManager",
    name: "a rotation without a function is refused and reserves no version",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const before = await vault.labels();
      const rotate = clients.secretsManager.send(new RotateSecretCommand({ SecretId: vault.arn }));
      await refused(rotate, "InvalidRequestException");
      assert.deepEqual(await vault.labels(), before);
    },
  },
];

export const secretsManagerCases: readonly ConformanceCase[] = [...readCases, ...lifecycleCases];
