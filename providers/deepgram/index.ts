import type { Issuer } from "../provider.ts";

export const deepgram: Issuer = {
  kind: "deepgram",
  title: "Deepgram",
  keyTexts: [],
  byHand: {},
};
