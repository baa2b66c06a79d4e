import type { Issuer } from "../provider.ts";

export const google: Issuer = {
  kind: "google",
  title: "Google",
  aliases: ["gcp", "gemini"],
  keyTexts: [
    { prefix: "AIza", alphabet: "base64url", length: { min: 35, max: 35 } },
    { prefix: "AQ.", alphabet: "base64url", length: { min: 40, max: 200 } },
  ],
  byHand: {
    console: "https://console.cloud.google.com/apis/credentials",
    command: ["gcloud services api-keys delete {keyId} --project $PROJECT"],
  },
};
