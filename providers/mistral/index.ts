import { type ProviderKind, parseSettings } from "../provider.ts";
import { hostsOf, usualPropagation } from "../settings.ts";
import { MistralSettings, mistralUrls } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

export const mistral: ProviderKind = {
  kind: "mistral",
  title: "Mistral",
  keyTexts: [],
  unmarked: [{ alphabet: "letters", length: { min: 32, max: 32 } }],
  neverIssued: "FAKEneverIssuedFAKEneverIssuedFA",
  byHand: {
    console: "https://console.mistral.ai/api-keys",
    adminConsole: "https://backoffice.mistral.ai",
  },
  settings: MistralSettings,
  facts(settings) {
    const { propagation } = parseSettings(MistralSettings, settings);
    return {
      capabilities: {
        shape: { kind: "sideBySide" },
        quarantine: "no",
        quarantineContains: false,
        revoke: true,
        lastUsed: true,
        usagePerKey: false,
        expiry: false,
      },
      propagation: { ...usualPropagation, ...propagation },
    };
  },
  hosts(settings) {
    const { adminUrl, apiUrl } = parseSettings(MistralSettings, settings);
    return hostsOf(adminUrl, apiUrl);
  },
  defaultHosts: hostsOf(...Object.values(mistralUrls)),
  verifyTable,
  docs: {
    about: "Keys of a workspace live beside each other, made through the Admin API of an Enterprise account.",
    limits: [
      "The Admin API is a beta, and its answer to a deletion is not documented.",
      "An expiry is set when a key is made and cannot be postponed.",
    ],
    example: { workspace: "4f6a0c1e-0000-4000-8000-000000000000", user: "user-id" },
  },
  adapter: () => import("./adapter.ts"),
};
