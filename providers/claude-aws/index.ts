import { type ProviderKind, parseSettings } from "../provider.ts";
import { hostsOf, usualPropagation } from "../settings.ts";
import { ClaudeAwsSettings, urlsOf, usualUrlsOf } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

export const claudeAws: ProviderKind = {
  kind: "claude-aws",
  title: "Claude Platform on AWS",
  aliases: ["claude-platform-on-aws", "anthropic-aws"],
  keyTexts: [{ prefix: "AEAA", alphabet: "base64", length: { min: 40, max: 400 } }],
  byHand: {
    console: "https://console.aws.amazon.com/iam",
    command: [
      "aws iam update-service-specific-credential --user-name $USER_NAME",
      "--service-specific-credential-id {keyId} --status Inactive",
    ],
  },
  settings: ClaudeAwsSettings,
  facts(settings) {
    const { propagation } = parseSettings(ClaudeAwsSettings, settings);
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
  hosts: (settings) => hostsOf(...Object.values(urlsOf(parseSettings(ClaudeAwsSettings, settings)))),
  defaultHosts: (settings) => hostsOf(...usualUrlsOf(parseSettings(ClaudeAwsSettings, settings))),
  verifyTable,
  ownCredential: { whyNot: "Rekey's own role makes and deletes these keys, and a role has no key" },
  docs: {
    about:
      "Keys of one IAM user for Claude on AWS (service-specific credentials), the one kind of Claude key that an API makes. Rekey's own role makes and deletes them, so there is no admin credential.",
    limits: [
      "A user has at most two: the second place has to be empty, or hold a disabled key, before a rotation begins.",
      "The deployment names the users in `iamUsers`; the roles may touch the keys of no others.",
      "Nothing in a key names it, so the first one has to be named as currentKeyId.",
      "AWS tells no last use, and CloudTrail names the user and not the key: consumers have to testify.",
      "What the platform answers to a dead key is not documented: only Anthropic's own words count as a refusal.",
    ],
    example: { user: "search-claude", region: "eu-central-1", workspace: "wrkspc_FAKE" },
  },
  adapter: () => import("./adapter.ts"),
};
