import { type ProviderKind, parseSettings } from "../provider.ts";
import { hostsOf, usualPropagation } from "../settings.ts";
import { OpenAiAdminSettings, openAiUrl } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

const console = "https://platform.openai.com/settings/organization/admin-keys";

export const openaiAdmin: ProviderKind = {
  kind: "openai-admin",
  title: "OpenAI admin keys",
  // The kind openai recognises its admin keys beside all its others.
  keyTexts: [],
  neverIssued: "sk-admin-FAKE-never-issued-000000000000000000",
  byHand: {
    console,
    command: [
      "curl -X DELETE",
      '"https://api.openai.com/v1/organization/admin_api_keys/{keyId}"',
      '-H "Authorization: Bearer $OPENAI_ADMIN_KEY"',
    ],
    adminConsole: console,
  },
  settings: OpenAiAdminSettings,
  facts(settings) {
    const { propagation } = parseSettings(OpenAiAdminSettings, settings);
    return {
      capabilities: {
        shape: { kind: "sideBySide" },
        quarantine: "no",
        quarantineContains: false,
        revoke: true,
        lastUsed: true,
        usagePerKey: false,
        expiry: false,
      },
      propagation: { ...usualPropagation, ...propagation },
      // With the trial of the new key.
      callsPerRotation: 40,
    };
  },
  hosts: (settings) => hostsOf(parseSettings(OpenAiAdminSettings, settings).baseUrl),
  defaultHosts: hostsOf(openAiUrl),
  ownCredential: "rotated",
  verifyTable,
  docs: {
    about:
      "The admin keys of an organisation, with which Rekey itself works: one makes the next one. Only for a secret with `consumers: rekey`.",
    limits: [
      "An admin key has no scopes: each can do everything in the organisation, the one that is made only to try the new one as well. That one ends by itself after an hour if nobody deletes it.",
      "An admin key cannot be disabled, and its expiry cannot be postponed.",
    ],
    example: {},
  },
  adapter: () => import("./adapter.ts"),
};
