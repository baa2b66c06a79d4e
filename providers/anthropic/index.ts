import { type ProviderKind, parseSettings } from "../provider.ts";
import { hostsOf, usualPropagation } from "../settings.ts";
import { AnthropicSettings, anthropicUrl } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

export const anthropic: ProviderKind = {
  kind: "anthropic",
  title: "Anthropic",
  keyTexts: [
    { prefix: "sk-ant-api03-", alphabet: "base64url", length: { min: 93, max: 95 } },
    { prefix: "sk-ant-admin01-", alphabet: "base64url", length: { min: 93, max: 95 } },
  ],
  byHand: {
    console: "https://platform.claude.com/settings/keys",
    command: [
      'curl "https://api.anthropic.com/v1/organizations/api_keys/{keyId}"',
      '-H "x-api-key: $ANTHROPIC_ADMIN_KEY" -H "anthropic-version: 2023-06-01"',
      `-H "content-type: application/json" -d '{"status":"inactive"}'`,
    ],
    adminConsole: "https://platform.claude.com/settings/admin-keys",
  },
  keyless: "https://platform.claude.com/docs/en/manage-claude/wif-admin-api",
  settings: AnthropicSettings,
  facts(settings) {
    const { propagation } = parseSettings(AnthropicSettings, settings);
    return {
      capabilities: {
        shape: { kind: "assisted" },
        quarantine: "yes",
        quarantineContains: true,
        revoke: true,
        lastUsed: false,
        usagePerKey: true,
        expiry: false,
      },
      propagation: { ...usualPropagation, usageLagMs: 15 * 60_000, ...propagation },
    };
  },
  hosts: (settings) => hostsOf(parseSettings(AnthropicSettings, settings).baseUrl),
  defaultHosts: hostsOf(anthropicUrl),
  verifyTable,
  ownCredential: { whyNot: "Anthropic makes admin keys only in its console" },
  federatedAs: "anthropic",
  docs: {
    about:
      "Anthropic has no call that makes a key: a person supplies each new one, and everything after that is automatic.",
    limits: [
      "Usage is counted in tokens, so a call that failed leaves no trace in it.",
      "A key that was archived cannot be brought back; one that is only inactive can.",
      "Workspaces of the Claude Platform on AWS have other keys: see Amazon Bedrock.",
    ],
    example: { workspace: "wrkspc_abc" },
  },
  adapter: () => import("./adapter.ts"),
};
