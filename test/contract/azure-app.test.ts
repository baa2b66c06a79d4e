import * as adapter from "../../providers/azure-app/adapter.ts";
import { azureAppFake } from "../../providers/azure-app/fake.ts";
import { azureApp } from "../../providers/azure-app/index.ts";
import { adminCredential, makeFakeWorld, underContract } from "./fake-provider-world.ts";
import { describeProvider } from "./provider-contract.ts";

const subject = {
  ...{ kind: azureApp, adapter, fake: azureAppFake, settings: { adminCredential } },
  // The exchange for a token comes before the first call.
  prepare: (provider: { list(): Promise<unknown> }) => provider.list(),
};
const claims = {
  capabilities: {
    shape: { kind: "sideBySide" },
    quarantine: "no",
    quarantineContains: false,
    revoke: true,
    lastUsed: false,
    usagePerKey: false,
    expiry: false,
  },
  skips: {
    quarantine: "a client secret cannot be disabled",
    lastUsed: "the directory tells no last use of a client secret",
    usagePerKey: "the directory tells no usage of a client secret",
    expiry: "an end is set at the mint and cannot be postponed",
  },
} as const;

describeProvider("azure-app over a socket", underContract(subject, claims, { overSocket: true }));
describeProvider("azure-app without a socket", underContract(subject, claims));

describe("an application's client secrets", () => {
  const answer = (status: number, error: string, ...error_codes: readonly number[]) =>
    ({ kind: "says", on: "token", status, json: { error, error_codes } }) as const;

  test.each([
    [answer(401, "invalid_client", 7_000_215), "refused"],
    [answer(401, "invalid_client", 7_000_222), "refused"],
    [answer(400, "unauthorized_client", 700_016), "inconclusive"],
    [answer(401, "invalid_client", 50_034), "inconclusive"],
    [answer(403, "access_denied"), "notPermitted"],
  ])("%j means %s", async (fault, meaning) => {
    const world = await makeFakeWorld(subject);
    const { secret } = world.foreignKey();
    world.inject(fault);
    expect(await world.provider.verify(secret)).toBe(meaning);
  });

  test("one that is asked to end by itself does, and one that is not asked to lives as long as Graph says", async () => {
    const { provider } = await makeFakeWorld({
      ...subject,
      settings: { adminCredential, expiresInDays: 30 },
    });
    const { expiresAtMs = 0 } = await provider.mint({ name: "rekey/r-1/1" });
    expect(expiresAtMs - Date.now()).toBeGreaterThan(29 * 86_400_000);
    expect(await (await makeFakeWorld(subject)).provider.mint({ name: "rekey/r-1/1" })).not.toHaveProperty(
      "expiresAtMs",
    );
  });
});
