import type { Issuer } from "../provider.ts";

export const openrouter: Issuer = {
  kind: "openrouter",
  title: "OpenRouter",
  keyTexts: [{ prefix: "sk-or-v1-", alphabet: "hex", length: { min: 64, max: 64 } }],
  byHand: {
    console: "https://openrouter.ai/settings/keys",
    command: [
      'curl -X DELETE "https://openrouter.ai/api/v1/keys/{keyId}"',
      '-H "Authorization: Bearer $OPENROUTER_MANAGEMENT_KEY"',
    ],
  },
};
