import type { Issuer } from "../provider.ts";

export const xai: Issuer = {
  kind: "xai",
  title: "xAI",
  keyTexts: [{ prefix: "xai-", alphabet: "base64url", length: { min: 80, max: 80 } }],
  byHand: {
    console: "https://console.x.ai",
  },
};
