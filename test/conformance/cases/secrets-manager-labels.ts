import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { ConformanceCase } from "../case.ts";
import { refused } from "../refused.ts";
import { fake, newVault } from "../vault.ts";

export const labelCases: readonly ConformanceCase[] = [
  {
    service: "secretsManager",
    name: "PutSecretValue without VersionStages moves AWSCURRENT at once and AWSPREVIOUS to where it was",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const [first = ""] = await vault.versionIds();
      const second = await vault.put(fake("2"));
      assert.deepEqual(await vault.labels(), { [first]: ["AWSPREVIOUS"], [second]: ["AWSCURRENT"] });
      assert.equal(await vault.read(), fake("2"));
    },
  },
  {
    service: "secretsManager",
    name: "PutSecretValue with VersionStages attaches exactly those and leaves AWSCURRENT alone",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const [first = ""] = await vault.versionIds();
      const second = await vault.put(fake("2"), { stages: ["REKEY_INCOMING", "OTHER"] });
      assert.deepEqual(await vault.labels(), {
        [first]: ["AWSCURRENT"],
        [second]: ["OTHER", "REKEY_INCOMING"],
      });
    },
  },
  {
    service: "secretsManager",
    name: "TRAP: the first version of a secret becomes AWSCURRENT even when only AWSPENDING was asked for",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch);
      const first = await vault.put(fake("1"), { stages: ["AWSPENDING"] });
      assert.deepEqual(await vault.labels(), { [first]: ["AWSCURRENT", "AWSPENDING"] });
      assert.equal(await vault.read(), fake("1"));
    },
  },
  {
    service: "secretsManager",
    name: "TRAP: PutSecretValue(AWSPENDING) silently takes the label from an unfinished rotation",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const theirs = await vault.put(fake("theirs"), { stages: ["AWSPENDING"] });
      const ours = await vault.put(fake("ours"), { stages: ["AWSPENDING"] });
      const labels = await vault.labels();
      assert.deepEqual(labels[ours], ["AWSPENDING"]);
      assert.equal(labels[theirs], undefined);
      assert.equal(await vault.read({ VersionId: theirs }), fake("theirs"));
    },
  },
  {
    service: "secretsManager",
    name: "staging without stealing: AWSPENDING does not move without RemoveFromVersionId",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const theirs = await vault.put(fake("theirs"), { stages: ["AWSPENDING"] });
      const ours = await vault.put(fake("ours"), { stages: ["REKEY_INCOMING"] });
      await refused(vault.move("AWSPENDING", { to: ours }), "InvalidParameterException");
      assert.deepEqual((await vault.labels())[theirs], ["AWSPENDING"]);

      await vault.move("AWSPENDING", { from: theirs });
      await vault.move("AWSPENDING", { to: ours });
      assert.deepEqual((await vault.labels())[ours], ["AWSPENDING", "REKEY_INCOMING"]);
    },
  },
  {
    service: "secretsManager",
    name: "compare-and-swap: the wrong RemoveFromVersionId, or none, fails and changes nothing",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const [first = ""] = await vault.versionIds();
      const second = await vault.put(fake("2"), { stages: ["AWSPENDING"] });
      const third = await vault.put(fake("3"), { stages: ["OTHER"] });
      const before = await vault.labels();
      await refused(vault.move("AWSCURRENT", { to: second }), "InvalidParameterException");
      await refused(vault.move("AWSCURRENT", { from: third, to: second }), "InvalidParameterException");
      assert.deepEqual(await vault.labels(), before);

      await vault.move("AWSCURRENT", { from: first, to: second });
      assert.equal(await vault.read(), fake("2"));
    },
  },
  {
    service: "secretsManager",
    name: "promotion by UpdateSecretVersionStage sets AWSPREVIOUS and leaves AWSPENDING where it is",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const [first = ""] = await vault.versionIds();
      const second = await vault.put(fake("2"), { stages: ["AWSPENDING"] });
      await vault.move("AWSCURRENT", { from: first, to: second });
      assert.deepEqual(await vault.labels(), {
        [first]: ["AWSPREVIOUS"],
        [second]: ["AWSCURRENT", "AWSPENDING"],
      });

      await vault.move("AWSPENDING", { from: second });
      assert.deepEqual(await vault.labels(), { [first]: ["AWSPREVIOUS"], [second]: ["AWSCURRENT"] });
    },
  },
  {
    service: "secretsManager",
    name: "TRAP: rolling back puts AWSPREVIOUS on the bad version",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("good") });
      const [good = ""] = await vault.versionIds();
      const bad = await vault.put(fake("bad"));
      await vault.move("AWSCURRENT", { from: bad, to: good });
      assert.deepEqual(await vault.labels(), { [good]: ["AWSCURRENT"], [bad]: ["AWSPREVIOUS"] });
    },
  },
  {
    service: "secretsManager",
    name: "TRAP: after two promotions the oldest version is deprecated: hidden, still readable by its id",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const [first = ""] = await vault.versionIds();
      const second = await vault.put(fake("2"));
      const third = await vault.put(fake("3"));
      assert.deepEqual(await vault.labels(), { [second]: ["AWSPREVIOUS"], [third]: ["AWSCURRENT"] });
      assert.deepEqual(await vault.versionIds(), [second, third].toSorted());
      assert.deepEqual(await vault.versionIds({ deprecated: true }), [first, second, third].toSorted());
      assert.equal(await vault.read({ VersionId: first }), fake("1"));
    },
  },
  {
    service: "secretsManager",
    name: "a custom label pins a version across promotions",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const [first = ""] = await vault.versionIds();
      await vault.move("REKEY_RETIRING", { to: first });
      await vault.put(fake("2"));
      await vault.put(fake("3"));
      assert.deepEqual((await vault.labels())[first], ["REKEY_RETIRING"]);
      assert.equal(await vault.read({ VersionStage: "REKEY_RETIRING" }), fake("1"));
    },
  },
  {
    service: "secretsManager",
    name: "AWSCURRENT cannot be stripped, only moved",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const [first = ""] = await vault.versionIds();
      await refused(vault.move("AWSCURRENT", { from: first }), "InvalidParameterException");
      assert.deepEqual(await vault.labels(), { [first]: ["AWSCURRENT"] });
    },
  },
  {
    service: "secretsManager",
    name: "a label that the named version does not have cannot be removed from it",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const [first = ""] = await vault.versionIds();
      await refused(vault.move("NEVER_SET", { from: first }), "InvalidParameterException");
    },
  },
  {
    service: "secretsManager",
    name: "a label cannot move to a version that does not exist",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const nowhere = vault.move("CUSTOM", { to: randomUUID() });
      await refused(nowhere, "InvalidParameterException", "ResourceNotFoundException");
    },
  },
  {
    service: "secretsManager",
    name: "a version already holding the label may be named again without RemoveFromVersionId",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const second = await vault.put(fake("2"), { stages: ["AWSPENDING"] });
      await vault.move("AWSPENDING", { to: second });
      assert.deepEqual((await vault.labels())[second], ["AWSPENDING"]);
    },
  },
  {
    service: "secretsManager",
    name: "a secret carries at most 20 labels across its versions",
    async run(clients, scratch) {
      const vault = await newVault(clients, scratch, { value: fake("1") });
      const labels = Array.from({ length: 19 }, (_, index) => `LABEL_${index}`);
      const second = await vault.put(fake("2"), { stages: labels });
      await refused(vault.move("ONE_TOO_MANY", { to: second }), "LimitExceededException");
    },
  },
];
