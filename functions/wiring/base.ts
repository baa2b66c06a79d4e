import { createHash } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SFNClient } from "@aws-sdk/client-sfn";
import { auditLog } from "../../audit/chain.ts";
import { awsBounds } from "../../aws/bounds.ts";
import { PolicyInvalid } from "../../core/errors.ts";
import type { OwnRole } from "../../core/incident/record.ts";
import type { Policy, ProviderPolicy } from "../../core/policy.ts";
import type { Clock, Digest, KeyProvider, SecretArn, SecretStore } from "../../core/ports.ts";
import { dynamoTable } from "../../ledger/dynamodb.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { boundedHttp } from "../../providers/http.ts";
import { providers } from "../../providers/index.ts";
import { secretsManagerStore } from "../../stores/secrets-manager.ts";
import { adminCredential } from "../adapters/admin-credential.ts";
import { eventBridgeBus } from "../adapters/event-bridge.ts";
import { stepFunctions } from "../adapters/step-functions.ts";
import type { Deps, LogLine } from "../deps.ts";
import type { IncidentDeps } from "../incident-ports.ts";

/** The settings of a deployment. The only reader of the environment; the local cloud sets the same names. */
export function settings() {
  return {
    table: required("REKEY_TABLE"),
    bus: required("REKEY_BUS"),
    environment: required("REKEY_ENVIRONMENT"),
    rotationMachineArn: required("REKEY_ROTATION_MACHINE_ARN"),
    compromiseMachineArn: process.env["REKEY_COMPROMISE_MACHINE_ARN"] ?? "",
    refreshAllowed: jsonList("REKEY_REFRESH_ALLOWED"),
    /** Providers on loopback answer plain http; nothing but a stand-in ever listens there. */
    allowLoopbackProviders: process.env["REKEY_LOOPBACK_PROVIDERS"] === "allow",
  };
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

export const nodeDigest: Digest = {
  sha256Hex: (text) => createHash("sha256").update(text).digest("hex"),
};

/** What nearly every function has; a part brings what only a few need, with the clients behind it. */
export type Base = Omit<Deps, keyof Consumers | "incident">;
type Consumers = Pick<Deps, "sources" | "refreshers">;
export type Part = (base: Base) => Partial<Consumers & IncidentDeps>;

let base: Base | undefined;

/** Built on the first call and kept for the life of the process, so that clients and caches outlive one event. */
export function wiring(functionName: string, ...parts: readonly Part[]): () => Deps {
  let deps: Deps | undefined;
  return () => {
    base ??= build();
    deps ??= assemble(functionName, base, parts);
    return deps;
  };
}

function assemble(functionName: string, built: Base, parts: readonly Part[]): Deps {
  const given = Object.assign({}, ...parts.map((part) => part(built))) as Partial<Consumers & IncidentDeps>;
  const missing = (part: string) => unwired(`${functionName} is not wired with ${part}`);
  const {
    sources = missing("sources"),
    refreshers = missing("refreshers"),
    escalator = missing("escalator"),
    scoper = missing("scoper"),
    reports = missing("reports"),
  } = given;
  return { ...built, sources, refreshers, incident: { escalator, scoper, reports } } as Deps;
}

/** A function that reaches for a part it was not given is a defect, and says so by name. */
function unwired(defect: string): object {
  return new Proxy(
    {},
    {
      get: () => {
        throw new TypeError(defect);
      },
    },
  );
}

function build(): Base {
  const { table, bus, environment, allowLoopbackProviders: allowLoopback, ...machines } = settings();
  const store = secretsManagerStore(new SecretsManagerClient(awsBounds), { pause: systemClock.pause });
  const ledgerTable = dynamoTable(new DynamoDBClient(awsBounds), table);
  return {
    environment,
    ledger: ledgerOn(ledgerTable),
    store,
    provider: providerFor({ store, allowLoopback }),
    bus: eventBridgeBus(new EventBridgeClient(awsBounds), bus),
    executions: stepFunctions(new SFNClient(awsBounds), {
      rotation: machines.rotationMachineArn,
      compromise: machines.compromiseMachineArn,
    }),
    audit: auditLog({ table: ledgerTable, digest: nodeDigest, now: systemClock.nowMs }),
    digest: nodeDigest,
    clock: systemClock,
    log,
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

const dayMs = 86_400_000;

/** Where checkpoints of the audit log are filed, what signs them, and how long nobody can remove them. */
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

/** Every credential that the deployment itself is given, by what Rekey does with it. */
export function ownSecrets(): readonly { readonly secretArn: SecretArn; readonly role: OwnRole }[] {
  const { pagerdutySecretArn, slackSecretArn } = incidentSettings();
  const named = {
    githubToken: intakeSettings().githubTokenArn,
    pagerdutyKey: pagerdutySecretArn,
    slackWebhook: slackSecretArn,
  };
  return [
    ...Object.values(intakeSecretArns()).map((secretArn) => ({ secretArn, role: "intake" as const })),
    ...Object.entries(named).flatMap(([role, secretArn]) =>
      secretArn ? [{ secretArn, role: role as keyof typeof named }] : [],
    ),
  ];
}

/** Where alerts come in, and what reads the alerts that GitHub points to. */
export function intakeSettings() {
  return {
    alertBus: required("REKEY_ALERT_BUS"),
    secretArns: intakeSecretArns(),
    githubTokenArn: process.env["REKEY_GITHUB_TOKEN_SECRET"],
    githubApiBases: jsonList("REKEY_GITHUB_API_BASES"),
  };
}

/** The intake's public address, without a slash at its end: for those who report as any sender does. */
export function intakeUrl(): string {
  return required("REKEY_INTAKE_URL").replace(/\/$/, "");
}

/** One adapter per account in the policies, so that its admin credential is read once per process. */
export function providerFor(world: { readonly store: SecretStore; readonly allowLoopback: boolean }) {
  const made = new Map<string, KeyProvider>();
  return ({ provider }: Policy): KeyProvider => {
    const id = JSON.stringify(provider);
    const known = made.get(id) ?? makeProvider(provider, world);
    made.set(id, known);
    return known;
  };
}

function makeProvider(
  policy: ProviderPolicy,
  { store, allowLoopback }: { readonly store: SecretStore; readonly allowLoopback: boolean },
): KeyProvider {
  const kind = Object.hasOwn(providers, policy.kind) ? providers[policy.kind] : undefined;
  if (kind === undefined) throw new PolicyInvalid(`no provider is called ${policy.kind}`);
  const http = boundedHttp({ allowHosts: kind.hosts(policy.settings), allowLoopback });
  return kind.create({
    settings: policy.settings,
    admin: adminCredential(store, policy.adminCredential),
    http,
  });
}

/** Standard output is the log; a line is one JSON object, so that no name can break a record. */
export function log(line: LogLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
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

function jsonRecord(name: string): Readonly<Record<string, string>> {
  const value: unknown = JSON.parse(process.env[name] ?? "{}");
  const entries = Object.entries(typeof value === "object" && value !== null ? value : {});
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
