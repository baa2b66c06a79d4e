import type { Issuer } from "../provider.ts";

export const anthropic: Issuer = {
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
};
