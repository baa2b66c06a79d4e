import type { Issuer } from "../provider.ts";

export const azureOpenAi: Issuer = {
  kind: "azure-openai",
  title: "Azure OpenAI",
  aliases: ["azure-cognitive"],
  keyTexts: [],
  byHand: {
    console: "https://portal.azure.com",
    command: [
      "az cognitiveservices account keys regenerate",
      "--name $ACCOUNT --resource-group $GROUP --key-name {keyId}",
    ],
  },
};
