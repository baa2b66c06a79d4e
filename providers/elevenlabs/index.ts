import type { Issuer } from "../provider.ts";

export const elevenlabs: Issuer = {
  kind: "elevenlabs",
  title: "ElevenLabs",
  keyTexts: [{ prefix: "sk_", alphabet: "hex", length: { min: 48, max: 48 } }],
  byHand: {},
};
