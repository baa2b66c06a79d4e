import { type ProviderKind, parseSettings } from "../provider.ts";
import { hostsOf, usualPropagation } from "../settings.ts";
import { BedrockSettings, urlsOf, usualUrlsOf } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

export const bedrock: ProviderKind = {
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
  keyless: "https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html",
  settings: BedrockSettings,
  facts(settings) {
    const { propagation } = parseSettings(BedrockSettings, settings);
    return {
      capabilities: {
        shape: { kind: "atMost", keys: 2 },
        quarantine: "yes",
        quarantineContains: true,
        revoke: true,
        lastUsed: false,
        usagePerKey: false,
        expiry: false,
      },
      propagation: { ...usualPropagation, ...propagation },
    };
  },
  hosts: (settings) => hostsOf(...Object.values(urlsOf(parseSettings(BedrockSettings, settings)))),
  defaultHosts: (settings) => hostsOf(...usualUrlsOf(parseSettings(BedrockSettings, settings))),
  verifyTable,
  ownCredential: { whyNot: "Rekey's own role makes and deletes these keys, and a role has no key" },
  federatedAs: "bedrock",
  docs: {
    about:
      "Long-term API keys of one IAM user (service-specific credentials). Rekey's own role makes and deletes them, so there is no admin credential.",
    limits: [
      "A user has at most two: the second place has to be empty, or hold a disabled key, before a rotation begins.",
      "The deployment names the users in `iamUsers`; the roles may touch the keys of no others.",
      "AWS tells no last use, and CloudTrail names the user and not the key: consumers have to testify.",
      "The user needs bedrock:CallWithBearerToken and, to be proven, bedrock:ListFoundationModels.",
      "Keys have no names at IAM: Rekey notes in the user's tag `rekey-mint` which one it made.",
      "AWS recommends short-term keys, which are not stored at all, wherever a program can renew them.",
    ],
    example: { user: "search-bedrock", region: "eu-central-1" },
  },
  adapter: () => import("./adapter.ts"),
};
