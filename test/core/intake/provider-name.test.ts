import { providerNamed } from "../../../events/intake/edge/provider-name.ts";

test("every scanner's name of a provider is Rekey's", () => {
  const rows = [
    ["OpenAI", "openai"],
    ["openai-api-key", "openai"],
    ["openai_apikey", "openai"],
    ["AzureOpenAI", "azure-openai"],
    ["anthropic-admin-api-key", "anthropic"],
    ["aws-access-token", "aws"],
    ["__proto__", "proto"],
    ["Some Vendor/2", "some-vendor-2"],
  ];
  for (const [given, name] of rows) expect(providerNamed(given)).toBe(name);
});

test("a name without a letter or digit is none", () => {
  for (const name of [undefined, "", "--", "é\n"]) expect(providerNamed(name)).toBeUndefined();
});
