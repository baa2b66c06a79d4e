import type { KeyProvider } from "../../core/ports.ts";
import * as adapter from "../../providers/google/adapter.ts";
import { googleFake } from "../../providers/google/fake.ts";
import { google } from "../../providers/google/index.ts";
import { adminCredential, makeFakeWorld, underContract } from "./fake-provider-world.ts";
import { describeProvider } from "./provider-contract.ts";

const subject = {
  ...{ kind: google, adapter, fake: googleFake, settings: { adminCredential, project: "shop-fake" } },
  // The exchange for a token comes before every call, and faults are about the calls.
  prepare: (provider: KeyProvider) => provider.list(),
};
const claims = {
  capabilities: {
    shape: { kind: "sideBySide" },
    quarantine: "no",
    quarantineContains: false,
    revoke: true,
    lastUsed: false,
    usagePerKey: true,
    expiry: false,
  },
  mintRecovers: true,
  skips: {
    quarantine: "google has no switch for one key",
    lastUsed: "google tells no last use",
    expiry: "google's keys do not expire",
  },
} as const;

describeProvider("google over a socket", underContract(subject, claims, { overSocket: true }));
describeProvider("google without a socket", underContract(subject, claims));

describe("google's keys", () => {
  test("a new key has the limits and the binding of the one it replaces", async () => {
    const world = await makeFakeWorld(subject);
    const restrictions = {
      apiTargets: [{ service: "generativelanguage.googleapis.com" }],
      serverKeyRestrictions: { allowedIps: ["192.0.2.1"] },
    };
    const serviceAccountEmail = "shop@shop-fake.iam.gserviceaccount.com";
    const { keyId } = world.addKey({ more: { restrictions, serviceAccountEmail } });
    let sent: unknown;
    world.inject({
      ...{ kind: "rewrite", on: "list" },
      rewrite: (reply) => {
        sent = reply.json.keys.at(-1);
        return reply;
      },
    });
    await world.provider.mint({ name: "rekey/r-1/1", retiring: keyId });
    await world.provider.list();
    expect(sent).toMatchObject({ displayName: "rekey/r-1/1", restrictions, serviceAccountEmail });
  });

  test("the same name asks for the same key, however often", async () => {
    const world = await makeFakeWorld(subject);
    const first = await world.provider.mint({ name: "rekey/r-1/1" });
    const again = await world.provider.mint({ name: "rekey/r-1/1" });
    expect([again.keyId, again.secret.reveal()]).toEqual([first.keyId, first.secret.reveal()]);
    expect(world.listed()).toEqual([first.keyId]);
  });

  test("an operation that does not end leaves no doubt about its key", async () => {
    const slow = { ...subject, fake: (options: object) => googleFake({ ...options, pollsNeeded: 100 }) };
    const world = await makeFakeWorld(slow);
    const { secret } = await world.provider.mint({ name: "rekey/r-1/1" });
    expect(await world.provider.verify(secret)).toBe("valid");
  });

  test("a token that has ended is exchanged anew", async () => {
    const world = await makeFakeWorld(subject);
    world.inject({ kind: "answer", status: 401, on: "list" });
    expect(await world.provider.list()).toEqual([]);
    expect(world.fake.counters().byOperation["token"]).toBe(2);
  });

  const info = (reason: string) => ({ details: [{ reason, domain: "googleapis.com" }] });
  test.each([
    [403, { message: "blocked", ...info("API_KEY_SERVICE_BLOCKED") }, "notPermitted"],
    [403, { message: "Your API key was reported as leaked." }, "refused"],
    [403, { message: "suspended", ...info("CONSUMER_SUSPENDED") }, "inconclusive"],
    [400, { message: "User location is not supported", status: "FAILED_PRECONDITION" }, "inconclusive"],
    [401, { message: "Expected OAuth 2", ...info("ACCESS_TOKEN_TYPE_UNSUPPORTED") }, "inconclusive"],
  ])("an answer of %s %j means %s", async (status, error, meaning) => {
    const world = await makeFakeWorld(subject);
    const { secret } = world.foreignKey();
    world.inject({ kind: "says", status, json: { error } });
    expect(await world.provider.verify(secret)).toBe(meaning);
  });
});
