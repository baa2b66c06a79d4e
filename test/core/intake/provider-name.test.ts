import { providerSlug } from "../../../events/intake/edge/provider-name.ts";
import { issuers } from "../../../providers/index.ts";
import { issuerNamed, withIssuerNames } from "../../../providers/issuer-name.ts";

test("every scanner's name of a provider is Rekey's", () => {
  const rows = [
    ["OpenAI", "openai"],
    ["openai-api-key", "openai"],
    ["openai_apikey", "openai"],
    ["AzureOpenAI", "azure-openai"],
    ["anthropic-admin-api-key", "anthropic"],
    ["aws-access-token", "iam"],
    ["aws-amazon-bedrock-api-key-long-lived", "bedrock"],
    ["gcp-api-key", "google"],
    ["__proto__", "proto"],
    ["Some Vendor/2", "some-vendor-2"],
  ];
  for (const [given, name] of rows) expect(issuerNamed(providerSlug(given) ?? "")).toBe(name);
});

test("a name without a letter or digit is none", () => {
  for (const name of [undefined, "", "--", "\u00e9\n"]) expect(providerSlug(name)).toBeUndefined();
});

test("no two issuers share a name", () => {
  const names = issuers.flatMap(({ kind, aliases = [] }) => [kind, ...aliases]);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => name !== providerSlug(name))).toEqual([]);
});

test("an alert's provider and its key's provider get Rekey's name, and nothing else changes", () => {
  const base = { sourceId: "1", where: [], verified: "live", exposure: "public", receivedAtMs: 0 } as const;
  const keyId = { kind: "keyId", provider: "openai-api-key", keyId: "key_FAKE" } as const;
  const outcome = { start: [{ ...base, identity: keyId, provider: "aws-access-token" }], append: [] };
  expect(withIssuerNames(outcome as never)).toEqual({
    start: [{ ...base, identity: { ...keyId, provider: "openai" }, provider: "iam" }],
    append: [],
  });
});
