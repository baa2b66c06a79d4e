import * as adapter from "../../providers/xai/adapter.ts";
import { xaiFake } from "../../providers/xai/fake.ts";
import { xai } from "../../providers/xai/index.ts";
import { adminCredential, makeFakeWorld, underContract } from "./fake-provider-world.ts";
import { describeProvider } from "./provider-contract.ts";

const subject = { kind: xai, adapter, fake: xaiFake, settings: { adminCredential, team: "team-fake" } };
const claims = {
  capabilities: {
    shape: { kind: "sideBySide" },
    quarantine: "yes",
    quarantineContains: true,
    revoke: true,
    lastUsed: false,
    usagePerKey: false,
    expiry: false,
  },
  skips: {
    lastUsed: "xai tells no last use",
    usagePerKey: "xai tells no usage of a key",
    expiry: "the form of xai's expiry is not confirmed",
  },
} as const;

describeProvider("xai over a socket", underContract(subject, claims, { overSocket: true }));
describeProvider("xai without a socket", underContract(subject, claims));

describe("xai's keys", () => {
  test("a new key has the access list of the one it replaces", async () => {
    const world = await makeFakeWorld(subject);
    const { keyId } = world.addKey({ more: { aclStrings: [] } });
    const { secret } = await world.provider.mint({ name: "rekey/r-1/1", retiring: keyId });
    expect(await world.useKey(secret)).toBe(false);
    expect(await world.useKey((await world.provider.mint({ name: "rekey/r-1/2" })).secret)).toBe(true);
  });

  test("a mint waits until the clusters know the key, and not for ever", async () => {
    const world = await makeFakeWorld(subject, { activateMs: 60_000 });
    await world.provider.mint({ name: "rekey/r-1/1" });
    expect(world.fake.counters().byOperation["propagation"]).toBe(5);
  });

  test("a propagation that cannot be asked does not lose the key", async () => {
    const world = await makeFakeWorld(subject);
    world.inject({ kind: "lostReply", on: "propagation" });
    const { secret } = await world.provider.mint({ name: "rekey/r-1/1" });
    expect(await world.provider.verify(secret)).toBe("valid");
  });

  test("a disabled key is refused although it is answered with 200", async () => {
    const world = await makeFakeWorld(subject);
    const { keyId, secret } = world.foreignKey();
    await world.provider.quarantine({ keyId });
    expect(await world.provider.verify(secret)).toBe("refused");
    await world.provider.restore({ keyId });
    expect(await world.provider.verify(secret)).toBe("valid");
  });

  test.each([
    [200, { acls: [], api_key_blocked: "true" }, "refused"],
    [200, { acls: [], team_blocked: true }, "notPermitted"],
    [403, { code: "denied", error: "Your team has no credits" }, "notPermitted"],
    [401, { code: "unauthenticated", error: "a proxy" }, "inconclusive"],
  ])("an answer of %s %j means %s", async (status, json, meaning) => {
    const world = await makeFakeWorld(subject);
    const { secret } = world.foreignKey();
    world.inject({ kind: "says", status, json });
    expect(await world.provider.verify(secret)).toBe(meaning);
  });
});
