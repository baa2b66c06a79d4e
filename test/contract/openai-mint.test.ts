import { Secret } from "../../core/secret.ts";
import { connected } from "../../providers/connect.ts";
import type { Fault } from "../../providers/fake-faults.ts";
import * as adapter from "../../providers/openai/adapter.ts";
import { openaiFake } from "../../providers/openai/fake.ts";
import { openai } from "../../providers/openai/index.ts";
import { makeOpenAiWorld, NOON_MS, SETTINGS } from "./openai-world.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const REQUEST = { name: "rekey r-1 1" };

describe("the settings", () => {
  const accepted = {
    ...SETTINGS,
    scopes: ["api.model.request"],
    expiresInDays: 30,
    propagation: { dieMs: 1000 },
  };

  test.each<[string, Record<string, unknown>]>([
    ["adminCredential", { adminCredential: "admin/openai" }],
    [
      "adminCredential",
      { adminCredential: "arn:aws:secretsmanager:eu-central-1:000000000000:secret:admin/openai" },
    ],
    ["project", { project: "../proj_FAKE" }],
    ["serviceAccount", { serviceAccount: "svc/../.." }],
    ["baseUrl", { baseUrl: "http://api.openai.com/v1" }],
    ["baseUrl", { baseUrl: "https://169.254.169.254/v1" }],
    ["baseUrl", { baseUrl: "https://user:FAKE@api.openai.com/v1" }],
    ["baseUrl", { baseUrl: "https://api.openai.com/v1?x=1" }],
    ["scopes", { scopes: [] }],
    ["scopes.0", { scopes: ["all\n"] }],
    ["expiresInDays", { expiresInDays: 366 }],
    ["usageFamilies", { usageFamilies: [] }],
    ["propagation.dieMs", { propagation: { dieMs: -1 } }],
    ["propagation.activateMs", { propagation: { activateMs: 120_001 } }],
    ["(itself)", { adminkey: "sk-admin-FAKE" }],
  ])("a mistake in %s is named without its value: %p", (field, mistake) => {
    expect(() => openai.hosts(accepted)).not.toThrow();
    expect(() => openai.hosts({ ...accepted, ...mistake })).toThrow(
      expect.objectContaining({
        name: "PolicyInvalid",
        message: `the provider's settings are not valid: ${field}`,
      }),
    );
  });

  test("its calls go to one host, and its propagation may be corrected in part", async () => {
    expect(openai.hosts(SETTINGS)).toEqual(["api.openai.com"]);
    expect(openai.hosts({ ...SETTINGS, baseUrl: "http://127.0.0.1:4010/v1" })).toEqual(["127.0.0.1:4010"]);
    const { provider } = await makeOpenAiWorld({ settings: { propagation: { dieMs: 1000 } } });
    expect(provider.propagation).toMatchObject({ dieMs: 1000, activateMs: 60_000 });
  });
});

describe("a mint", () => {
  test("is refused without a call when no service account is named", async () => {
    const fake = openaiFake();
    const { serviceAccount: _, ...settings } = SETTINGS;
    const admin = { get: async () => new Secret(fake.adminKey), refused: () => undefined };
    const provider = connected(openai, adapter, { settings, admin, http: fake.http() });

    expect(provider.capabilities.shape).toEqual({ kind: "assisted" });
    await expect(provider.mint(REQUEST)).rejects.toMatchObject({ name: "NeedsHuman" });
    expect(fake.counters().calls).toBe(0);
  });

  test("asks for the scopes and the expiry of the policy, unless the request has its own", async () => {
    const { provider, fake } = await makeOpenAiWorld({
      settings: { scopes: ["api.all"], expiresInDays: 30 },
    });
    await provider.mint(REQUEST);
    await provider.mint({ ...REQUEST, scopes: ["api.model.read"], expiresInMs: 1500 });
    expect(fake.state()).toMatchObject([
      { scopes: ["api.all"], expiresAtMs: NOON_MS + 30 * DAY_MS },
      { scopes: ["api.model.read"], expiresAtMs: NOON_MS + 2000 },
    ]);
  });

  test("asks for no scopes and no expiry when nobody named any", async () => {
    const bodies: unknown[] = [];
    const { provider } = await makeOpenAiWorld({ faults: ({ request }) => void bodies.push(request.body) });
    await provider.mint(REQUEST);
    expect(bodies).toEqual([{ name: "rekey r-1 1" }]);
  });

  test("with an empty list of scopes is never sent: it would make an unrestricted key", async () => {
    const { provider, fake } = await makeOpenAiWorld();
    await expect(provider.mint({ ...REQUEST, scopes: [] })).rejects.toMatchObject({ name: "InputInvalid" });
    expect(fake.counters().calls).toBe(0);
  });

  const rewrite = (edit: Record<string, unknown>): Fault => ({
    kind: "rewrite",
    rewrite: ({ headers, json }) => ({ headers, json: { ...json, ...edit } }),
  });
  test.each<[string, Fault]>([
    ["a lost reply", { kind: "lostReply" }],
    ["a refused connection", { kind: "dropped" }],
    ["a timeout", { kind: "slow", ms: 20_000 }],
    ["a 500", { kind: "serverError", effect: true }],
    ["a 503", { kind: "serverError", status: 503, effect: false }],
    ["a 408", { kind: "answer", status: 408 }],
    ["a 409", { kind: "answer", status: 409 }],
    ["a redirect", { kind: "answer", status: 302, headers: { location: "https://evil.test/" } }],
    ["garbage", { kind: "garbage" }],
    ["a reply without the plaintext", rewrite({ value: undefined })],
    ["a plaintext that is none", rewrite({ value: "sk-FAKE with spaces in it" })],
    ["an id that is a path", rewrite({ id: "../../x" })],
    ["another name", rewrite({ name: "rekey r-2 1" })],
    ["another project", rewrite({ project_id: "proj_OTHER" })],
    ["another account", rewrite({ service_account_id: "svc_acct_OTHER" })],
    ["another owner", rewrite({ owner: { service_account: { id: "svc_acct_OTHER" } } })],
  ])("answered by %s is sent once and its outcome is unknown", async (_what, fault) => {
    const { provider, fake } = await makeOpenAiWorld({ faults: [fault] });
    await expect(provider.mint(REQUEST)).rejects.toMatchObject({ name: "MintOutcomeUnknown" });
    expect(fake.counters().byOperation).toEqual({ mint: 1 });
  });

  test.each<[string, Fault]>([
    ["QuotaReached", { kind: "answer", status: 429, code: "insufficient_quota" }],
    ["QuotaReached", { kind: "answer", status: 400, code: "max_api_keys_reached" }],
    ["QuotaReached", { kind: "answer", status: 403, code: "quota_exceeded" }],
    ["ProviderThrottled", { kind: "answer", status: 429, code: "rate_limit_exceeded" }],
    ["PolicyInvalid", { kind: "answer", status: 400, code: "invalid_request_error" }],
    ["PolicyInvalid", { kind: "answer", status: 422 }],
    ["WrongProject", { kind: "answer", status: 403, code: "insufficient_permissions" }],
    ["WrongProject", { kind: "answer", status: 404, code: "not_found" }],
  ])("that made nothing for certain is %s: %p", async (name, fault) => {
    const { provider, fake } = await makeOpenAiWorld({ faults: [fault] });
    await expect(provider.mint(REQUEST)).rejects.toMatchObject({ name });
    expect(fake.state()).toEqual([]);
  });

  test("beyond the limit on keys is QuotaReached", async () => {
    const { provider } = await makeOpenAiWorld({ keysMax: 1 });
    await provider.mint(REQUEST);
    await expect(provider.mint(REQUEST)).rejects.toMatchObject({ name: "QuotaReached" });
  });

  test.each<[number | undefined, Record<string, string>]>([
    [7000, { "retry-after": "7" }],
    [250, { "retry-after": "9", "retry-after-ms": "250" }],
    [90_000, { "retry-after": new Date(NOON_MS + 90_000).toUTCString() }],
    [0, { "retry-after": new Date(NOON_MS - 90_000).toUTCString() }],
    [3_600_000, { "retry-after": "999999999" }],
    [undefined, { "retry-after": "soon" }],
    [undefined, { "retry-after": "1e400" }],
    [undefined, {}],
  ])("that is throttled waits %p ms for %p", async (retryAfterMs, headers) => {
    const { provider } = await makeOpenAiWorld({ faults: [{ kind: "answer", status: 429, headers }] });
    await expect(provider.mint(REQUEST)).rejects.toMatchObject({ name: "ProviderThrottled", retryAfterMs });
  });
});

describe("the admin credential", () => {
  function withCredentials(...texts: readonly string[]) {
    const fake = openaiFake({ adminKey: "sk-admin-FAKE-fresh" });
    const left = [...texts];
    let refusals = 0;
    const admin = {
      get: async () => new Secret(left[0] ?? ""),
      refused: () => {
        refusals += 1;
        left.shift();
      },
    };
    const provider = connected(openai, adapter, { settings: SETTINGS, admin, http: fake.http() });
    return { fake, provider, refusals: () => refusals };
  }

  test("is read again once when it was refused, and the call is sent again", async () => {
    const { fake, provider, refusals } = withCredentials("sk-admin-FAKE-stale", "sk-admin-FAKE-fresh");
    await provider.mint(REQUEST);
    expect(refusals()).toBe(1);
    expect(fake.counters().byOperation).toEqual({ mint: 2 });
    expect(fake.state()).toHaveLength(1);
  });

  test("that is refused twice is AdminCredentialRefused, for every call", async () => {
    const stale = "sk-admin-FAKE-stale";
    const { fake, provider, refusals } = withCredentials(stale, stale, stale, stale, stale, stale);
    for (const call of [
      () => provider.mint(REQUEST),
      () => provider.list(),
      () => provider.revoke("key_FAKE"),
    ]) {
      await expect(call()).rejects.toMatchObject({
        name: "AdminCredentialRefused",
        message: /401 invalid_api_key$/,
      });
    }
    expect(refusals()).toBe(6);
    expect(fake.counters().calls).toBe(6);
  });

  test.each(["", " ", "sk-admin-FAKE\n", "äöü"])("that is no key at all is not sent: %j", async (text) => {
    const { fake, provider } = withCredentials(text);
    await expect(provider.mint(REQUEST)).rejects.toMatchObject({ name: "AdminCredentialRefused" });
    expect(fake.counters().calls).toBe(0);
  });

  test("a reply that is lost after the second try is unknown, not refused", async () => {
    const { fake, provider } = withCredentials("sk-admin-FAKE-stale", "sk-admin-FAKE-fresh");
    fake.inject({ kind: "answer", status: 401, code: "invalid_api_key" }, { kind: "lostReply" });
    await expect(provider.mint(REQUEST)).rejects.toMatchObject({ name: "MintOutcomeUnknown" });
  });
});
