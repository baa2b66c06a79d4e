import { loginUrl } from "../azure-openai/settings.ts";
import { type ProviderKind, parseSettings } from "../provider.ts";
import { hostsOf } from "../settings.ts";
import { AzureAppSettings, graphUrl } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

const console = "https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade";

export const azureApp: ProviderKind = {
  kind: "azure-app",
  title: "Azure application",
  aliases: ["entra"],
  keyTexts: [],
  neverIssued: "FAKE~never-issued-000000000000000000000000",
  byHand: {
    console,
    command: ["az ad app credential delete --id $CLIENT --key-id {keyId}"],
    adminConsole: console,
  },
  settings: AzureAppSettings,
  facts(settings) {
    const { propagation } = parseSettings(AzureAppSettings, settings);
    return {
      capabilities: {
        shape: { kind: "sideBySide" },
        quarantine: "no",
        quarantineContains: false,
        revoke: true,
        lastUsed: false,
        usagePerKey: false,
        expiry: false,
      },
      propagation: {
        ...{ activateMs: 120_000, dieMs: 15 * 60_000, deadProbes: 5, deadWindowMs: 60_000 },
        ...{ probeEveryMs: 15_000, usageLagMs: 0 },
        ...propagation,
      },
    };
  },
  hosts(settings) {
    const parsed = parseSettings(AzureAppSettings, settings);
    return hostsOf(parsed.graphUrl, parsed.loginUrl);
  },
  defaultHosts: hostsOf(graphUrl, loginUrl),
  ownCredential: "rotated",
  verifyTable,
  docs: {
    about:
      "Client secrets of the application with which Rekey itself works at Azure: one makes the next one. Only for a secret with `consumers: rekey`.",
    limits: [
      "The application has to own itself and needs the permission Application.ReadWrite.OwnedBy of Microsoft Graph, and no more of it.",
      "The directory tells no last use, so the former secret lives for 20 minutes after the promotion, as long as a function may hold it.",
      "A token that was had with the former secret works until it ends, about an hour later, and may do what the application may.",
      "The directory shows only the first three characters of a secret: name `currentKeyId` if two begin alike.",
    ],
    example: {
      tenant: "11111111-1111-1111-1111-111111111111",
      client: "22222222-2222-2222-2222-222222222222",
    },
  },
  adapter: () => import("./adapter.ts"),
};
