import { type ProviderKind, parseSettings } from "../provider.ts";
import { hostsOf } from "../settings.ts";
import { AzureOpenAiSettings, endpointOf, loginUrl, managementUrl } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

export const azureOpenAi: ProviderKind = {
  kind: "azure-openai",
  title: "Azure OpenAI",
  aliases: ["azure-cognitive"],
  keyTexts: [],
  unmarked: [
    { alphabet: "hex", length: { min: 32, max: 32 } },
    { alphabet: "letters", length: { min: 84, max: 84 }, holds: "JQQJ99" },
  ],
  neverIssued: "fa4e0000fa4e0000fa4e0000fa4e0000",
  byHand: {
    console: "https://portal.azure.com",
    command: [
      "az cognitiveservices account keys regenerate",
      "--name $ACCOUNT --resource-group $GROUP --key-name {keyId}",
    ],
  },
  keyless: "https://learn.microsoft.com/azure/ai-services/openai/how-to/managed-identity",
  settings: AzureOpenAiSettings,
  facts(settings) {
    const { idleIsFree, propagation } = parseSettings(AzureOpenAiSettings, settings);
    return {
      capabilities: {
        shape: { kind: "slots", idleIsFree },
        quarantine: "no",
        quarantineContains: false,
        revoke: true,
        lastUsed: false,
        usagePerKey: false,
        expiry: false,
      },
      propagation: {
        ...{ activateMs: 60_000, dieMs: 5 * 60_000, deadProbes: 5, deadWindowMs: 60_000 },
        ...{ probeEveryMs: 15_000, usageLagMs: 0 },
        ...propagation,
      },
    };
  },
  hosts(settings) {
    const parsed = parseSettings(AzureOpenAiSettings, settings);
    return hostsOf(parsed.managementUrl, parsed.loginUrl, endpointOf(parsed));
  },
  defaultHosts: hostsOf(managementUrl, loginUrl),
  ownCredential: { whyNot: "use a provider of kind azure-app for the secret of the application" },
  verifyTable,
  federatedAs: "azure",
  docs: {
    about:
      "An account has two places for keys: the new key goes into the idle one, and revoking regenerates the other one.",
    limits: [
      "Whoever uses the idle place's key is cut off by a rotation, so it passes the same questions as a retiring key.",
      "Azure tells neither last use nor usage of a key, so consumers have to testify.",
      "Both keys can be read again at any time by whoever may list them.",
    ],
    example: {
      tenant: "11111111-1111-1111-1111-111111111111",
      client: "22222222-2222-2222-2222-222222222222",
      subscription: "33333333-3333-3333-3333-333333333333",
      group: "shop",
      account: "shop-openai",
    },
  },
  adapter: () => import("./adapter.ts"),
};
