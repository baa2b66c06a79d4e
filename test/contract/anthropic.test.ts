import * as adapter from "../../providers/anthropic/adapter.ts";
import { anthropicFake } from "../../providers/anthropic/fake.ts";
import { anthropic } from "../../providers/anthropic/index.ts";
import { adminCredential, makeFakeWorld, underContract } from "./fake-provider-world.ts";
import { describeProvider } from "./provider-contract.ts";

const subject = { kind: anthropic, adapter, fake: anthropicFake, settings: { adminCredential } };
const claims = {
  capabilities: {
    shape: { kind: "assisted" },
    quarantine: "yes",
    quarantineContains: true,
    revoke: true,
    lastUsed: false,
    usagePerKey: true,
    expiry: false,
  },
  // Tokens are counted per minute: two uses within a second are one result.
  usageCounts: [1, 2, 1, 0],
  skips: {
    mint: "anthropic has no API that makes keys",
    lastUsed: "anthropic keeps no time of last use",
    expiry: "anthropic's API sets no expiry",
  },
} as const;

describeProvider("anthropic over a socket", underContract(subject, claims, { overSocket: true }));
describeProvider("anthropic without a socket", underContract(subject, claims));

describe("anthropic's keys", () => {
  test("a key of another workspace is not found, and never changed", async () => {
    const settings = { adminCredential, workspace: "wrkspc_ours" };
    const world = await makeFakeWorld({ ...subject, settings });
    const { keyId } = world.addKey({ more: { workspace: "wrkspc_theirs" } });
    const ours = world.addKey({ more: { workspace: "wrkspc_ours" } });

    expect(await world.provider.find(keyId)).toBeUndefined();
    expect((await world.provider.list()).map((key) => key.keyId)).toEqual([ours.keyId]);
    expect(await world.provider.revoke(keyId)).toBe("alreadyGone");
    expect(await world.provider.quarantine({ keyId })).toBe("cannot");
    await world.provider.restore({ keyId });
    expect(world.listed()).toEqual([keyId, ours.keyId]);
    expect(world.fake.state().every(({ isAccepted }) => isAccepted)).toBe(true);
  });

  test("an archived key stays archived, whoever restores it", async () => {
    const world = await makeFakeWorld(subject);
    const { keyId, secret } = world.addKey();
    await world.provider.revoke(keyId);
    await world.provider.restore({ keyId });
    expect(await world.provider.verify(secret)).toBe("refused");
    expect(await world.provider.quarantine({ keyId })).toBe("cannot");
  });

  test("usage whose key is not named is no usage at all, and never zero", async () => {
    const world = await makeFakeWorld(subject);
    const { keyId, secret } = world.addKey();
    await world.useKey(secret);
    world.inject({
      ...{ kind: "rewrite", on: "usage" },
      rewrite: ({ headers, json }) => {
        for (const { results } of json.data) for (const result of results) result.api_key_id = null;
        return { headers, json };
      },
    });
    const use = await world.provider.use({ keyId, sinceMs: world.nowMs() - 60_000 });
    expect(use).toEqual({ keyId, seenAtMs: world.nowMs() });
  });

  test.each([
    [400, "invalid_request_error", "Your credit balance is too low to access the API", "valid"],
    [401, "authentication_error", "OAuth authentication is currently not supported.", "inconclusive"],
    [403, "permission_error", "Your API key does not have permission to use this resource", "notPermitted"],
    [529, "overloaded_error", "Overloaded", "inconclusive"],
  ])("an answer of %s %s, %s, means %s", async (status, type, message, meaning) => {
    const world = await makeFakeWorld(subject);
    const { secret } = world.addKey();
    world.inject({ kind: "says", status, json: { type: "error", error: { type, message } } });
    expect(await world.provider.verify(secret)).toBe(meaning);
  });

  test("a block at the network's edge proves nothing", async () => {
    const world = await makeFakeWorld(subject);
    const { secret } = world.addKey();
    world.inject({
      ...{ kind: "says", status: 403 },
      json: { error: { type: "forbidden", message: "Request not allowed" } },
    });
    expect(await world.provider.verify(secret)).toBe("inconclusive");
  });
});
