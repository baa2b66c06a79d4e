import { type ProviderKind, parseSettings } from "../provider.ts";
import { hostsOf, usualPropagation } from "../settings.ts";
import { IamSettings, urlsOf, usualUrlsOf } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

/** The last use that IAM tells can be hours old. */
const usageLagMs = 4 * 60 * 60_000;

export const iam: ProviderKind = {
  kind: "iam",
  title: "AWS IAM",
  aliases: ["aws", "amazon"],
  keyTexts: [{ prefix: "AKIA", alphabet: "uppercase", length: { min: 16, max: 16 }, isId: true }],
  neverIssued: "AKIAFAKENEVERISSUED0:FAKEneverIssuedFAKEneverIssuedFAKEnever0",
  unmarked: [{ alphabet: "base64", length: { min: 40, max: 40 }, names: ["secretaccesskey"] }],
  byHand: {
    console: "https://console.aws.amazon.com/iam",
    command: ["aws iam update-access-key --user-name $USER_NAME --access-key-id {keyId} --status Inactive"],
  },
  keyless: "https://docs.aws.amazon.com/IAM/latest/UserGuide/security-creds-programmatic-access.html",
  settings: IamSettings,
  facts(settings) {
    const { propagation } = parseSettings(IamSettings, settings);
    return {
      capabilities: {
        shape: { kind: "atMost", keys: 2 },
        quarantine: "yes",
        quarantineContains: true,
        revoke: true,
        lastUsed: true,
        usagePerKey: false,
        expiry: false,
      },
      propagation: { ...usualPropagation, usageLagMs, ...propagation },
    };
  },
  hosts: (settings) => hostsOf(...Object.values(urlsOf(parseSettings(IamSettings, settings)))),
  defaultHosts: (settings) => hostsOf(...usualUrlsOf(parseSettings(IamSettings, settings))),
  verifyTable,
  ownCredential: { whyNot: "Rekey's own role makes and deletes these keys, and a role has no key" },
  docs: {
    about:
      "Access keys of one IAM user, stored as `<access key id>:<secret access key>`. Rekey's own role makes and deletes them.",
    limits: [
      "A user has at most two: the second place has to be empty, or hold a disabled key, before a rotation begins.",
      "The deployment names the users in `iamUsers`; the roles may touch the keys of no others.",
      "IAM's last use can be hours old (4 h are assumed), so consumers should testify themselves.",
      "Keys have no names at IAM: Rekey notes in the user's tag `rekey-mint` which one it made.",
    ],
    example: { user: "legacy-exporter", region: "eu-central-1" },
  },
  adapter: () => import("./adapter.ts"),
};
