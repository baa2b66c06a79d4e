import type { ConsumerPolicy, Policy } from "../../core/policy.ts";
import { weakenings } from "../../core/weakening.ts";

const minute = 60_000;
const billing: ConsumerPolicy = {
  ...{ name: "billing", environment: "production", account: "111122223333", evidence: ["client", "kms"] },
  ...{ maxStaleMs: 15 * minute, demandUse: true, refresh: { kind: "announce" }, roles: ["r1"] },
};
const policy = {
  ...{
    mode: "rotate",
    quietMs: 60 * minute,
    soakMs: 15 * minute,
    signals: ["client", "provider"],
    retain: false,
  },
  provider: {
    account: "main",
    kind: "openai",
    adminCredential: "arn:a",
    settings: { baseUrl: "https://a.example" },
  },
  consumers: [billing],
  incident: { containByMs: 10 * minute, escalateAfterMs: 5 * minute },
} as unknown as Policy;
const consumer = (change: Partial<ConsumerPolicy>) => ({ consumers: [{ ...billing, ...change }] });

test.each<[string, Partial<Policy>, Partial<Policy>?]>([
  ["provider.kind", { provider: { ...policy.provider, kind: "http" } }],
  ["provider.adminCredential", { provider: { ...policy.provider, adminCredential: "arn:b" } }],
  ["provider.baseUrl", { provider: { ...policy.provider, settings: { baseUrl: "https://b.example" } } }],
  [
    "provider.verify",
    { provider: { ...policy.provider, settings: { ...policy.provider.settings, verify: "GET /" } } },
  ],
  ["consumer production/billing", { consumers: "none" }],
  ["consumer production/billing", { consumers: [{ ...billing, environment: "staging" }] }],
  ["consumer production/billing evidence", consumer({ evidence: ["client"] })],
  ["consumer production/billing demandUse", consumer({ demandUse: false })],
  ["consumer production/billing maxStale", consumer({ maxStaleMs: minute })],
  ["consumer production/billing cadence", consumer({ cadenceMs: minute })],
  ["consumer production/billing account", consumer({ account: "999988887777" })],
  ["consumer production/billing roles", consumer({ roles: ["r2"] })],
  ["quiet", { quietMs: minute }],
  ["soak", { soakMs: 0 }],
  ["signals", { signals: ["client"] }],
  ["mode", { mode: "rotate" }, { mode: "index" }],
  ["retain", { retain: false }, { retain: true }],
  ["approve", {}, { approve: "before-revoke" }],
  ["classification", {}, { classification: "restricted" }],
  ["readHours", {}, { readHours: { timezone: "UTC", open: [] } }],
  ["after", {}, { after: "production/other" }],
  ["windows", {}, { windows: { timezone: "UTC", open: [] } }],
  ["currentKeyId", { currentKeyId: "key_FAKE" }],
  ["provider", { provider: { ...policy.provider, account: "second" } }],
  ["consumer production/billing workload", consumer({ workload: "arn:service" })],
  ["freeze", { freeze: [] }, { freeze: [{ fromMs: 0, untilMs: 1, reason: "the sale" }] }],
  [
    "incident.plan",
    { incident: policy.incident },
    { incident: { ...policy.incident, plan: "contain-first" } },
  ],
  ["incident.plan", { incident: { ...policy.incident, plan: "switch-first" } }],
  ["incident.containBy", { incident: { ...policy.incident, containByMs: 15 * minute } }],
  ["incident.escalateAfter", { incident: { ...policy.incident, escalateAfterMs: 15 * minute } }],
])("%s asks for less", (field, after, before = {}) => {
  expect(weakenings({ ...policy, ...before }, { ...policy, ...after }).map((each) => each.field)).toEqual([
    field,
  ]);
});

test("what asks for more needs nobody else", () => {
  const stricter: Partial<Policy> = {
    ...{ quietMs: 120 * minute, soakMs: 30 * minute, approve: "before-promote", retain: true },
    ...consumer({ evidence: ["client", "kms", "attestation"], maxStaleMs: 30 * minute }),
    incident: { ...policy.incident, plan: "contain-first", containByMs: minute, escalateAfterMs: minute },
  };
  expect(weakenings(policy, { ...policy, ...stricter })).toEqual([]);
  expect(weakenings(policy, structuredClone(policy))).toEqual([]);
});

test("a secret that is rotated no more asks for nothing less: its keys stay", () => {
  expect(weakenings(policy, { ...policy, mode: "index" })).toEqual([]);
});

describe("what is shown of a change", () => {
  const changes = (before: Partial<Policy>, after: Partial<Policy>) =>
    weakenings({ ...policy, ...before }, { ...policy, ...after }).map(({ change }) => change);

  test("is what it was and what it would be", () => {
    expect(changes({}, { quietMs: minute })).toEqual(["1h -> 1m"]);
    expect(changes({}, { incident: { ...policy.incident, containByMs: 15 * minute } })).toEqual([
      "10m -> 15m",
    ]);
    expect(changes({}, { signals: [] })).toEqual(["without client, provider"]);
    expect(changes({}, { consumers: [] })).toEqual(["removed"]);
    expect(changes({}, { currentKeyId: "key_FAKE" })).toEqual(["none -> key_FAKE"]);
    expect(changes({ retain: true }, {})).toEqual(["true -> false"]);
    expect(changes({}, consumer({ roles: ["r1", "r2"] }))).toEqual(["[r1] -> [r1, r2]"]);
  });

  test("is settings by name, one that is null like one that is a word", () => {
    const set = (settings: Policy["provider"]["settings"]) => ({
      provider: { ...policy.provider, settings },
    });
    expect(changes(set({ call: null }), set({ call: { path: "/", method: "GET" } }))).toEqual([
      "null -> {method: GET, path: /}",
    ]);
  });

  test("is nothing of the order in which the table gives names back, and the names come in theirs", () => {
    const set = (settings: Policy["provider"]["settings"]) => ({
      provider: { ...policy.provider, settings },
    });
    expect(changes(set({ a: { x: 1, y: 2 } }), set({ a: { y: 2, x: 1 } }))).toEqual([]);
    const fields = weakenings(
      { ...policy, ...set({ b: 1, a: 1 }) },
      { ...policy, ...set({ c: 1, b: 2 }) },
    ).map(({ field }) => field);
    expect(fields).toEqual(["provider.a", "provider.b", "provider.c"]);
  });
});

test("a consumer more, or one whose use is demanded from now on, asks for more", () => {
  const search = { ...billing, name: "search" };
  expect(weakenings(policy, { ...policy, consumers: [billing, search] })).toEqual([]);
  expect(weakenings({ ...policy, consumers: "none" }, policy)).toEqual([]);
  expect(weakenings({ ...policy, ...consumer({ demandUse: false }) }, policy)).toEqual([]);
  const known = { ...policy, consumers: [search, billing] };
  expect(weakenings(known, { ...policy, consumers: [billing, search] })).toEqual([]);
});

test("a plan that a policy no longer names is nothing, and one that goes back to switching first is", () => {
  const plan = (name?: "contain-first" | "switch-first") => ({
    ...policy,
    incident: { ...policy.incident, ...(name && { plan: name }) },
  });
  expect(weakenings(plan("switch-first"), plan())).toEqual([]);
  expect(weakenings(plan("contain-first"), plan())).toMatchObject([{ change: "contain-first -> none" }]);
  expect(weakenings(plan(), plan("contain-first"))).toEqual([]);
});
