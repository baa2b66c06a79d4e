import type { Deployment } from "../../serverless/deployment.ts";

/** What a file that says nothing gives for the stage "production". */
export const deployment: Deployment = {
  environment: "production",
  region: "eu-central-1",
  consumerAccounts: [],
  secrets: ["api-keys/*"],
  adminSecrets: ["rekey/admin/*"],
  rotatedAdminSecrets: [],
  intakeSecrets: {},
  intakeLimits: {},
  githubToken: undefined,
  githubApiBases: [],
  pagerdutySecret: undefined,
  slackSecret: undefined,
  auditCollector: undefined,
  sealedKit: undefined,
  docsUrl: undefined,
  secretKeys: [],
  refreshAllowed: [],
  workloadRoles: {},
  providerHosts: [],
  providerFunctions: {},
  iamUsers: [],
  destinations: {},
  vaults: {},
  googleProjects: {},
  azureVaults: {},
  intakeConcurrency: 50,
  peopleRoles: [],
  slackUsers: [],
  issuers: [],
  twoPeople: { mayAsk: [], mayApprove: [] },
  auditLockMode: "GOVERNANCE",
  auditLockDays: 365,
  logRetentionDays: 180,
  protectLedger: false,
  rolePath: "/",
  permissionsBoundary: undefined,
  requireMfa: false,
  useFips: false,
  useDualStack: false,
};

const secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rekey";

/** The parameters that have no default. */
export const given = {
  githubToken: `${secret}/github-token-FAKE01`,
  pagerdutySecret: `${secret}/pagerduty-FAKE02`,
  slackSecret: `${secret}/slack-FAKE03`,
  auditCollector: {
    // In the order in which a stage's file is read: the packaged text is compared with the rendered one.
    ...({ kind: "https", url: "https://siem.example.com/rekey" } as const),
    ...({ secret: `${secret}/collector-FAKE06`, header: "authorization" } as const),
  },
  docsUrl: "https://example.com/rekey/docs/",
} as const;
