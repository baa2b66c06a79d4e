import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import * as z from "zod";
import { type SenderLimit, senderLimit } from "../core/incident/plan.ts";
import type { TwoPeopleRule } from "../core/orders.ts";
import { destinationKinds } from "../destinations/index.ts";
import { type BoundFunction, boundFunction, functionVersion } from "../providers/bound-function.ts";
import { type AzureSettings, azureSettings } from "../stores/azure-key-vault/settings.ts";
import { type GoogleSettings, googleSettings } from "../stores/google-secret-manager/settings.ts";
import { type VaultSettings, vaultSettings } from "../stores/vault/settings.ts";
import { tagged } from "./statements.ts";

/** The parameters of one deployment, which is one environment in one account and Region. */
export interface Deployment {
  /** The stage: the value of the `Environment` tag that every secret of this deployment carries. */
  readonly environment: string;
  readonly region: string;
  /** Accounts besides this one whose consumers report here. */
  readonly consumerAccounts: readonly string[];
  /** Names, patterns or ARNs of the secrets that are rotated, or `tagged`. */
  readonly secrets: readonly string[];
  /** Names, patterns or ARNs of the secrets that hold admin credentials. */
  readonly adminSecrets: readonly string[];
  /** The ARNs of those among them that Rekey replaces itself. */
  readonly rotatedAdminSecrets: readonly string[];
  /** By source of alerts, the ARN of the secret that it signs with. */
  readonly intakeSecrets: Readonly<Record<string, string>>;
  /** By source of alerts, how many keys an hour it may have contained unseen, and of which secrets. */
  readonly intakeLimits: Readonly<Record<string, SenderLimit>>;
  /** The ARN of the secret with the token that reads the alerts which GitHub points to. */
  readonly githubToken: string | undefined;
  readonly githubApiBases: readonly string[];
  /** The ARN of the secret with PagerDuty's routing key, and of the one with the address of Slack's webhook. */
  readonly pagerdutySecret: string | undefined;
  readonly slackSecret: string | undefined;
  /** Where the audit log is pushed to. The secret holds the value of the header that the collector asks for. */
  readonly auditCollector: AuditCollector | undefined;
  /** Who can open, two together, what containing a key needs while the Region is down, and where that is kept. */
  readonly sealedKit: SealedKit | undefined;
  /** `<team>/<user>` of those who may acknowledge pages from Slack. */
  readonly slackUsers: readonly string[];
  /** Where docs/ can be read; pages link to it. */
  readonly docsUrl: string | undefined;
  /** Customer managed keys that encrypt any of these secrets. */
  readonly secretKeys: readonly string[];
  /** Workloads whose refresh Rekey may start: ARNs, addresses, or `tagged`. */
  readonly refreshAllowed: readonly string[];
  /** By account, the role there with which its workloads are looked at and refreshed. */
  readonly workloadRoles: Readonly<Record<string, string>>;
  /** Hosts, beside each provider's own, that admin credentials and keys may be sent to. */
  readonly providerHosts: readonly string[];
  /** By ARN of a published version, the functions that keys may be handed to: the code's hash, and a public key. */
  readonly providerFunctions: Readonly<Record<string, BoundFunction>>;
  /** The IAM users whose keys Rekey may make and delete: "bedrock/search" is a path and a name. */
  readonly iamUsers: readonly string[];
  /** By name, the places that may be given copies: a kind, its settings, and the secret with its token. */
  readonly destinations: Readonly<Record<string, DestinationPlace>>;
  /** By name, the Vault or OpenBao servers that secrets may live in: address, mount, login. */
  readonly vaults: Readonly<Record<string, VaultSettings>>;
  /** By name, the projects of Google Cloud that secrets may live in: number, and the pool that trusts this account. */
  readonly googleProjects: Readonly<Record<string, GoogleSettings>>;
  /** By name, the vaults of Azure that secrets may live in: address, directory, and the application that trusts this account. */
  readonly azureVaults: Readonly<Record<string, AzureSettings>>;
  /** Names of roles whose session names say which person it is. An order under any other role is the role's. */
  readonly peopleRoles: readonly string[];
  /** Roles that may ask for what does lasting harm, and roles that may approve it: "off" where one person decides. */
  readonly twoPeople: TwoPeopleRule;
  /** Roles that may order new secrets with `rekey issue`; none: no function may make one. */
  readonly issuers: readonly string[];
  /** Requests that the public intake may answer at once. */
  readonly intakeConcurrency: number;
  readonly auditLockMode: "GOVERNANCE" | "COMPLIANCE";
  readonly auditLockDays: number;
  readonly logRetentionDays: number;
  /** DynamoDB refuses to delete the ledger. */
  readonly protectLedger: boolean;
  /** "/" or a path that begins and ends in a slash. */
  readonly rolePath: string;
  /** The ARN of a policy that no role may go beyond. */
  readonly permissionsBoundary: string | undefined;
  /** People who order something have signed in with a second factor. */
  readonly requireMfa: boolean;
  /** The functions call AWS at its FIPS endpoints, and at those that answer over IPv6 too. */
  readonly useFips: boolean;
  readonly useDualStack: boolean;
}

/** An ARN, or an https address, with the ARN of the secret that holds its token or signing key behind "#". */
const workloadShape =
  /^(arn:aws[a-z-]*:(ecs|lambda|sqs):[a-z0-9-]+:\d{12}:[\w/:.-]+(?:#[\w-]+)?|https:\/\/[\w./:-]+#arn:aws[a-z-]*:secretsmanager:[\w/+=.@:-]+)$/;
const secretArnShape = /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+$/;
/** A pattern that is only a wildcard would open every secret of the account. */
const secretShape = /^(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:)?[\w/+=.@-]+\*?$/;
/** One exact name: a suffix or a pattern would let a policy choose the host. */
const hostShape =
  /^(?=.{1,253}(?::|$))[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+(?::\d{1,5})?$/;
/** With its path. A pattern would let a policy choose among users that nobody meant. */
const userShape = /^(?!.*\/\/)(?:[\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/;
const keyShape = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/;
const roleArnShape = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w/+=,.@-]+$/;
const policyShape = /^arn:aws[a-z-]*:iam::(?:\d{12}|aws):policy\/[\w/+=,.@-]+$/;

const list = (shape: RegExp) => z.array(z.string().regex(shape)).max(200);

const roles = list(/^[\w+=,.@-]{1,64}$/);
/** One role in both lists would let one person decide. */
const twoPeopleShape = z.union([
  z.literal("off"),
  z
    .strictObject({ mayAsk: roles.min(1), mayApprove: roles.min(1) })
    .refine(({ mayAsk, mayApprove }) => !mayAsk.some((role) => mayApprove.includes(role)), {
      message: "no role may both ask and approve",
    }),
]);
/** One destination, checked against the statement of its kind. */
export type DestinationPlace = Readonly<Record<string, unknown>> & { readonly kind: string };

/** Lambda takes 4 KB of environment variables in all, and the other ones need about half. */
const destinationBytesMax = 2_000;
const functionBytesMax = 1_000;

const destinationsShape = z
  .record(
    z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/),
    z.looseObject({
      kind: z.string(),
      consumers: z
        .array(z.string().regex(/^[\w.-]{1,64}$/))
        .min(1)
        .max(50)
        .optional(),
    }),
  )
  .superRefine((places, context) => {
    for (const [name, { kind, consumers: _owners, ...settings }] of Object.entries(places))
      for (const message of mistakesAt(kind, settings))
        context.addIssue({ code: "custom", path: [name], message });
    if (Buffer.byteLength(JSON.stringify(places)) > destinationBytesMax)
      context.addIssue(
        `the destinations take more than ${destinationBytesMax} bytes: use a second deployment`,
      );
  });

function mistakesAt(kind: string, settings: unknown): readonly string[] {
  const known = Object.hasOwn(destinationKinds, kind) ? destinationKinds[kind] : undefined;
  if (known === undefined) return [`kind is one of ${Object.keys(destinationKinds).join(", ")}`];
  const read = known.settings.safeParse(settings);
  return read.success
    ? []
    : read.error.issues.map(({ path, message }) => `${path.join(".") || kind}: ${message}`);
}

const collectorUrl = z
  .string()
  .regex(/^https:\/\/[\w.-]+(?::\d{1,5})?\/[\w./-]*$/)
  .max(300);
const overHttps = {
  url: collectorUrl,
  secret: z.string().regex(secretArnShape),
  header: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/)
    .default("authorization"),
};

const collectorShape = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("https"), ...overHttps }),
  z.strictObject({
    kind: z.literal("kafka-rest"),
    ...overHttps,
    url: collectorUrl.regex(/\/topics\/[\w.-]+$/, "ends in /topics/<topic>"),
  }),
  z.strictObject({ kind: z.literal("firehose"), stream: z.string().regex(/^[\w.-]{1,64}$/) }),
]);
export type AuditCollector = z.infer<typeof collectorShape>;

/** X25519 recipients of age: one of each group is needed, so one person in both would be enough alone. */
const recipients = z
  .array(z.string().regex(/^age1[02-9ac-hj-np-z]{58}$/, "is not the public key of an age identity"))
  .min(1)
  .max(5);
const sealedKitShape = z
  .strictObject({
    groups: z.tuple([recipients, recipients]),
    bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
    region: z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/),
  })
  .refine(({ groups: [first, second] }) => !first.some((each) => second.includes(each)), {
    path: ["groups"],
    message: "nobody may be in both groups: one person would open the kit alone",
  });
export type SealedKit = z.infer<typeof sealedKitShape>;

/** What stages/<stage>.yml may say; see stages/example.yml. */
/** Whoever looks into a breach comes months later: the audit, its certificates and the logs beside them stay this long. */
const auditDaysMin = 180;

/** What CloudWatch Logs can keep, from there on. */
const logDays = [auditDaysMin, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

const settingsShape = z.strictObject({
  consumerAccounts: list(/^\d{12}$/).default([]),
  secrets: list(secretShape).default(["api-keys/*"]),
  adminSecrets: list(secretShape).default(["rekey/admin/*"]),
  rotatedAdminSecrets: list(secretArnShape).default([]),
  intakeSecrets: z.record(z.string().regex(/^[a-z]{1,32}$/), z.string().regex(secretArnShape)).default({}),
  intakeLimits: z
    .record(
      z.string().regex(/^[a-z]{1,32}$/),
      z.strictObject({
        keysPerHour: z.int().min(0).max(1_000).default(senderLimit.keysPerHour),
        secrets: list(secretShape).optional(),
      }),
    )
    .default({}),
  githubToken: z.string().regex(secretArnShape).optional(),
  githubApiBases: list(/^https:\/\/[\w./-]+$/).default([]),
  pagerdutySecret: z.string().regex(secretArnShape).optional(),
  slackSecret: z.string().regex(secretArnShape).optional(),
  auditCollector: collectorShape.optional(),
  sealedKit: sealedKitShape.optional(),
  slackUsers: list(/^T[A-Z0-9]{2,31}\/[UW][A-Z0-9]{2,31}$/).default([]),
  docsUrl: z
    .string()
    .regex(/^https:\/\/[\w./-]+\/$/)
    .optional(),
  secretKeys: list(keyShape).default([]),
  refreshAllowed: z
    .array(z.union([z.literal(tagged), z.string().regex(workloadShape)]))
    .max(200)
    .default([]),
  workloadRoles: z
    .record(z.string().regex(/^\d{12}$/), z.string().regex(roleArnShape))
    .refine((roles) => Object.entries(roles).every(([account, role]) => role.split(":")[4] === account), {
      message: "each account names a role of its own",
    })
    .default({}),
  requireMfa: z.boolean().default(false),
  useFips: z.boolean().default(false),
  useDualStack: z.boolean().default(false),
  providerHosts: list(hostShape).default([]),
  providerFunctions: z
    .record(functionVersion, boundFunction)
    .refine((listed) => JSON.stringify(listed).length <= functionBytesMax, {
      message: `more than ${functionBytesMax} bytes: use a second deployment`,
    })
    .default({}),
  iamUsers: list(userShape).default([]),
  peopleRoles: roles.default([]),
  twoPeople: twoPeopleShape.default({ mayAsk: [], mayApprove: [] }),
  issuers: roles.default([]),
  destinations: destinationsShape.default({}),
  vaults: z.record(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/), vaultSettings).default({}),
  googleProjects: z.record(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/), googleSettings).default({}),
  azureVaults: z.record(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/), azureSettings).default({}),
  intakeConcurrency: z.int().min(1).max(1_000).default(50),
  auditLockMode: z.enum(["GOVERNANCE", "COMPLIANCE"]).default("GOVERNANCE"),
  auditLockDays: z
    .int()
    .min(auditDaysMin, `audit and certificates are kept at least ${auditDaysMin} days`)
    .max(36_500)
    .default(365),
  logRetentionDays: z
    .int()
    .refine((days) => logDays.includes(days), `CloudWatch Logs takes one of ${logDays.join(", ")}`)
    .default(auditDaysMin),
  protectLedger: z.boolean().default(false),
  rolePath: z
    .string()
    .regex(/^\/(?:[\w+=,.@-]+\/)*$/)
    .default("/"),
  permissionsBoundary: z.string().regex(policyShape).optional(),
});

const stageShape = /^[a-z][a-z0-9-]{0,19}$/;

/** Checks what a stage is told. Throws with every mistake, by name. */
export function readDeployment(given: {
  readonly stage: string;
  readonly region: string;
  readonly settings: unknown;
}): Deployment {
  const { stage, region, settings } = given;
  if (!stageShape.test(stage))
    throw new Error(`the stage "${stage}" is not valid: at most 20 of a-z, 0-9 and -`);
  const read = settingsShape
    .refine(({ sealedKit }) => sealedKit?.region !== region, {
      path: ["sealedKit"],
      message: "its bucket has to be in another Region than the deployment",
    })
    .safeParse(settings ?? {});
  if (!read.success) {
    const mistakes = read.error.issues.map(
      ({ path, message }) => `${path.join(".") || "the file"}: ${message}`,
    );
    throw new Error(`the settings of the stage ${stage} are not valid: ${mistakes.join("; ")}`);
  }
  const {
    githubToken,
    pagerdutySecret,
    slackSecret,
    docsUrl,
    permissionsBoundary,
    auditCollector,
    sealedKit,
    ...others
  } = read.data;
  return {
    environment: stage,
    region,
    ...others,
    ...{ githubToken, pagerdutySecret, slackSecret, docsUrl, permissionsBoundary, auditCollector, sealedKit },
  };
}

/** What stages/<stage>.yml says. A stage without a file is a mistake: it would reset what was set before. */
export function settingsOf(stage: string, folder = new URL("../stages/", import.meta.url)): unknown {
  const file = new URL(`${stage}.yml`, folder);
  if (!existsSync(file)) {
    throw new Error(
      `there is no stages/${stage}.yml: copy stages/example.yml, and keep it under version control`,
    );
  }
  return parse(readFileSync(file, "utf8"));
}
