import type { Issuer } from "../provider.ts";

/** No public HTTP: a token is checked with `modal token info` and made in the console. */
export const modal: Issuer = {
  kind: "modal",
  title: "Modal",
  keyTexts: [],
  unmarked: [{ alphabet: "base64url", length: { min: 20, max: 128 } }],
  byHand: { console: "https://modal.com/settings/tokens" },
};
