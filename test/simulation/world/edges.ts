import { auditLog } from "../../../audit/chain.ts";
import type { EvidenceSource } from "../../../consumers/ports.ts";
import { refreshers } from "../../../consumers/refreshers.ts";
import type { Destinations } from "../../../core/copies/destination.ts";
import { InputInvalid } from "../../../core/errors.ts";
import type {
  Clock,
  Executions,
  KeyProvider,
  ProviderCapabilities,
  RekeyEvent,
  SecretStore,
  StoreCapabilities,
  Table,
} from "../../../core/ports.ts";
import type { Http as PlaceHttp } from "../../../destinations/destination.ts";
import { adminCredential, givenCredential } from "../../../functions/adapters/admin-credential.ts";
import type { LogLine, Parts, With } from "../../../functions/deps.ts";
import { nodeDigest } from "../../../functions/wiring/base.ts";
import { budgetedHttp } from "../../../functions/wiring/clients/provider-budget.ts";
import { ledgerOn } from "../../../ledger/ledger.ts";
import { entryFailure, refuseEntries } from "../../../local/aws/event-bridge/entries.ts";
import { AwsError } from "../../../local/aws/service.ts";
import * as azureAdapter from "../../../providers/azure-openai/adapter.ts";
import { azureOpenAi } from "../../../providers/azure-openai/index.ts";
import { connected } from "../../../providers/connect.ts";
import { fakeHttp } from "../../../providers/fake.ts";
import type { Http } from "../../../providers/http.ts";
import * as adapter from "../../../providers/openai/adapter.ts";
import type { OpenAiFake } from "../../../providers/openai/fake.ts";
import { openai } from "../../../providers/openai/index.ts";
import * as adminAdapter from "../../../providers/openai-admin/adapter.ts";
import { openaiAdmin } from "../../../providers/openai-admin/index.ts";
import type { ProviderAdapter, ProviderKind } from "../../../providers/provider.ts";
import type { MemoryStore } from "../../../stores/secrets-manager/fake.ts";
import { storeOnLabels } from "../../../stores/secrets-manager/labels.ts";
import { tableUnderRole } from "../../under-role.ts";
import { IncidentEdges } from "../faults/incident-edges.ts";
import { CertificateShelf } from "./certificate-shelf.ts";
import { Effects } from "./effects.ts";
import type { PlaceName, Places } from "./places.ts";
import { type Connect, withShape } from "./shaped.ts";
import type { BoundaryCall, Invocation, Surroundings, Through } from "./surroundings.ts";

/** Where a function's calls end, with state of their own. */
interface Targets {
  readonly surroundings: Surroundings;
  readonly store: MemoryStore;
  readonly table: Table;
  readonly provider: OpenAiFake;
  readonly executions: Executions;
  /** Where copies go; undefined in a world without any. */
  places(): Places | undefined;
  readonly capabilities: Partial<ProviderCapabilities>;
  readonly storeCapabilities: Partial<StoreCapabilities>;
  readonly issuer?: KeyProvider;
  /** Platforms that are asked about what they run. */
  sources?(): readonly EvidenceSource[];
  /** Throws at an event that is not documented; the bus contract publishes events of its own. */
  readonly checked?: (event: RekeyEvent) => void;
  nowMs(): number;
}

const noRefreshers = refreshers({ allowed: [] });
const storeOperations = { labels: false, read: false, put: true, moveLabel: true };
const tableOperations = { get: false, put: true, remove: true, query: false };
const executionOperations = { succeed: true, fail: true, describe: false, start: true, stop: true };

const adaptersOf: Readonly<Record<string, readonly [ProviderKind, ProviderAdapter]>> = {
  [azureOpenAi.kind]: [azureOpenAi, azureAdapter],
  [openaiAdmin.kind]: [openaiAdmin, adminAdapter],
};

/** All that leaves the functions: each call goes through the surroundings, and what came of it is kept in order. */
export class Edges {
  readonly events: (RekeyEvent & { readonly atMs: number })[] = [];
  readonly logs: LogLine[] = [];
  /** What the functions' roles do not let them write. */
  readonly denied: string[] = [];
  readonly effects: Effects;
  readonly incident: IncidentEdges;
  readonly shelf = new CertificateShelf();
  readonly #targets: Targets;

  constructor(targets: Targets) {
    this.#targets = targets;
    this.effects = new Effects(targets);
    this.incident = new IncidentEdges({ nowMs: targets.nowMs, effects: this.effects.list });
  }

  /** What one run of one function may touch. */
  depsOf(invocation: Invocation): With<keyof Parts> {
    const through = this.#throughFor(invocation);
    // Each call to Secrets Manager is one that can fail or never be answered, not each step of the store.
    const labelled = through("store", this.#targets.store, storeOperations);
    const { replicasBehind, rotation } = this.#targets.store;
    const labels = storeOnLabels({ ...labelled, replicasBehind, rotation });
    const stated = { ...labels.capabilities(""), ...this.#targets.storeCapabilities };
    const store = { ...labels, capabilities: () => stated };
    const table = tableUnderRole(
      invocation.functionName,
      through<Table>("table", this.#targets.table, tableOperations),
      (denied) => void this.denied.push(denied),
    );
    const nowMs = () => this.#targets.nowMs() + invocation.skewMs;
    const wire = this.#wireFor(invocation);
    const clock: Clock = { nowMs, pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
    const log = (line: LogLine) => void this.logs.push(line);
    return {
      ledger: ledgerOn(table),
      store,
      provider: ({ provider }, credential) => {
        if (this.#targets.issuer !== undefined) return this.#targets.issuer;
        const admin =
          credential === undefined
            ? adminCredential(store, provider.adminCredential)
            : givenCredential(credential);
        const http = budgetedHttp(wire, provider, { ledger: ledgerOn(table), clock });
        const connect: Connect = (through) => {
          const [kind, calls] = adaptersOf[provider.kind] ?? ([openai, adapter] as const);
          const made = connected(kind, calls, { settings: provider.settings, admin, http: through });
          return { ...made, capabilities: { ...made.capabilities, ...this.#targets.capabilities } };
        };
        return withShape(connect, { http, provider: this.#targets.provider });
      },
      sources: this.#targets.sources?.() ?? [],
      schedules: { list: async () => [], remove: async () => undefined },
      maker: { find: nobody, make: nobody },
      issuer: { make: nobody },
      collector: undefined,
      refreshers: noRefreshers,
      destinations: this.#destinationsFor(invocation, store),
      bus: through("bus", { publish: async (event: RekeyEvent) => this.publish(event) }, { publish: true }),
      executions: through("executions", this.#targets.executions, executionOperations),
      environment: "production",
      audit: auditLog({ table, digest: nodeDigest, now: nowMs }),
      clock,
      digest: nodeDigest,
      certificates: this.shelf.depsOf({ through, table, clock }),
      ...this.incident.depsOf({ through, clock, log }),
      log,
    };
  }

  /** Takes what EventBridge takes, as it is now. */
  publish(event: RekeyEvent): void {
    const Detail = JSON.stringify(event.detail);
    refuseEvent({ Source: "rekey", DetailType: event.type, Detail });
    this.#targets.checked?.(event);
    this.events.push({ ...event, detail: JSON.parse(Detail), atMs: this.#targets.nowMs() });
  }

  #wireFor(invocation: Invocation): Http {
    const { surroundings, provider } = this.#targets;
    const http = fakeHttp((request) => surroundings.reply(provider.handle(request)));
    return {
      send: (request) =>
        this.#call(
          {
            invocation,
            port: "provider",
            operation: `${request.method} ${new URL(request.url).pathname}`,
            changes: request.method !== "GET",
            given: [request],
          },
          () => http.send(request),
        ),
    };
  }

  #destinationsFor(invocation: Invocation, store: SecretStore): Destinations {
    const places = this.#targets.places();
    const wire = (place: PlaceName, http: PlaceHttp): PlaceHttp => ({
      send: async (request) => {
        const operation = `${place} ${request.method} ${new URL(request.url).pathname}`;
        const isWrite = request.method !== "GET";
        const call = {
          invocation,
          port: "destination",
          operation,
          changes: isWrite,
          given: [request],
        } as const;
        const reply = await this.#call(call, () => http.send(request));
        places?.heard(place, { invocationId: invocation.id, isWrite, status: reply.status });
        return reply;
      },
    });
    return places?.destinations({ store, wire }) ?? { named: () => undefined };
  }

  #throughFor(invocation: Invocation): Through {
    return (port, target, operations) => {
      const wrapped: Record<string, unknown> = {};
      for (const [operation, changes] of Object.entries(operations)) {
        const method = (target as Record<string, (...args: unknown[]) => Promise<unknown>>)[operation];
        wrapped[operation] = (...args: unknown[]) =>
          this.#call({ invocation, port, operation, changes, given: args }, async () =>
            method?.apply(target, args),
          );
      }
      return wrapped as typeof target;
    };
  }

  #call<Answer>(call: BoundaryCall, effect: () => Promise<Answer>): Promise<Answer> {
    return this.#targets.surroundings.call(call, async () => {
      const note = this.effects.before(call);
      try {
        const answer = await effect();
        note(answer);
        return answer;
      } catch (error) {
        note(error);
        throw error;
      }
    });
  }
}

function refuseEvent(entry: Readonly<Record<string, string>>): void {
  const failure = entryFailure(entry)?.ErrorCode ?? requestFailure(entry);
  if (failure !== undefined) throw new InputInvalid(`the bus refused an event with ${failure}`);
}

function requestFailure(entry: Readonly<Record<string, string>>): string | undefined {
  try {
    refuseEntries([entry]);
    return undefined;
  } catch (error) {
    if (error instanceof AwsError) return error.code;
    throw error;
  }
}

/** No plan of the simulation issues secrets. */
async function nobody(): Promise<never> {
  throw new Error("nobody issues secrets here");
}
