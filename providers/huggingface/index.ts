import type { Issuer } from "../provider.ts";

export const huggingface: Issuer = {
  kind: "huggingface",
  title: "Hugging Face",
  aliases: ["hugging-face"],
  keyTexts: [
    { prefix: "hf_", alphabet: "letters", length: { min: 34, max: 34 } },
    { prefix: "api_org_", alphabet: "letters", length: { min: 34, max: 34 } },
  ],
  byHand: {},
};
