import type { Issuer } from "../provider.ts";

export const github: Issuer = {
  kind: "github",
  title: "GitHub",
  keyTexts: [
    { prefix: "ghp_", alphabet: "letters", length: { min: 36, max: 255 } },
    { prefix: "gho_", alphabet: "letters", length: { min: 36, max: 255 } },
    { prefix: "ghu_", alphabet: "letters", length: { min: 36, max: 255 } },
    { prefix: "ghs_", alphabet: "letters", length: { min: 36, max: 255 } },
    { prefix: "ghr_", alphabet: "letters", length: { min: 36, max: 255 } },
    { prefix: "github_pat_", alphabet: "base64url", length: { min: 36, max: 255 } },
  ],
  byHand: {
    console: "https://github.com/settings/tokens",
  },
};
