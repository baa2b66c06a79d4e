import type { Issuer } from "../provider.ts";

export const bedrock: Issuer = {
  kind: "bedrock",
  title: "Amazon Bedrock",
  aliases: ["aws-bedrock", "amazon-bedrock", "aws-amazon-bedrock"],
  keyTexts: [{ prefix: "ABSK", alphabet: "base64", length: { min: 109, max: 271 } }],
  byHand: {
    console: "https://console.aws.amazon.com/iam",
    command: [
      "aws iam update-service-specific-credential --user-name $USER_NAME",
      "--service-specific-credential-id {keyId} --status Inactive",
    ],
  },
};
