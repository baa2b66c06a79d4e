import type { Fault } from "../../providers/fake-faults.ts";
import { editReply, makeOpenAiWorld, NOON_MS } from "./openai-world.ts";

const MINUTE_MS = 60 * 1000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WIDTHS_S = { "1m": 60, "1h": 3600, "1d": 86_400 };

describe("the use of a key", () => {
  test("costs two calls, and one more for each further family", async () => {
    const counts = async (settings: Record<string, unknown>) => {
      const { provider, fake, foreignKey } = await makeOpenAiWorld({ settings });
      await provider.use({ keyId: foreignKey().keyId, sinceMs: NOON_MS - HOUR_MS });
      return fake.counters().byOperation;
    };
    expect(await counts({})).toEqual({ find: 1, usage: 1 });
    expect(await counts({ usageFamilies: ["completions", "embeddings"] })).toEqual({ find: 1, usage: 2 });
  });

  test("adds up the families of the policy", async () => {
    const { provider, http, foreignKey } = await makeOpenAiWorld({
      settings: { usageFamilies: ["completions", "embeddings"] },
    });
    const { keyId, secret } = foreignKey();
    for (const path of ["chat/completions", "responses", "embeddings"]) {
      const headers = { authorization: `Bearer ${secret.reveal()}` };
      await http.send({ method: "POST", url: `https://api.openai.com/v1/${path}`, headers, body: {} });
    }
    expect((await provider.use({ keyId, sinceMs: NOON_MS }))?.requests).toBe(3);
  });

  test("appears late, last use and requests each by its own lag", async () => {
    const world = await makeOpenAiWorld({ lastUsedLagMs: MINUTE_MS, usageLagMs: 5 * MINUTE_MS });
    const { keyId, secret } = world.foreignKey();
    await world.useKey(secret);
    const use = () => world.provider.use({ keyId, sinceMs: NOON_MS });

    expect(await use()).toEqual({ keyId, seenAtMs: NOON_MS, requests: 0 });
    world.advance(MINUTE_MS);
    expect(await use()).toMatchObject({ lastUsedAtMs: NOON_MS, requests: 0 });
    world.advance(4 * MINUTE_MS);
    expect(await use()).toMatchObject({ lastUsedAtMs: NOON_MS, requests: 1 });
  });

  test.each([
    [HOUR_MS, "1m"],
    [23 * HOUR_MS, "1m"],
    [24 * HOUR_MS, "1h"],
    [6 * DAY_MS, "1h"],
    [7 * DAY_MS, "1d"],
    [100 * DAY_MS, "1d"],
    [-HOUR_MS, "1m"],
  ] as const)(
    "over %p ms is counted in buckets of %s, and counts every request once",
    async (spanMs, width) => {
      const widths = new Set<string | null>();
      const starts: number[] = [];
      const world = await makeOpenAiWorld({
        faults: ({ operation, request: { query } }) => {
          if (operation !== "usage") return undefined;
          widths.add(query.get("bucket_width"));
          starts.push(Number(query.get("start_time")));
          return undefined;
        },
      });
      const { keyId, secret } = world.foreignKey();
      world.advance(12_345);
      const sinceMs = world.nowMs();
      await world.useKey(secret);
      world.advance(Math.max(spanMs, 0));
      await world.useKey(secret);
      const asked = spanMs < 0 ? sinceMs - spanMs : sinceMs;
      expect((await world.provider.use({ keyId, sinceMs: asked }))?.requests).toBe(2);
      expect([...widths]).toEqual([width]);
      expect(starts.filter((startS) => startS % WIDTHS_S[width] !== 0)).toEqual([]);
    },
  );

  test("longer ago than a bounded number of pages is not counted, and does not count as none", async () => {
    const world = await makeOpenAiWorld();
    const { keyId } = world.foreignKey();
    const use = await world.provider.use({ keyId, sinceMs: NOON_MS - 400 * DAY_MS });
    expect(use).toEqual({ keyId, seenAtMs: NOON_MS });
    expect(world.fake.counters().byOperation).toEqual({ find: 1, usage: 4 });
  });

  const withResults = (results: unknown): Fault => ({
    ...editReply((page) => ({ ...page, data: [{ results }], has_more: false })),
    on: "usage",
  });
  test.each<[string, Fault, number | undefined]>([
    ["of other keys", withResults([{ api_key_id: "key_OTHER", num_model_requests: 5 }]), 0],
    ["of nobody", withResults([{ api_key_id: null, num_model_requests: 5 }]), undefined],
    ["of nobody, and none", withResults([{ api_key_id: null, num_model_requests: 0 }]), 0],
  ])("does not include requests %s", async (_whose, fault, requests) => {
    const { provider, foreignKey } = await makeOpenAiWorld({ faults: [fault] });
    expect((await provider.use({ keyId: foreignKey().keyId, sinceMs: NOON_MS }))?.requests).toBe(requests);
  });

  test.each<[string, Fault]>([
    ["ProviderGarbled", withResults([{ api_key_id: "key_OTHER" }])],
    [
      "ProviderGarbled",
      { ...editReply((page) => ({ ...page, has_more: true, next_page: null })), on: "usage" },
    ],
    ["ProviderGarbled", { kind: "garbage", on: "usage" }],
    ["ProviderUnavailable", { kind: "serverError", effect: true, on: "usage" }],
    ["ProviderThrottled", { kind: "throttled", on: "usage" }],
    ["AdminCredentialRefused", { kind: "answer", status: 403, code: "missing_scope", on: "usage" }],
  ])("that cannot be read is %s, never zero: %j", async (name, fault) => {
    const { provider, foreignKey } = await makeOpenAiWorld({ faults: [fault] });
    await expect(provider.use({ keyId: foreignKey().keyId, sinceMs: NOON_MS })).rejects.toMatchObject({
      name,
    });
  });

  test.each(["", "yesterday"])("is not told by a reply whose Date is %j", async (date) => {
    const fault: Fault = { kind: "rewrite", rewrite: ({ json }) => ({ headers: { date }, json }) };
    const { provider, foreignKey } = await makeOpenAiWorld({ faults: [fault] });
    expect(await provider.use({ keyId: foreignKey().keyId, sinceMs: NOON_MS })).toBeUndefined();
  });
});
