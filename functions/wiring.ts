import { createHash } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SFNClient } from "@aws-sdk/client-sfn";
import { auditLog } from "../audit/chain.ts";
import { refreshers } from "../consumers/refreshers.ts";
import { evidenceSources } from "../consumers/sources.ts";
import { PolicyInvalid } from "../core/errors.ts";
import type { Policy, ProviderPolicy } from "../core/policy.ts";
import type { Clock, Digest, KeyProvider, SecretStore } from "../core/ports.ts";
import { dynamoTable } from "../ledger/dynamodb.ts";
import { ledgerOn } from "../ledger/ledger.ts";
import { boundedHttp } from "../providers/http.ts";
import { providers } from "../providers/index.ts";
import { secretsManagerStore } from "../stores/secrets-manager.ts";
import { adminCredential } from "./adapters/admin-credential.ts";
import { eventBridgeBus } from "./adapters/event-bridge.ts";
import { incidentDeps } from "./adapters/incident.ts";
import { stepFunctions } from "./adapters/step-functions.ts";
import type { Deps, LogLine } from "./deps.ts";

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

const systemClock: Clock = {
  nowMs: () => Date.now(),
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

export const nodeDigest: Digest = {
  sha256Hex: (text) => createHash("sha256").update(text).digest("hex"),
};

let built: Deps | undefined;

/** Built on the first call and kept for the life of the process, so that clients and caches outlive one event. */
export function wiring(_functionName: string): () => Deps {
  return () => {
    built ??= build();
    return built;
  };
}

function build(): Deps {
  const { table, bus, rotationMachineArn, compromiseMachineArn, refreshAllowed, allowLoopbackProviders } =
    settings();
  const store = secretsManagerStore(new SecretsManagerClient({}), { pause: systemClock.pause });
  const ledgerTable = dynamoTable(new DynamoDBClient({}), table);
  const world = {
    ledger: ledgerOn(ledgerTable),
    store,
    provider: providerFor({ store, allowLoopback: allowLoopbackProviders }),
    bus: eventBridgeBus(new EventBridgeClient({}), bus),
    clock: systemClock,
    log,
  };
  return {
    ...world,
    incident: incidentDeps(world),
    sources: evidenceSources(),
    refreshers: refreshers({ allowed: refreshAllowed }),
    executions: stepFunctions(new SFNClient({}), {
      rotation: rotationMachineArn,
      compromise: compromiseMachineArn,
    }),
    audit: auditLog({ table: ledgerTable, digest: nodeDigest, now: systemClock.nowMs }),
    digest: nodeDigest,
  };
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
function log(line: LogLine): void {
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
