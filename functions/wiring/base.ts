import { createHash } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { SFNClient } from "@aws-sdk/client-sfn";
import { auditLog } from "../../audit/chain.ts";
import { awsBounds } from "../../aws/bounds.ts";
import { PolicyInvalid } from "../../core/errors.ts";
import type { Policy, ProviderPolicy } from "../../core/policy.ts";
import type { Clock, Digest, KeyProvider, SecretStore } from "../../core/ports.ts";
import { dynamoTable } from "../../ledger/dynamodb.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { type AllowedHosts, hostsNotAllowed } from "../../providers/allowed-hosts.ts";
import { connectLater } from "../../providers/connect.ts";
import { boundedHttp } from "../../providers/http.ts";
import { providers } from "../../providers/index.ts";
import { everyStore } from "../../stores/index.ts";
import { adminCredential } from "../adapters/admin-credential.ts";
import { eventBridgeBus } from "../adapters/event-bridge.ts";
import { stepFunctions } from "../adapters/step-functions.ts";
import type { Deps, IncidentDeps, LogLine } from "../deps.ts";
import { settings } from "./settings.ts";

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

export const nodeDigest: Digest = {
  sha256Hex: (text) => createHash("sha256").update(text).digest("hex"),
};

/** What nearly every function has. Parts add what only a few need, with the clients behind it. */
export type Base = Omit<Deps, keyof Given | "incident">;
type Given = Pick<Deps, "sources" | "refreshers" | "certificates">;
export type Part = (base: Base) => Partial<Given & IncidentDeps>;

let base: Base | undefined;

/** Built on the first call and kept for the life of the process, so that clients and caches are reused. */
export function wiring(functionName: string, ...parts: readonly Part[]): () => Deps {
  let deps: Deps | undefined;
  return () => {
    base ??= build();
    deps ??= assemble(functionName, base, parts);
    return deps;
  };
}

function assemble(functionName: string, built: Base, parts: readonly Part[]): Deps {
  const given = Object.assign({}, ...parts.map((part) => part(built))) as Partial<Given & IncidentDeps>;
  const missing = (part: string) => unwired(`${functionName} is not wired with ${part}`);
  const {
    sources = missing("sources"),
    refreshers = missing("refreshers"),
    certificates = missing("certificates"),
    escalator = missing("escalator"),
    scoper = missing("scoper"),
    reports = missing("reports"),
  } = given;
  return { ...built, sources, refreshers, certificates, incident: { escalator, scoper, reports } } as Deps;
}

/** A function that uses a part it was not given has a bug; the error names the part. */
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
  const { table, bus, environment, providerHosts, ...machines } = settings();
  const allowed = { providerHosts, allowLoopback: machines.allowLoopbackProviders };
  const store = everyStore({ pause: systemClock.pause });
  const ledgerTable = dynamoTable(new DynamoDBClient(awsBounds), table);
  return {
    environment,
    ledger: ledgerOn(ledgerTable),
    store,
    provider: providerFor({ store, ...allowed }),
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

/** One adapter per account in the policies, so that its admin credential is read once per process. */
export function providerFor(world: AllowedHosts & { readonly store: SecretStore }) {
  const made = new Map<string, KeyProvider>();
  return ({ provider }: Policy): KeyProvider => {
    const id = JSON.stringify(provider);
    const known = made.get(id) ?? makeProvider(provider, world);
    made.set(id, known);
    return known;
  };
}

/** Whoever may change a policy chooses its addresses; only the deployment chooses where credentials may go (O6). */
function makeProvider(
  policy: ProviderPolicy,
  { store, ...allowed }: AllowedHosts & { readonly store: SecretStore },
): KeyProvider {
  const kind = Object.hasOwn(providers, policy.kind) ? providers[policy.kind] : undefined;
  if (kind === undefined) throw new PolicyInvalid(`no provider is called ${policy.kind}`);
  const [refused] = hostsNotAllowed(kind, policy.settings, allowed);
  if (refused !== undefined) {
    throw new PolicyInvalid(
      `provider ${policy.account}: ${refused} is not in the deployment's providerHosts, so no credential is sent there`,
    );
  }
  const { allowLoopback } = allowed;
  const http = boundedHttp({ allowHosts: kind.hosts(policy.settings), allowLoopback });
  return connectLater(kind, {
    settings: policy.settings,
    admin: adminCredential(store, policy.adminCredential),
    http,
  });
}

/** Standard output is the log. A line is one JSON object, so that no name can break a record. */
export function log(line: LogLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
