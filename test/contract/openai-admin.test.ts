import { Secret } from "../../core/secret.ts";
import { connected } from "../../providers/connect.ts";
import { boundedHttp } from "../../providers/http.ts";
import { type OpenAiFakeOptions, openaiFake } from "../../providers/openai/fake.ts";
import * as adapter from "../../providers/openai-admin/adapter.ts";
import { openaiAdmin } from "../../providers/openai-admin/index.ts";
import { adminCredential, noonMs } from "./fake-provider-world.ts";
import { type ContractWorld, describeProvider, type FakeQuirks } from "./provider-contract.ts";

async function make(
  options: FakeQuirks &
    OpenAiFakeOptions & { readonly overSocket?: boolean; readonly expiresInDays?: number } = {},
) {
  const { overSocket, expiresInDays, ...quirks } = options;
  let nowMs = noonMs;
  const fake = openaiFake({ now: () => nowMs, ...quirks });
  const server = overSocket ? await fake.listen() : undefined;
  const baseUrl = server?.url ?? "https://api.openai.com/v1";
  const settings = { adminCredential, baseUrl, ...(expiresInDays !== undefined && { expiresInDays }) };
  const http = server
    ? boundedHttp({ allowHosts: openaiAdmin.hosts(settings), allowLoopback: true })
    : fake.http();
  const admin = { get: async () => new Secret(fake.adminKey), refused: () => undefined };
  const world: ContractWorld = {
    provider: connected(openaiAdmin, adapter, { settings, admin, http }),
    async useKey(secret) {
      const headers = { authorization: `Bearer ${secret.reveal()}` };
      const url = `${baseUrl}/organization/projects/proj_FAKE/api_keys`;
      return (await http.send({ method: "GET", url, headers })).status === 200;
    },
    foreignKey: () => fake.addAdminKey(),
    plaintexts: () => [fake.adminKey, ...fake.texts().values()],
    listed: () => fake.adminKeys().flatMap(({ keyId, isListed }) => (isListed ? [keyId] : [])),
    inject: fake.inject,
    nowMs: () => nowMs,
    advance(ms) {
      nowMs += ms;
    },
    close: async () => server?.close(),
  };
  return { ...world, fake };
}

const claims = {
  capabilities: {
    shape: { kind: "sideBySide" },
    quarantine: "no",
    quarantineContains: false,
    revoke: true,
    lastUsed: true,
    usagePerKey: false,
    expiry: false,
  },
  skips: {
    quarantine: "an admin key cannot be disabled",
    usagePerKey: "openai tells an admin key's last use, not how often it was used",
    expiry: "an expiry is set at the mint and cannot be postponed",
  },
} as const;

describeProvider("openai-admin over a socket", {
  ...claims,
  make: (quirks) => make({ ...quirks, overSocket: true }),
});
describeProvider("openai-admin without a socket", { ...claims, make });

describe("openai's admin keys", () => {
  test("a key of a project is alive, and is no admin key", async () => {
    const { provider, fake } = await make();
    expect(await provider.verify(fake.addKey().secret)).toBe("notPermitted");
  });

  test.each([
    [{ expiresInDays: 30 }, {}, 30 * 86_400_000],
    [{ expiresInDays: 30 }, { expiresInMs: 3_600_000 }, 3_600_000],
    [{}, {}, undefined],
  ])("with %j a mint that asks for %j makes a key that lives for %s ms", async (settings, asked, lifeMs) => {
    const { provider } = await make(settings);
    const { expiresAtMs } = await provider.mint({ name: "rekey/r-1/1", ...asked });
    expect(expiresAtMs).toBe(lifeMs === undefined ? undefined : noonMs + lifeMs);
  });

  test("no room for another key is said as such", async () => {
    const { provider } = await make({ keysMax: 0 });
    await expect(provider.mint({ name: "rekey/r-1/1" })).rejects.toMatchObject({ name: "QuotaReached" });
  });
});
