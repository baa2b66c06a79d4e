import type { Issuer } from "../provider.ts";

export const iam: Issuer = {
  kind: "iam",
  title: "AWS IAM",
  aliases: ["aws", "amazon"],
  keyTexts: [{ prefix: "AKIA", alphabet: "uppercase", length: { min: 16, max: 16 }, isId: true }],
  unmarked: [{ alphabet: "base64", length: { min: 40, max: 40 }, names: ["secretaccesskey"] }],
  byHand: {
    console: "https://console.aws.amazon.com/iam",
    command: ["aws iam update-access-key --user-name $USER_NAME --access-key-id {keyId} --status Inactive"],
  },
};
