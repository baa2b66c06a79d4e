import type { Issuer } from "../provider.ts";

export const twilio: Issuer = {
  kind: "twilio",
  title: "Twilio",
  keyTexts: [],
  byHand: {},
};
