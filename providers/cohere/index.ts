import type { Issuer } from "../provider.ts";

export const cohere: Issuer = {
  kind: "cohere",
  title: "Cohere",
  keyTexts: [],
  byHand: {
    console: "https://dashboard.cohere.com/api-keys",
  },
};
