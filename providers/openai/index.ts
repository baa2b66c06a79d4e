import { type ProviderKind, parseSettings } from "../provider.ts";
import { capabilitiesOf, OPENAI_PROPAGATION, OpenAiSettings } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

export const openai: ProviderKind = {
  kind: "openai",
  title: "OpenAI",
  unscopedDoesAll: true,
  keyTexts: [
    ...["sk-proj-", "sk-svcacct-", "sk-service-", "sk-admin-"].map((prefix) => ({
      ...{ prefix, alphabet: "base64url" as const, length: { min: 16, max: 256 } },
    })),
    { prefix: "sk-", alphabet: "letters", length: { min: 40, max: 136 }, holds: "T3BlbkFJ" },
  ],
  byHand: {
    console: "https://platform.openai.com/settings/organization/api-keys",
    command: [
      "curl -X DELETE",
      '"https://api.openai.com/v1/organization/projects/$PROJECT/api_keys/{keyId}"',
      '-H "Authorization: Bearer $OPENAI_ADMIN_KEY"',
    ],
    adminConsole: "https://platform.openai.com/settings/organization/admin-keys",
  },
  keyless: "https://developers.openai.com/api/reference/workload-identity-federation",
  settings: OpenAiSettings,
  facts(settings) {
    const parsed = parseSettings(OpenAiSettings, settings);
    return {
      capabilities: capabilitiesOf(parsed),
      propagation: { ...OPENAI_PROPAGATION, ...parsed.propagation },
    };
  },
  hosts: (settings) => [new URL(parseSettings(OpenAiSettings, settings).baseUrl).host],
  defaultHosts: ["api.openai.com"],
  verifyTable,
  ownCredential: { whyNot: "use a provider of kind openai-admin for the secret of the admin key" },
  federatedAs: "openai",
  docs: {
    about:
      "Keys of a project's service account are made beside each other; a person supplies keys of people.",
    limits: [
      "A quarantined key can still read files, so an incident has to revoke.",
      "Some organisations cannot delete a single key of a service account.",
    ],
    example: { project: "proj_abc", serviceAccount: "svc_acct_abc" },
  },
  adapter: () => import("./adapter.ts"),
};
