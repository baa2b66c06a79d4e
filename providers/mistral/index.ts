import type { Issuer } from "../provider.ts";

export const mistral: Issuer = {
  kind: "mistral",
  title: "Mistral",
  keyTexts: [],
  byHand: {},
};
