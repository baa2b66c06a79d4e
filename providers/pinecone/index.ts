import type { Issuer } from "../provider.ts";

export const pinecone: Issuer = {
  kind: "pinecone",
  title: "Pinecone",
  keyTexts: [{ prefix: "pcsk_", alphabet: "base64url", length: { min: 69, max: 71 } }],
  byHand: {},
};
