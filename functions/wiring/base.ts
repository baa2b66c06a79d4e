import { createHash } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { auditLog } from "../../audit/chain.ts";
import { awsBounds } from "../../aws/bounds.ts";
import { PolicyInvalid } from "../../core/errors.ts";
import { adminCacheMs } from "../../core/own-credential.ts";
import type { Policy, ProviderPolicy } from "../../core/policy.ts";
import type { Clock, Digest, KeyProvider, SecretStore } from "../../core/ports.ts";
import type { Secret } from "../../core/secret.ts";
import { dynamoTable } from "../../ledger/dynamodb.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { type AllowedHosts, hostsNotAllowed } from "../../providers/allowed-hosts.ts";
import { connectLater } from "../../providers/connect.ts";
import { providers } from "../../providers/kinds.ts";
import type { AdminCredential } from "../../providers/provider.ts";
import { everyStore } from "../../stores/index.ts";
import { adminCredential, givenCredential } from "../adapters/admin-credential.ts";
import type { Deps, LogLine, Parts, With } from "../deps.ts";
import { busLater, executionsLater, httpLater } from "./clients-later.ts";
import {
  intakeLimits,
  listedAzureVaults,
  listedFunctions,
  listedGoogleProjects,
  listedVaults,
  ownRole,
  roleCredentials,
  settings,
} from "./settings.ts";

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

export const nodeDigest: Digest = {
  sha256Hex: (text) => createHash("sha256").update(text).digest("hex"),
};

/** Builds one of the parts that only some functions have, with the client behind it. */
export type Part<Name extends keyof Parts> = (base: Deps) => Parts[Name];

let base: Deps | undefined;

/**
 * What every function has, and the parts named here. Built on the first call and kept for the life of the process, so
 * that clients and caches are reused.
 */
export function wiring(): () => Deps;
export function wiring<Name extends keyof Parts>(
  parts: { readonly [Each in Name]: Part<Each> },
): () => With<Name>;
export function wiring(parts: Readonly<Record<string, Part<keyof Parts>>> = {}): () => Deps {
  let deps: Deps | undefined;
  return () => {
    base ??= build();
    deps ??= { ...base, ...partsOn(base, parts) };
    return deps;
  };
}

function partsOn(built: Deps, parts: Readonly<Record<string, Part<keyof Parts>>>): Partial<Parts> {
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part(built)]));
}

function build(): Deps {
  const { table, bus, environment, providerHosts, ...machines } = settings();
  const own = ownRole();
  const allowed = { providerHosts, allowLoopback: machines.allowLoopbackProviders };
  const store: SecretStore = everyStore({
    pause: systemClock.pause,
    ...(own && { ownRole: own }),
    vault: {
      servers: listedVaults(),
      // Its own secret, in Secrets Manager: read at each login, so that one that was replaced is found.
      credential: (secretArn) => adminCredential(store, secretArn).get(),
      awsCredentials: async () => roleCredentials(),
    },
    googleCloud: { projects: listedGoogleProjects(), awsCredentials: async () => roleCredentials() },
    azure: {
      vaults: listedAzureVaults(),
      webIdentityToken: async (question) =>
        (await import("../../stores/azure-key-vault/web-identity.ts")).webIdentityToken(question),
    },
  });
  const ledgerTable = dynamoTable(new DynamoDBClient(awsBounds), table);
  const ledger = ledgerOn(ledgerTable);
  return {
    environment,
    ledger,
    store,
    provider: providerFor({ store, ledger, clock: systemClock, functions: listedFunctions(), ...allowed }),
    bus: busLater(bus),
    executions: executionsLater({
      rotation: machines.rotationMachineArn,
      compromise: machines.compromiseMachineArn,
    }),
    audit: auditLog({ table: ledgerTable, digest: nodeDigest, now: systemClock.nowMs }),
    digest: nodeDigest,
    clock: systemClock,
    intakeLimits: intakeLimits(),
    log,
  };
}

interface ProviderWorld extends AllowedHosts, Pick<Deps, "store" | "ledger" | "clock"> {
  /** The function versions that the deployment lists, by ARN. */
  readonly functions?: Readonly<Record<string, unknown>>;
}

/** One adapter per account in the policies, so that its admin credential is read once per process. */
export function providerFor(world: ProviderWorld) {
  const made = new Map<string, KeyProvider>();
  return ({ provider }: Policy, credential?: Secret): KeyProvider => {
    if (credential !== undefined) return makeProvider(provider, world, givenCredential(credential));
    const id = JSON.stringify(provider);
    const { store, clock } = world;
    const admin = () => adminCredential(store, provider.adminCredential, { clock, keptMs: adminCacheMs });
    const known = made.get(id) ?? makeProvider(provider, world, admin());
    made.set(id, known);
    return known;
  };
}

/** Whoever may change a policy chooses its addresses; only the deployment chooses where credentials may go (O6). */
function makeProvider(
  policy: ProviderPolicy,
  { ledger, clock, functions = {}, ...allowed }: ProviderWorld,
  admin: AdminCredential,
): KeyProvider {
  const kind = Object.hasOwn(providers, policy.kind) ? providers[policy.kind] : undefined;
  if (kind === undefined) throw new PolicyInvalid(`no provider is called ${policy.kind}`);
  const [refused] = hostsNotAllowed(kind, policy.settings, allowed);
  if (refused !== undefined) {
    throw new PolicyInvalid(
      `provider ${policy.account}: ${refused} is not in the deployment's providerHosts, so no credential is sent there`,
    );
  }
  const unlisted = kind.functions?.(policy.settings).find((arn) => !Object.hasOwn(functions, arn));
  if (unlisted !== undefined) {
    throw new PolicyInvalid(
      `provider ${policy.account}: ${unlisted} is not in the deployment's providerFunctions, so no key is handed to it`,
    );
  }
  const { allowLoopback } = allowed;
  const limits = { allowHosts: kind.hosts(policy.settings), allowLoopback };
  const http = httpLater(limits, { policy, deps: { ledger, clock } });
  return connectLater(kind, {
    settings: policy.settings,
    admin,
    http,
    awsCredentials: async () => roleCredentials(),
    functions,
  });
}

/** Standard output is the log. A line is one JSON object, so that no name can break a record. */
export function log(line: LogLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
