import type { Issuer } from "../provider.ts";

export const supabase: Issuer = {
  kind: "supabase",
  title: "Supabase",
  keyTexts: [
    { prefix: "sb_secret_", alphabet: "base64url", length: { min: 16, max: 128 } },
    { prefix: "sbp_", alphabet: "letters", length: { min: 40, max: 64 } },
  ],
  byHand: {},
};
