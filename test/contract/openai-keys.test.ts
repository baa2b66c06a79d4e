import { Secret } from "../../core/secret.ts";
import { connected } from "../../providers/connect.ts";
import type { Fault } from "../../providers/fake-faults.ts";
import { keyTextsIn } from "../../providers/key-text.ts";
import * as adapter from "../../providers/openai/adapter.ts";
import { openaiFake } from "../../providers/openai/fake.ts";
import { openai } from "../../providers/openai/index.ts";
import { editReply, makeOpenAiWorld, NOON_MS, SETTINGS } from "./openai-world.ts";

describe("the list of keys", () => {
  test("is read to its end, page by page", async () => {
    const { provider, fake, foreignKey, listed } = await makeOpenAiWorld();
    for (let nth = 0; nth < 250; nth++) foreignKey();
    expect((await provider.list()).map(({ keyId }) => keyId)).toEqual(listed());
    expect(fake.counters().byOperation).toEqual({ list: 3 });
  });

  test("asks for keys of people without access as well, and tells them apart", async () => {
    const queries: string[] = [];
    const { provider, foreignKey, inject } = await makeOpenAiWorld({
      faults: ({ request }) => void queries.push(String(request.query)),
    });
    foreignKey();
    inject(
      editReply(({ data, ...page }) => ({
        ...page,
        data: [{ ...data[0], owner_project_access: "inactive" }],
      })),
    );
    expect(await provider.list()).toMatchObject([
      { status: "disabled", owner: "svc_acct_FAKE", createdAtMs: NOON_MS },
    ]);
    await provider.list();
    expect(queries).toEqual(["limit=100&owner_project_access=any"]);
  });

  test("that goes on for too long is refused, not cut short", async () => {
    const { provider, fake, foreignKey } = await makeOpenAiWorld({ pageMax: 1 });
    for (let nth = 0; nth < 51; nth++) foreignKey();
    await expect(provider.list()).rejects.toMatchObject({
      name: "ProviderGarbled",
      message: /more than 50 pages/,
    });
    expect(fake.counters().calls).toBe(50);
  });

  test.each<[string, Fault]>([
    [
      "repeats a page",
      editReply(() => ({ data: [{ id: "key_FAKE" }], last_id: "key_FAKE", has_more: true })),
    ],
    [
      "promises more than nothing",
      editReply((page) => ({ ...page, data: [], last_id: null, has_more: true })),
    ],
    ["does not say whether it ends", editReply(({ has_more: _, ...page }) => page)],
    ["has a key without an id", editReply((page) => ({ ...page, data: [{ name: "x" }] }))],
    ["has an id that is a path", editReply((page) => ({ ...page, data: [{ id: "../x" }] }))],
    ["is no list", editReply(() => ({ data: {} }))],
    ["is null", editReply(() => null)],
  ])("that %s is refused", async (_what, fault) => {
    const { provider, fake, foreignKey } = await makeOpenAiWorld({ faults: [fault, fault] });
    foreignKey();
    await expect(provider.list()).rejects.toMatchObject({ name: "ProviderGarbled" });
    expect(fake.counters().calls).toBeLessThanOrEqual(2);
  });

  test("shows names that cannot break a log record, and ignores times that are none", async () => {
    const { provider, fake } = await makeOpenAiWorld();
    fake.addKey({ name: "a\n\u001b[31m\u202e\u2028\u0000b" });
    fake.inject(
      editReply(({ data, ...page }) => ({
        ...page,
        data: [{ ...data[0], last_used_at: "x", created_at: -1 }],
      })),
    );
    const [key] = await provider.list();
    expect(key?.name).toBe("a\\u{a}\\u{1b}[31m\\u{202e}\\u{2028}\\u{0}b");
    expect(key).not.toHaveProperty("lastUsedAtMs");
    expect(key).not.toHaveProperty("createdAtMs");
  });

  test.each([
    ["sk-svcac...ABCD", true],
    ["sk-svcac***ABCD", true],
    ["sk-…ABCD", true],
    ["****ABCD", true],
    ["sk-svcac...ABCE", false],
    ["sk-proj-...ABCD", false],
    ["sk-...CD", false],
    ["sk-...", false],
    ["ABCD", false],
    ["", false],
    [null, false],
  ])("the hint %p may be the key: %p", async (redacted_value, isCandidate) => {
    const { provider, foreignKey, inject } = await makeOpenAiWorld();
    foreignKey();
    inject(editReply(({ data, ...page }) => ({ ...page, data: [{ ...data[0], redacted_value }] })));
    const candidates = await provider.candidates(new Secret("sk-svcacct-FAKE-0000-ABCD"));
    expect(candidates).toHaveLength(isCandidate ? 1 : 0);
  });

  test("two keys with one hint are both candidates", async () => {
    const { provider, fake } = await makeOpenAiWorld();
    const { secret } = fake.addKey({ secret: "sk-svcacct-FAKE-1-ABCD" });
    fake.addKey({ secret: "sk-svcacct-FAKE-2-ABCD" });
    expect(await provider.candidates(secret)).toHaveLength(2);
  });
});

describe("a key of another project", () => {
  test("is WrongProject, never gone", async () => {
    const { provider, fake } = await makeOpenAiWorld({ settings: { project: "proj_OTHER" } });
    const { keyId } = fake.addKey();
    for (const call of [
      provider.revoke(keyId),
      provider.find(keyId),
      provider.list(),
      provider.quarantine({ keyId, scopes: ["a"] }),
    ]) {
      await expect(call).rejects.toMatchObject({ name: "WrongProject" });
    }
  });

  test("that is answered instead of the one asked for is garbled", async () => {
    const { provider, foreignKey, inject } = await makeOpenAiWorld();
    const { keyId } = foreignKey();
    inject(editReply((key) => ({ ...key, id: "key_OTHER" })));
    await expect(provider.find(keyId)).rejects.toMatchObject({ name: "ProviderGarbled" });
  });
});

describe("a verification", () => {
  test.each([
    [200, undefined, "valid"],
    [401, "invalid_api_key", "refused"],
    [401, "account_deactivated", "notPermitted"],
    [401, "a code of tomorrow", "inconclusive"],
    [401, "ip_not_authorized", "notPermitted"],
    [403, "missing_scope", "notPermitted"],
    [403, "a code of tomorrow", "notPermitted"],
    [429, "insufficient_quota", "valid"],
    [429, "rate_limit_exceeded", "inconclusive"],
    [302, undefined, "inconclusive"],
    [400, "invalid_request_error", "inconclusive"],
    [404, "not_found", "inconclusive"],
    [408, undefined, "inconclusive"],
    [500, "server_error", "inconclusive"],
    [503, undefined, "inconclusive"],
  ] as const)("answered by %p %p is %s", async (status, code, result) => {
    const { provider, foreignKey, inject } = await makeOpenAiWorld();
    const { secret } = foreignKey();
    if (status !== 200) inject({ kind: "answer", status, ...(code === undefined ? {} : { code }) });
    expect(await provider.verify(secret)).toBe(result);
  });

  const scopes = "You have insufficient permissions for this operation. Missing scopes: api.model.read.";
  const error = { type: "invalid_request_error", param: null, code: null };
  test.each([
    ["a 401 without a code about scopes", 401, { error: { ...error, message: scopes } }, "notPermitted"],
    ["a 403 whose error is a text about scopes", 403, { error: scopes }, "notPermitted"],
    ["a 403 whose error is a proxy's text", 403, { error: "Forbidden" }, "inconclusive"],
    ["a 401 without a code about nothing known", 401, { error: { ...error, message: "No" } }, "inconclusive"],
    ["a suspended account", 401, { error: { ...error, code: "account_deactivated" } }, "notPermitted"],
    ["an account without money", 429, { error: { ...error, code: "billing_not_active" } }, "valid"],
    ["a country", 403, { error: { ...error, code: "unsupported_country_region_territory" } }, "inconclusive"],
    ["an error with status 200", 200, { error: { ...error, message: "No" } }, "inconclusive"],
  ] as const)("answered by %s is told from a dead key", async (_, status, json, result) => {
    const { provider, foreignKey, inject } = await makeOpenAiWorld();
    inject({ kind: "says", status, json });
    expect(await provider.verify(foreignKey().secret)).toBe(result);
  });

  test.each([200, 401, 403])("answered with %p by a proxy, not by OpenAI, proves nothing", async (status) => {
    const http = { send: async () => ({ status, headers: {}, json: undefined }) };
    const admin = { get: async () => new Secret(""), refused: () => undefined };
    const provider = connected(openai, adapter, { settings: SETTINGS, admin, http });
    expect(await provider.verify(new Secret("sk-svcacct-FAKE-0001"))).toBe("inconclusive");
  });

  test("that takes too long proves nothing", async () => {
    const { provider, foreignKey, inject } = await makeOpenAiWorld();
    const { secret } = foreignKey();
    inject({ kind: "slow", ms: 20_000 });
    expect(await provider.verify(secret)).toBe("inconclusive");
  });

  test("sees a new key late and a deleted one for longer", async () => {
    const world = await makeOpenAiWorld({ activateMs: 5000, dieMs: 60_000 });
    const { keyId, secret } = await world.provider.mint({ name: "rekey r-1 1" });
    expect(await world.provider.verify(secret)).toBe("refused");
    world.advance(5000);
    expect(await world.provider.verify(secret)).toBe("valid");

    await world.provider.revoke(keyId);
    expect(world.fake.state()).toMatchObject([{ isListed: false, isAccepted: true }]);
    world.advance(59_999);
    expect(await world.provider.verify(secret)).toBe("valid");
    world.advance(1);
    expect(await world.provider.verify(secret)).toBe("refused");
  });
});

describe("a quarantine", () => {
  test("leaves the reading of files, is undone exactly, and never lifts every restriction", async () => {
    const bodies: unknown[] = [];
    const world = await makeOpenAiWorld({
      faults: ({ request }) => void (request.body && bodies.push(request.body)),
    });
    const scopes = ["api.model.request", "api.model.read"];
    const { keyId, secret } = world.fake.addKey({ scopes });

    await world.provider.quarantine({ keyId, scopes });
    expect(world.fake.state()).toMatchObject([{ scopes: ["api.files.read"] }]);
    expect(await world.provider.verify(secret)).toBe("notPermitted");
    await world.provider.restore({ keyId, scopes });
    expect(world.fake.state()).toMatchObject([{ scopes }]);
    for (const unknown of [{ keyId }, { keyId, scopes: [] }]) {
      await world.provider.quarantine(unknown);
      await world.provider.restore(unknown).catch(() => undefined);
    }
    expect(bodies).toEqual([{ scopes: ["api.files.read"] }, { scopes }]);
  });

  test("of a key that is gone or expired cannot be; restoring an expired one is for a person", async () => {
    const { provider, fake } = await makeOpenAiWorld();
    const { keyId } = fake.addKey({ expiresAtMs: NOON_MS - 1 });
    const expired = { keyId, scopes: ["a"] };
    const gone = { keyId: "key_GONE", scopes: ["a"] };
    expect([await provider.quarantine(expired), await provider.quarantine(gone)]).toEqual([
      "cannot",
      "cannot",
    ]);
    await expect(provider.restore(expired)).rejects.toMatchObject({ name: "NeedsHuman" });
    await provider.restore(gone);
    expect(fake.state().map((key) => key.keyId)).toEqual([keyId]);
  });

  test("that is not confirmed for this key is garbled", async () => {
    const { provider, foreignKey, inject } = await makeOpenAiWorld();
    const { keyId } = foreignKey();
    inject(editReply((key) => ({ ...key, id: "key_OTHER" })));
    await expect(provider.quarantine({ keyId, scopes: ["a"] })).rejects.toMatchObject({
      name: "ProviderGarbled",
    });
  });
});

describe("a revoke that the organisation refuses for keys of service accounts", () => {
  const refusing = (name: string) =>
    makeOpenAiWorld({
      refusesServiceAccountKeyDeletion: true,
      projects: [{ id: "proj_FAKE", serviceAccounts: [{ id: "svc_acct_FAKE", name }] }],
    });

  test("deletes the account when it is Rekey's and has no other key", async () => {
    const { provider, fake, listed } = await refusing("rekey/billing");
    const other = fake.addKey({ owner: "user-FAKE" });
    const { keyId, secret } = fake.addKey();
    expect(await provider.revoke(keyId)).toBe("revoked");
    expect(await provider.verify(secret)).toBe("refused");
    expect(listed()).toEqual([other.keyId]);
    expect(await provider.revoke(keyId)).toBe("alreadyGone");
  });

  test.each([
    ["has another key", "rekey/billing", 2],
    ["is not Rekey's", "billing", 1],
    ["only resembles Rekey's", "not-rekey/billing", 1],
  ])("is for a person when the account %s", async (_why, name, keys) => {
    const { provider, fake, listed } = await refusing(name);
    const made = Array.from({ length: keys }, () => fake.addKey().keyId);
    await expect(provider.revoke(made[0] ?? "")).rejects.toMatchObject({
      name: "NeedsHuman",
      message: expect.stringContaining(`delete the key in OpenAI's console, project proj_FAKE`),
    });
    expect(listed()).toEqual(made);
    expect(fake.counters().byOperation).not.toHaveProperty("deleteAccount");
  });

  test("is for a person when the key belongs to one", async () => {
    const { provider, fake } = await refusing("rekey/billing");
    const { keyId } = fake.addKey({ owner: "user-FAKE" });
    fake.inject({ kind: "answer", status: 400, on: "revoke" });
    await expect(provider.revoke(keyId)).rejects.toMatchObject({ name: "NeedsHuman" });
  });

  test("stays alone when the refusal is about something else", async () => {
    for (const [status, name] of [
      [403, "WrongProject"],
      [500, "ProviderUnavailable"],
      [429, "ProviderThrottled"],
    ] as const) {
      const { provider, fake } = await refusing("rekey/billing");
      const { keyId } = fake.addKey();
      fake.inject({ kind: "answer", status, on: "revoke" });
      await expect(provider.revoke(keyId)).rejects.toMatchObject({ name });
      expect(fake.counters().byOperation).toEqual({ revoke: 1 });
    }
  });

  test("that is confirmed for another key, or denied in a 200, is garbled", async () => {
    for (const edit of [{ id: "key_OTHER" }, { deleted: false }, { deleted: undefined }]) {
      const { provider, foreignKey, inject } = await makeOpenAiWorld();
      const { keyId } = foreignKey();
      inject(editReply((reply) => ({ ...reply, ...edit })));
      await expect(provider.revoke(keyId)).rejects.toMatchObject({ name: "ProviderGarbled" });
    }
  });
});

describe("the shape of its keys", () => {
  const found = (text: string) => keyTextsIn(text, openai.keyTexts);
  const tail = "FAKEFAKEFAKEFAKEFAKE";

  test("is found wherever a key stands, and whole", () => {
    const keys = ["proj", "svcacct", "service", "admin"].map((kind) => `sk-${kind}-${tail}_-${tail}`);
    keys.push(`sk-${tail}T3BlbkFJ${tail}`, ...openaiFakeKeys());
    for (const key of keys) {
      for (const text of [
        key,
        `OPENAI_API_KEY=${key}\n`,
        `"${key}"`,
        `https://x.test/?k=${key}&a=b`,
        `_${key}.`,
      ]) {
        expect(found(text)).toEqual([key]);
      }
    }
    expect(found(keys.join(" "))).toEqual(keys);
  });

  test("is not seen in other words", () => {
    for (const text of ["sk-proj-short", `task-proj-${tail}`, `sk-ant-${tail}`, `sk-${tail}`, "sk-", tail]) {
      expect(found(text)).toEqual([]);
    }
  });

  test("takes time linear in the text", () => {
    const repeat = (text: string, bytes: number) => text.repeat(bytes / text.length);
    for (const text of [
      "sk-proj-",
      "sk-",
      "sk-proj-FAKE ",
      "sk-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "T3BlbkFJ",
    ]) {
      // Processor time, which others on the machine do not lengthen; a search that tries again at each byte takes minutes.
      const before = process.cpuUsage();
      found(repeat(text, 1_000_000));
      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1_000).toBeLessThan(2_000);
    }
  });
});

const openaiFakeKeys = () => [openaiFake().addKey().secret.reveal()];
