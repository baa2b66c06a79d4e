import type { Issuer } from "../provider.ts";

export const stripe: Issuer = {
  kind: "stripe",
  title: "Stripe",
  keyTexts: [
    { prefix: "sk_live_", alphabet: "letters", length: { min: 20, max: 247 } },
    { prefix: "rk_live_", alphabet: "letters", length: { min: 20, max: 247 } },
  ],
  byHand: {},
};
