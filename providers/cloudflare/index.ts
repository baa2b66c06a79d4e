import type { Issuer } from "../provider.ts";

export const cloudflare: Issuer = {
  kind: "cloudflare",
  title: "Cloudflare",
  keyTexts: [
    { prefix: "cfut_", alphabet: "letters", length: { min: 48, max: 48 } },
    { prefix: "cfat_", alphabet: "letters", length: { min: 48, max: 48 } },
  ],
  byHand: {},
};
