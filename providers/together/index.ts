import type { Issuer } from "../provider.ts";

export const together: Issuer = {
  kind: "together",
  title: "Together AI",
  keyTexts: [],
  byHand: {
    console: "https://api.together.ai/settings/api-keys",
  },
};
