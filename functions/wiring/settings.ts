import { stsEndpoint } from "../../aws/caller-proof.ts";
import type { AwsCredentials } from "../../aws/signed-identity.ts";
import { PolicyInvalid } from "../../core/errors.ts";
import type { SenderLimit } from "../../core/incident/plan.ts";
import type { OwnRole } from "../../core/incident/record.ts";
import type { TwoPeopleRule } from "../../core/orders.ts";
import type { SecretArn } from "../../core/ports.ts";

/** The settings of a deployment. Nothing else reads the environment; the local cloud sets the same names. */
export function settings() {
  return {
    table: required("REKEY_TABLE"),
    bus: required("REKEY_BUS"),
    environment: required("REKEY_ENVIRONMENT"),
    rotationMachineArn: required("REKEY_ROTATION_MACHINE_ARN"),
    compromiseMachineArn: process.env["REKEY_COMPROMISE_MACHINE_ARN"] ?? "",
    refreshAllowed: jsonList("REKEY_REFRESH_ALLOWED"),
    /** Hosts, beside each provider's own, that admin credentials and keys may be sent to. */
    providerHosts: jsonList("REKEY_PROVIDER_HOSTS"),
    /** Providers on loopback answer plain http; only stand-ins are there. */
    allowLoopbackProviders: process.env["REKEY_LOOPBACK_PROVIDERS"] === "allow",
  };
}

/** By name, the places that may be given copies: each has a kind, that kind's settings, and mostly a token. */
export function listedDestinations(): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  const value: unknown = JSON.parse(process.env["REKEY_DESTINATIONS"] ?? "{}");
  const entries = Object.entries(typeof value === "object" && value !== null ? value : {});
  return Object.fromEntries(entries.filter(([, place]) => typeof place === "object" && place !== null));
}

/** By account, the role with which its workloads are looked at and refreshed. */
export function workloadRoles(): Readonly<Record<string, string>> {
  const roles = Object.entries(jsonObject("REKEY_WORKLOAD_ROLES"));
  return Object.fromEntries(
    roles.flatMap(([account, role]) => (typeof role === "string" ? [[account, role]] : [])),
  );
}

/** The Vault servers that the deployment lists, by name. */
export function listedVaults(): Readonly<Record<string, unknown>> {
  return jsonObject("REKEY_VAULTS");
}

/** The role that may write admin credentials, and which; undefined for a function that may not assume it. */
export function ownRole(): { readonly role: string; readonly secrets: readonly string[] } | undefined {
  const role = process.env["REKEY_ADMIN_ROLE"];
  return role === undefined ? undefined : { role, secrets: jsonList("REKEY_ROTATED_ADMIN_SECRETS") };
}

/** The function versions that keys may be handed to, by ARN. */
export function listedFunctions(): Readonly<Record<string, unknown>> {
  return jsonObject("REKEY_PROVIDER_FUNCTIONS");
}

/** The projects of Google Cloud that the deployment lists, by name. */
export function listedGoogleProjects(): Readonly<Record<string, unknown>> {
  return jsonObject("REKEY_GOOGLE_PROJECTS");
}

/** The vaults of Azure that the deployment lists, by name. */
export function listedAzureVaults(): Readonly<Record<string, unknown>> {
  return jsonObject("REKEY_AZURE_VAULTS");
}

/** Lambda gives a function its role's credentials here, and new ones to each new environment. */
export function roleCredentials(): AwsCredentials {
  const sessionToken = process.env["AWS_SESSION_TOKEN"];
  return {
    accessKeyId: required("AWS_ACCESS_KEY_ID"),
    secretAccessKey: required("AWS_SECRET_ACCESS_KEY"),
    ...(sessionToken !== undefined && { sessionToken }),
  };
}

/** What reaches people in an incident; each is optional. */
export function incidentSettings() {
  return {
    environment: required("REKEY_ENVIRONMENT"),
    pageTopicArn: process.env["REKEY_PAGE_TOPIC_ARN"],
    pagerdutySecretArn: process.env["REKEY_PAGERDUTY_SECRET"],
    slackSecretArn: process.env["REKEY_SLACK_SECRET"],
    auditBucket: process.env["REKEY_AUDIT_BUCKET"],
    docsUrl: process.env["REKEY_DOCS_URL"],
  };
}

export type AuditCollector =
  | {
      readonly kind: "https" | "kafka-rest";
      readonly url: string;
      readonly header: string;
      readonly secret: string;
    }
  | { readonly kind: "firehose"; readonly stream: string };

/** Where the audit log is pushed to; undefined where it is not. */
export function auditCollector(): AuditCollector | undefined {
  const text = process.env["REKEY_AUDIT_COLLECTOR"];
  return text === undefined || text === "" ? undefined : (JSON.parse(text) as AuditCollector);
}

/** Where `rekey apply` keeps schedules, and what they start. */
export function scheduleSettings() {
  const deadLetterArn = process.env["REKEY_SCHEDULE_DLQ_ARN"];
  return {
    group: process.env["REKEY_SCHEDULE_GROUP"] ?? "rekey",
    roleArn: process.env["REKEY_SCHEDULER_ROLE_ARN"] ?? "",
    machineArn: required("REKEY_ROTATION_MACHINE_ARN"),
    ...(deadLetterArn !== undefined && { deadLetterArn }),
  };
}

/** Where AWS says who signed an order, and whose orders this deployment takes. */
export function callerSettings() {
  const [, , , region = "", account = ""] = required("REKEY_ROTATION_MACHINE_ARN").split(":");
  return {
    ...{ region, account, table: required("REKEY_TABLE"), endpoint: stsEndpoint(process.env, region) },
    peopleRoles: jsonList("REKEY_PEOPLE_ROLES"),
  };
}

/** Names of roles that may order new secrets. */
export function issuerRoles(): readonly string[] {
  return jsonList("REKEY_ISSUERS");
}

/** Who may ask and who may approve. What cannot be read lets nobody decide alone. */
export function twoPeopleSettings(): TwoPeopleRule {
  const value: unknown = JSON.parse(process.env["REKEY_TWO_PEOPLE"] ?? "{}");
  if (value === "off") return "off";
  const lists =
    typeof value === "object" && value !== null ? (value as Partial<Record<string, unknown>>) : {};
  const roles = (name: string) => {
    const list = lists[name];
    return Array.isArray(list) ? list.filter((role) => typeof role === "string") : [];
  };
  return { mayAsk: roles("mayAsk"), mayApprove: roles("mayApprove") };
}

export interface SealedKitSettings {
  readonly groups: readonly [readonly string[], readonly string[]];
  readonly bucket: string;
  readonly region: string;
}

/** Who can open a kit together, and where it is kept; undefined where none is made. */
export function sealedKit(): SealedKitSettings | undefined {
  const text = process.env["REKEY_SEALED_KIT"];
  return text === undefined || text === "" ? undefined : (JSON.parse(text) as SealedKitSettings);
}

const dayMs = 86_400_000;

/** Where audit checkpoints are filed, what signs them, and for how long nobody can remove them. */
export function auditSettings() {
  const mode = required("REKEY_AUDIT_LOCK_MODE");
  if (mode !== "COMPLIANCE" && mode !== "GOVERNANCE")
    throw new PolicyInvalid(`REKEY_AUDIT_LOCK_MODE is COMPLIANCE or GOVERNANCE, not ${mode}`);
  const days = Number(required("REKEY_AUDIT_LOCK_DAYS"));
  if (!(days > 0)) throw new PolicyInvalid("REKEY_AUDIT_LOCK_DAYS is a number of days");
  const [bucket, keyId] = [required("REKEY_AUDIT_BUCKET"), required("REKEY_AUDIT_KEY_ID")];
  return { bucket, keyId, mode, retainMs: days * dayMs } as const;
}

/** The signing secret of each alert source: source to ARN. */
export function intakeSecretArns(): Readonly<Record<string, string>> {
  return jsonRecord("REKEY_INTAKE_SECRETS");
}

/** Every credential that the deployment itself is given, with what Rekey uses it for. */
export function ownSecrets(): readonly { readonly secretArn: SecretArn; readonly role: OwnRole }[] {
  const { pagerdutySecretArn, slackSecretArn } = incidentSettings();
  const named = {
    githubToken: intakeSettings().githubTokenArn,
    pagerdutyKey: pagerdutySecretArn,
    slackWebhook: slackSecretArn,
    auditCollector: collectorSecretArn(),
  };
  return [
    ...Object.values(intakeSecretArns()).map((secretArn) => ({ secretArn, role: "intake" as const })),
    ...Object.entries(named).flatMap(([role, secretArn]) =>
      secretArn ? [{ secretArn, role: role as keyof typeof named }] : [],
    ),
  ];
}

function collectorSecretArn(): SecretArn | undefined {
  const collector = auditCollector();
  return collector !== undefined && "secret" in collector ? collector.secret : undefined;
}

/** Who may acknowledge pages from Slack, each as `<team>/<user>`. */
export function slackUsers(): readonly string[] {
  return jsonList("REKEY_SLACK_USERS");
}

/** How many keys, and of which secrets, the alerts of one source may have contained unseen. */
export function intakeLimits(): Readonly<Record<string, SenderLimit>> {
  const value: unknown = JSON.parse(process.env["REKEY_INTAKE_LIMITS"] ?? "{}");
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, SenderLimit>>) : {};
}

/** Where alerts arrive, and what reads the alerts that GitHub refers to. */
export function intakeSettings() {
  return {
    alertBus: required("REKEY_ALERT_BUS"),
    secretArns: intakeSecretArns(),
    githubTokenArn: process.env["REKEY_GITHUB_TOKEN_SECRET"],
    githubApiBases: jsonList("REKEY_GITHUB_API_BASES"),
  };
}

/** The intake's public address, without a slash at its end, for the drill and the synthetic leak. */
export function intakeUrl(): string {
  return required("REKEY_INTAKE_URL").replace(/\/$/, "");
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "")
    throw new PolicyInvalid(`the environment variable ${name} is not set`);
  return value;
}

function jsonList(name: string): readonly string[] {
  const value: unknown = JSON.parse(process.env[name] ?? "[]");
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function jsonObject(name: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(process.env[name] ?? "{}");
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function jsonRecord(name: string): Readonly<Record<string, string>> {
  const value: unknown = JSON.parse(process.env[name] ?? "{}");
  const entries = Object.entries(typeof value === "object" && value !== null ? value : {});
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
