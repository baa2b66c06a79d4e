import type { FakeRequest } from "../../providers/fake.ts";
import { openaiFake } from "../../providers/openai/fake.ts";

const NOON_MS = Date.UTC(2026, 10, 22, 12);

function request(method: string, path: string, bearer: string): FakeRequest {
  const url = new URL(path, "http://127.0.0.1");
  const headers = { authorization: `Bearer ${bearer}` };
  return { method, path: url.pathname, query: url.searchParams, headers, body: undefined };
}

describe("the stand-in for OpenAI", () => {
  test("makes the same ids and plaintexts from the same seed, all of them obviously fake", () => {
    const keys = (fake: ReturnType<typeof openaiFake>) =>
      Array.from({ length: 50 }, () => fake.addKey()).map(
        ({ keyId, secret }) => `${keyId} ${secret.reveal()}`,
      );
    const first = keys(openaiFake());
    expect(keys(openaiFake())).toEqual(first);
    expect(keys(openaiFake({ random: () => 0.5 }))).not.toEqual(first);
    expect(new Set(first).size).toBe(50);
    for (const key of first) expect(key).toMatch(/^key_FAKE\w+ sk-svcacct-FAKE-\w+$/);
  });

  test("counts calls, operations and requests by key, served or refused", () => {
    const fake = openaiFake({ now: () => NOON_MS });
    const { keyId, secret } = fake.addKey();
    fake.handle(request("POST", "/v1/chat/completions", secret.reveal()));
    fake.handle(request("GET", "/v1/models", secret.reveal()));
    fake.handle(request("DELETE", `/v1/organization/projects/proj_FAKE/api_keys/${keyId}`, fake.adminKey));
    fake.handle(request("GET", "/v1/models", secret.reveal()));
    expect(fake.counters()).toEqual({
      calls: 4,
      byOperation: { use: 1, models: 2, revoke: 1 },
      byKey: { [keyId]: { accepted: 2, refused: 1 } },
    });
  });

  test("separates the admin credential from ordinary keys, both ways", () => {
    const fake = openaiFake();
    const { secret } = fake.addKey();
    const status = (method: string, path: string, bearer: string) =>
      fake.handle(request(method, path, bearer)).status;
    expect(status("GET", "/v1/organization/projects/proj_FAKE/api_keys", secret.reveal())).toBe(403);
    expect(status("GET", "/v1/models", fake.adminKey)).toBe(403);
    expect(status("GET", "/v1/organization/projects/proj_FAKE/api_keys", "sk-admin-FAKE-other")).toBe(401);
    expect(status("GET", "/v1/nowhere", fake.adminKey)).toBe(404);

    const former = fake.adminKey;
    fake.replaceAdminKey("sk-admin-FAKE-next");
    expect(status("GET", "/v1/organization/projects/proj_FAKE/api_keys", former)).toBe(401);
    expect(status("GET", "/v1/organization/projects/proj_FAKE/api_keys", fake.adminKey)).toBe(200);
  });

  test("lets time pass only in the pause it is given", async () => {
    const pauses: number[] = [];
    const fake = openaiFake({ latencyMs: 40, faults: [{ kind: "slow", ms: 60_000 }] });
    const http = fake.http({ pause: async (ms) => void pauses.push(ms) });
    const send = () => http.send({ method: "GET", url: "https://api.openai.com/v1/models", headers: {} });
    await expect(send()).rejects.toMatchObject({ name: "ProviderUnavailable" });
    expect((await send()).status).toBe(401);
    expect(pauses).toEqual([10_000, 40]);
  });

  test("asks a fault function at every call, and strikes with a queued fault only where it fits", () => {
    const seen: string[] = [];
    const fake = openaiFake({ faults: ({ operation, nth }) => void seen.push(`${nth} ${operation}`) });
    fake.inject({ kind: "dropped", on: "list" });
    const models = request("GET", "/v1/models", "sk-FAKE");
    const list = request("GET", "/v1/organization/projects/proj_FAKE/api_keys", fake.adminKey);
    expect([models, list, list].map((each) => fake.handle(each).status)).toEqual([401, 0, 200]);
    expect(seen).toEqual(["1 models", "3 list"]);
  });

  test("closes its server while a reply is still under way", async () => {
    const fake = openaiFake({ latencyMs: 60_000 });
    const server = await fake.listen();
    const reply = fetch(`${server.url}/models`).catch(() => "ended");
    while (fake.counters().calls === 0) await new Promise((settle) => setImmediate(settle));
    await server.close();
    expect(await reply).toBe("ended");
  });
});
