import { type ProviderKind, parseSettings } from "../provider.ts";
import { hostsOf, usualPropagation } from "../settings.ts";
import { OpenRouterSettings, openRouterUrl } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

export const openrouter: ProviderKind = {
  kind: "openrouter",
  title: "OpenRouter",
  keyTexts: [{ prefix: "sk-or-v1-", alphabet: "hex", length: { min: 64, max: 64 } }],
  byHand: {
    console: "https://openrouter.ai/settings/keys",
    command: [
      'curl -X DELETE "https://openrouter.ai/api/v1/keys/{keyId}"',
      '-H "Authorization: Bearer $OPENROUTER_MANAGEMENT_KEY"',
    ],
    adminConsole: "https://openrouter.ai/settings/management-keys",
  },
  settings: OpenRouterSettings,
  facts(settings) {
    const { propagation } = parseSettings(OpenRouterSettings, settings);
    return {
      capabilities: {
        shape: { kind: "sideBySide" },
        quarantine: "yes",
        quarantineContains: true,
        revoke: true,
        lastUsed: false,
        usagePerKey: false,
        expiry: false,
      },
      propagation: { ...usualPropagation, ...propagation },
    };
  },
  hosts: (settings) => hostsOf(parseSettings(OpenRouterSettings, settings).baseUrl),
  defaultHosts: hostsOf(openRouterUrl),
  verifyTable,
  docs: {
    about:
      "Keys live beside each other; a new one gets the spending limit, its reset and the workspace of the old one.",
    limits: [
      "OpenRouter tells what a key spent and not when it was used, so consumers have to testify.",
      "An expiry is set when a key is made and cannot be postponed.",
    ],
    example: {},
  },
  adapter: () => import("./adapter.ts"),
};
