import type { Issuer } from "../provider.ts";

export const groq: Issuer = {
  kind: "groq",
  title: "Groq",
  keyTexts: [{ prefix: "gsk_", alphabet: "letters", length: { min: 52, max: 52 } }],
  byHand: {
    console: "https://console.groq.com/keys",
  },
};
