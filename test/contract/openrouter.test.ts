import * as adapter from "../../providers/openrouter/adapter.ts";
import { openRouterFake } from "../../providers/openrouter/fake.ts";
import { openrouter } from "../../providers/openrouter/index.ts";
import { adminCredential, makeFakeWorld, underContract } from "./fake-provider-world.ts";
import { describeProvider } from "./provider-contract.ts";

const subject = { kind: openrouter, adapter, fake: openRouterFake, settings: { adminCredential } };
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
    lastUsed: "openrouter tells no last use",
    usagePerKey: "openrouter tells what a key spent, not how often it was used",
    expiry: "an expiry is set at the mint and cannot be postponed",
  },
} as const;

describeProvider("openrouter over a socket", underContract(subject, claims, { overSocket: true }));
describeProvider("openrouter without a socket", underContract(subject, claims));

describe("openrouter's keys", () => {
  const limits = { limit: 25, limit_reset: "monthly", include_byok_in_limit: true, workspace_id: "ws_shop" };

  async function minted(settings: object, retiring: { readonly more?: Record<string, unknown> }) {
    const world = await makeFakeWorld({ ...subject, settings: { adminCredential, ...settings } });
    const { keyId } = world.addKey(retiring);
    let listed: unknown[] = [];
    await world.provider.mint({ name: "rekey/r-1/1", retiring: keyId });
    world.inject({
      ...{ kind: "rewrite", on: "list" },
      rewrite: (reply) => {
        listed = reply.json.data;
        return reply;
      },
    });
    await world.provider.list();
    return listed.at(-1);
  }

  test("a new key has the limits of the one it replaces", async () => {
    expect(await minted({}, { more: limits })).toMatchObject(limits);
  });

  test("limits that the policy names count more", async () => {
    expect(await minted({ limit: 5, limitReset: "daily" }, { more: limits })).toMatchObject({
      ...{ limit: 5, limit_reset: "daily" },
    });
  });

  test("without the retiring key there are no limits to copy, and nothing is made", async () => {
    const world = await makeFakeWorld(subject);
    const mint = world.provider.mint({ name: "rekey/r-1/1", retiring: "gone" });
    await expect(mint).rejects.toMatchObject({ name: "NeedsHuman" });
    expect(world.listed()).toEqual([]);
  });

  test.each([
    [401, { code: 401, message: "No auth credentials found" }, "inconclusive"],
    [402, { code: 402, message: "Insufficient credits" }, "valid"],
    [403, { code: 403, message: "Key limit exceeded (monthly limit)." }, "valid"],
  ])("an answer of %s %j means %s", async (status, error, meaning) => {
    const world = await makeFakeWorld(subject);
    const { secret } = world.foreignKey();
    world.inject({ kind: "says", status, json: { error } });
    expect(await world.provider.verify(secret)).toBe(meaning);
  });
});
