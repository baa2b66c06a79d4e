import { Secret } from "../../core/secret.ts";
import * as adapter from "../../providers/cloudflare/adapter.ts";
import { cloudflareFake, usualPolicy } from "../../providers/cloudflare/fake.ts";
import { cloudflare } from "../../providers/cloudflare/index.ts";
import { adminCredential, makeFakeWorld, noonMs, underContract } from "./fake-provider-world.ts";
import { describeProvider } from "./provider-contract.ts";

const { id: _, ...policy } = usualPolicy;
const account = { adminCredential, account: "account-FAKE" };
const named = { ...account, policies: [policy], condition: null };
const subject = { kind: cloudflare, adapter, fake: cloudflareFake, settings: named };
const claims = {
  capabilities: {
    shape: { kind: "sideBySide" },
    quarantine: "yes",
    quarantineContains: true,
    revoke: true,
    lastUsed: true,
    usagePerKey: false,
    expiry: false,
  },
  skips: {
    usagePerKey: "cloudflare tells a token's last use, not how often it was used",
    expiry: "an expiry is set at the mint and Rekey does not postpone it",
  },
} as const;

describeProvider("cloudflare over a socket", underContract(subject, claims, { overSocket: true }));
describeProvider("cloudflare without a socket", underContract(subject, claims));

describe("cloudflare's tokens", () => {
  const narrow = {
    policies: [{ ...usualPolicy, resources: { "com.cloudflare.api.account.zone.abc": "*" } }],
    condition: { request_ip: { in: ["192.0.2.0/24"] } },
  };
  const make = () => makeFakeWorld({ ...subject, settings: account });
  type World = Awaited<ReturnType<typeof make>>;

  /** A token as Cloudflare keeps it. */
  async function shown({ provider, inject }: World, keyId: string) {
    let tokens: readonly { readonly id: string }[] = [];
    inject({
      ...{ kind: "rewrite", on: "list" },
      rewrite: (reply) => {
        tokens = reply.json.result;
        return reply;
      },
    });
    await provider.list();
    return tokens.find(({ id }) => id === keyId);
  }

  test("a new token has the policies and the condition of the one it replaces", async () => {
    const world = await make();
    const { keyId: retiring } = world.addKey({ more: narrow });
    const { keyId } = await world.provider.mint({ name: "rekey/r-1/1", retiring });
    const { id: _ofPolicy, ...copied } = narrow.policies[0] ?? usualPolicy;
    expect(await shown(world, keyId)).toMatchObject({ ...narrow, policies: [copied] });
    expect(JSON.stringify(await shown(world, keyId))).not.toContain(usualPolicy.id);
  });

  test("policies that the policy names count more, and the condition is kept all the same", async () => {
    const world = await makeFakeWorld({ ...subject, settings: { ...account, policies: [policy] } });
    const { keyId: retiring } = world.addKey({ more: narrow });
    const { keyId } = await world.provider.mint({ name: "rekey/r-1/1", retiring });
    expect(await shown(world, keyId)).toMatchObject({ policies: [policy], condition: narrow.condition });
  });

  test.each([{ retiring: "gone" }, {}])("with nothing to copy (%j) no token is made", async (of) => {
    const world = await make();
    await expect(world.provider.mint({ name: "rekey/r-1/1", ...of })).rejects.toMatchObject({
      name: "NeedsHuman",
    });
    expect(world.listed()).toEqual([]);
  });

  test("a token that is disabled and enabled again is as it was", async () => {
    const world = await make();
    const more = { ...narrow, not_before: "2026-01-01T00:00:00Z" };
    const { keyId } = world.addKey({ more, expiresAtMs: noonMs + 86_400_000 });
    const before = await shown(world, keyId);
    expect(await world.provider.quarantine({ keyId })).toBe("quarantined");
    expect(await shown(world, keyId)).toEqual({ ...before, status: "disabled" });
    await world.provider.restore({ keyId });
    expect(await shown(world, keyId)).toEqual(before);
  });

  test("a token that is in the wanted status is not written again", async () => {
    const world = await make();
    const { keyId } = world.addKey();
    await world.provider.restore({ keyId });
    world.fake.disable(keyId);
    expect(await world.provider.quarantine({ keyId })).toBe("quarantined");
    expect(world.fake.counters().byOperation["update"]).toBeUndefined();
  });

  test("a disabled token is refused by its status, not by an error", async () => {
    const world = await make();
    const { keyId, secret } = world.addKey();
    world.fake.disable(keyId);
    expect(await world.provider.verify(secret)).toBe("refused");
  });

  test("a token of a person is not asked about: this account does not know living ones", async () => {
    const world = await make();
    const secret = new Secret("cfut_FAKE0123456789012345678901234567890123456789");
    expect(await world.provider.verify(secret)).toBe("inconclusive");
    expect(await world.provider.candidates(secret)).toEqual([]);
    expect(world.fake.counters().calls).toBe(0);
  });

  const errors = (code: number, message: string) => ({ success: false, errors: [{ code, message }] });
  test.each([
    [200, { success: true, result: { id: "x", status: "expired" } }, "refused"],
    [200, { success: true, result: { id: "x" } }, "inconclusive"],
    [400, errors(6003, "Invalid request headers"), "inconclusive"],
    [401, errors(1001, 'Missing "Authorization" header'), "inconclusive"],
    [403, errors(9109, "Cannot use the access token from location: 192.0.2.1"), "notPermitted"],
    [403, errors(9109, "Unauthorized to access requested resource"), "inconclusive"],
  ])("an answer of %s %j means %s", async (status, json, meaning) => {
    const world = await make();
    const { secret } = world.foreignKey();
    world.inject({ kind: "says", status, json });
    expect(await world.provider.verify(secret)).toBe(meaning);
  });
});
