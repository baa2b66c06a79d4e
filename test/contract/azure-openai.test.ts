import * as adapter from "../../providers/azure-openai/adapter.ts";
import { azureOpenAiFake } from "../../providers/azure-openai/fake.ts";
import { azureOpenAi } from "../../providers/azure-openai/index.ts";
import { adminCredential, makeFakeWorld, underContract } from "./fake-provider-world.ts";
import { describeProvider } from "./provider-contract.ts";

const subscription = "00000000-0000-0000-0000-000000000000";
const settings = { adminCredential, subscription, group: "shop", account: "shop-openai", idleIsFree: true };
const subject = { kind: azureOpenAi, adapter, fake: azureOpenAiFake, settings };
const claims = {
  capabilities: {
    shape: { kind: "slots", idleIsFree: true },
    quarantine: "no",
    quarantineContains: false,
    revoke: true,
    lastUsed: false,
    usagePerKey: false,
    expiry: false,
  },
  revokeOperation: "mint",
  skips: {
    mint: "a mint needs the retiring key, see the promises of the shape",
    quarantine: "azure can only switch off all keys of an account",
    lastUsed: "azure tells no last use",
    usagePerKey: "azure tells no usage of a key",
    expiry: "azure's keys do not expire",
  },
} as const;

describeProvider("azure-openai over a socket", underContract(subject, claims, { overSocket: true }));
describeProvider("azure-openai without a socket", underContract(subject, claims));

describe("azure-openai's two places", () => {
  test("the live place is left alone even when the reply of a mint claims otherwise", async () => {
    const world = await makeFakeWorld(subject);
    const { keyId, secret } = world.foreignKey();
    world.inject({ kind: "garbage", on: "mint" });
    const incoming = await world.provider.mint({ name: "rekey/r-1/1", retiring: keyId });
    expect(incoming.keyId).toMatch(/^key2:/);
    expect(await world.provider.verify(secret)).toBe("valid");
    expect(world.fake.counters().byOperation["mint"]).toBe(1);
  });

  test("an answer that cannot be checked by reading again is unknown", async () => {
    const world = await makeFakeWorld(subject);
    const { keyId } = world.foreignKey();
    const before = world.listed();
    world.inject({ kind: "slow", ms: 0, on: "list" }, { kind: "dropped", on: "list" });
    world.inject({ kind: "lostReply", on: "mint" });
    const mint = world.provider.mint({ name: "rekey/r-1/1", retiring: keyId });
    await expect(mint).rejects.toMatchObject({ name: "MintOutcomeUnknown" });
    expect(world.listed()).not.toEqual(before);
    expect(world.listed()).toContain(keyId);
  });

  test("a throttled mint made nothing and says how long to wait", async () => {
    const world = await makeFakeWorld(subject);
    const { keyId } = world.foreignKey();
    const before = world.listed();
    world.inject({ kind: "throttled", retryAfterS: 7, on: "mint" });
    const mint = world.provider.mint({ name: "rekey/r-1/1", retiring: keyId });
    await expect(mint).rejects.toMatchObject({ name: "ProviderThrottled", retryAfterMs: 7000 });
    expect(world.listed()).toEqual(before);
  });

  test("a credential that Entra refuses is named as such", async () => {
    const world = await makeFakeWorld(subject);
    world.inject({ kind: "says", status: 401, json: { error: "invalid_client" }, on: "token" });
    await expect(world.provider.list()).rejects.toMatchObject({ name: "AdminCredentialRefused" });
    expect(await world.provider.list()).toHaveLength(2);
  });

  test.each([
    [
      403,
      { code: "AuthenticationTypeDisabled", message: "Key based authentication is disabled" },
      "notPermitted",
    ],
    [403, { code: "403", message: "Access denied due to Virtual Network/Firewall rules." }, "inconclusive"],
    [404, { code: "DeploymentNotFound", message: "The API deployment does not exist" }, "valid"],
    [401, { code: "PermissionDenied", message: "lacks the data action" }, "inconclusive"],
  ])("an answer of %s %j means %s", async (status, error, meaning) => {
    const world = await makeFakeWorld(subject);
    const { secret } = world.foreignKey();
    world.inject({ kind: "says", status, json: { error } });
    expect(await world.provider.verify(secret)).toBe(meaning);
  });
});
