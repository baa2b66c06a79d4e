import { type ProviderKind, parseSettings } from "../provider.ts";
import { hostsOf, usualPropagation } from "../settings.ts";
import { XaiSettings, xaiUrls } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

export const xai: ProviderKind = {
  kind: "xai",
  title: "xAI",
  keyTexts: [{ prefix: "xai-", alphabet: "base64url", length: { min: 80, max: 80 } }],
  byHand: {
    console: "https://console.x.ai",
    adminConsole: "https://console.x.ai",
  },
  settings: XaiSettings,
  facts(settings) {
    const { propagation } = parseSettings(XaiSettings, settings);
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
  hosts(settings) {
    const { managementUrl, apiUrl } = parseSettings(XaiSettings, settings);
    return hostsOf(managementUrl, apiUrl);
  },
  defaultHosts: hostsOf(...Object.values(xaiUrls)),
  verifyTable,
  docs: {
    about:
      "Keys of a team live beside each other; a new one gets the access list and the rate limits of the old one.",
    limits: [
      "xAI tells no last use of a key, so consumers have to testify.",
      "The grace period of xAI's own rotate call is not documented, so it is not used.",
    ],
    example: { team: "team-id" },
  },
  adapter: () => import("./adapter.ts"),
};
