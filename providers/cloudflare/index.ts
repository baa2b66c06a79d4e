import { type ProviderKind, parseSettings } from "../provider.ts";
import { hostsOf, usualPropagation } from "../settings.ts";
import { CloudflareSettings, cloudflareUrl } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

const console = "https://dash.cloudflare.com/?to=/:account/api-tokens";

export const cloudflare: ProviderKind = {
  kind: "cloudflare",
  title: "Cloudflare",
  keyTexts: [
    // The control of a proof of death has the form of the first: a token of an account, as those that are asked about.
    { prefix: "cfat_", alphabet: "letters", length: { min: 48, max: 48 } },
    { prefix: "cfut_", alphabet: "letters", length: { min: 48, max: 48 } },
  ],
  byHand: {
    console,
    command: [
      'curl -X DELETE "https://api.cloudflare.com/client/v4/accounts/$ACCOUNT/tokens/{keyId}"',
      '-H "Authorization: Bearer $CLOUDFLARE_ADMIN_TOKEN"',
    ],
    adminConsole: console,
  },
  settings: CloudflareSettings,
  facts(settings) {
    const { propagation } = parseSettings(CloudflareSettings, settings);
    return {
      capabilities: {
        shape: { kind: "sideBySide" },
        quarantine: "yes",
        quarantineContains: true,
        revoke: true,
        lastUsed: true,
        usagePerKey: false,
        expiry: false,
      },
      propagation: { ...usualPropagation, ...propagation },
    };
  },
  hosts: (settings) => hostsOf(parseSettings(CloudflareSettings, settings).baseUrl),
  defaultHosts: hostsOf(cloudflareUrl),
  verifyTable,
  ownCredential: "rotated",
  docs: {
    about:
      "Tokens of an account live beside each other; a new one gets the access policies and the IP condition of the old one.",
    limits: [
      "These are tokens of an account (`cfat_`); tokens of a person (`cfut_`) have another API and are only recognised.",
      "The admin token needs the permission Account API Tokens Write, with which it can make tokens of any reach: guard it.",
      "Cloudflare's own roll ends the old token at once, so it is never used.",
      "An expiry is set when a token is made, and Rekey does not postpone it.",
    ],
    example: { account: "023e105f4ecef8ad9ca31a8372d0c353" },
  },
  adapter: () => import("./adapter.ts"),
};
