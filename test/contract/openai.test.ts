import { makeOpenAiWorld } from "./openai-world.ts";
import { describeProvider } from "./provider-contract.ts";

const CLAIMS = {
  capabilities: {
    shape: { kind: "sideBySide" },
    quarantine: "ifScopesKnown",
    quarantineContains: false,
    revoke: true,
    lastUsed: true,
    usagePerKey: true,
    expiry: true,
  },
  scopes: ["api.model.read", "api.model.request"],
  skips: {},
} as const;

describeProvider("openai over a socket", {
  ...CLAIMS,
  make: (quirks) => makeOpenAiWorld({ ...quirks, overSocket: true }),
});
describeProvider("openai without a socket", { ...CLAIMS, make: (quirks) => makeOpenAiWorld(quirks) });
