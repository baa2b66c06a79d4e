import { type ProviderKind, parseSettings } from "../provider.ts";
import { hostsOf } from "../settings.ts";
import { GoogleSettings, googleUrls } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

export const google: ProviderKind = {
  kind: "google",
  title: "Google Gemini",
  aliases: ["gcp", "gemini"],
  keyTexts: [
    { prefix: "AIza", alphabet: "base64url", length: { min: 35, max: 35 } },
    { prefix: "AQ.", alphabet: "base64url", length: { min: 40, max: 200 } },
  ],
  byHand: {
    console: "https://console.cloud.google.com/apis/credentials",
    command: ["gcloud services api-keys delete {keyId} --project $PROJECT"],
    adminConsole: "https://console.cloud.google.com/iam-admin/serviceaccounts",
  },
  keyless: "https://cloud.google.com/iam/docs/workload-identity-federation",
  settings: GoogleSettings,
  facts(settings) {
    const { propagation } = parseSettings(GoogleSettings, settings);
    return {
      capabilities: {
        shape: { kind: "sideBySide" },
        quarantine: "no",
        quarantineContains: false,
        revoke: true,
        lastUsed: false,
        usagePerKey: true,
        expiry: false,
      },
      propagation: {
        ...{ activateMs: 120_000, dieMs: 30 * 60_000, deadProbes: 5, deadWindowMs: 2 * 60_000 },
        ...{ probeEveryMs: 30_000, usageLagMs: 10 * 60_000 },
        ...propagation,
      },
    };
  },
  hosts(settings) {
    const { keysUrl, geminiUrl, tokenUrl, monitoringUrl } = parseSettings(GoogleSettings, settings);
    return hostsOf(keysUrl, geminiUrl, tokenUrl, monitoringUrl);
  },
  defaultHosts: hostsOf(...Object.values(googleUrls)),
  verifyTable,
  federatedAs: "google",
  docs: {
    about:
      "Keys of a project are made through API Keys v2, bound to a service account, with the old key's limits.",
    limits: [
      "A deleted key can go on working for up to half an hour.",
      "For 30 days a person can bring a deleted key back: `gcloud services api-keys undelete`.",
      "A rotation never does, because a step that is repeated late would revive a key that is meant to be dead.",
      "Keys that begin with AIza are being retired by Google: bind new ones to a service account.",
    ],
    example: {
      project: "shop-prod",
      manager: "rekey@shop-prod.iam.gserviceaccount.com",
      serviceAccount: "shop@shop-prod.iam.gserviceaccount.com",
    },
  },
  adapter: () => import("./adapter.ts"),
};
