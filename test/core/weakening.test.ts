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
  ["after", {}, { after: "production/other" }],
  ["windows", {}, { windows: { timezone: "UTC", open: [] } }],
  ["currentKeyId", { currentKeyId: "key_FAKE" }],
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
