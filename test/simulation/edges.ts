import { auditLog } from "../../audit/chain.ts";
import { refreshers } from "../../consumers/refreshers.ts";
import { InputInvalid } from "../../core/errors.ts";
import type {
  Clock,
  Executions,
  ProviderCapabilities,
  RekeyEvent,
  SecretStore,
  Table,
} from "../../core/ports.ts";
import { adminCredential } from "../../functions/adapters/admin-credential.ts";
import { type Channel, escalator } from "../../functions/adapters/escalation.ts";
import type { Deps, LogLine } from "../../functions/deps.ts";
import type { IncidentDeps, Page, ScopeQuestion } from "../../functions/incident-ports.ts";
import { nodeDigest } from "../../functions/wiring.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { entryFailure, refuseEntries } from "../../local/aws/event-bridge/entries.ts";
import { AwsError } from "../../local/aws/service.ts";
import { fakeHttp } from "../../providers/fake.ts";
import type { Http } from "../../providers/http.ts";
import type { OpenAiFake } from "../../providers/openai/fake.ts";
import { openai } from "../../providers/openai/index.ts";
import type { BoundaryCall, Invocation, Surroundings } from "./surroundings.ts";

/** Where a function's calls end, with state of their own. */
interface Targets {
  readonly surroundings: Surroundings;
  readonly store: SecretStore;
  readonly table: Table;
  readonly provider: OpenAiFake;
  readonly executions: Executions;
  readonly capabilities: Partial<ProviderCapabilities>;
  nowMs(): number;
}

/** A port whose every call is a boundary call; `operations` says which of them change something. */
type Through = <Port extends object>(
  port: BoundaryCall["port"],
  target: Port,
  operations: Readonly<Record<string, boolean>>,
) => Port;

const noRefreshers = refreshers({ allowed: [] });
const storeOperations = { labels: false, read: false, put: true, moveLabel: true };
const tableOperations = { get: false, put: true, remove: true, query: false };
const executionOperations = { succeed: true, fail: true, describe: false, start: true, stop: true };

/** All that leaves the functions: each call goes through the surroundings, and what came of it is kept in order. */
export class Edges {
  readonly events: (RekeyEvent & { readonly atMs: number })[] = [];
  readonly logs: LogLine[] = [];
  readonly effects: string[] = [];
  readonly pages: (Page & { readonly atMs: number })[] = [];
  readonly scopeQuestions: ScopeQuestion[] = [];
  readonly reports: { readonly incidentId: string; readonly json: string; readonly markdown: string }[] = [];
  readonly #targets: Targets;
  /** The only way to reach a person: who pages through it, and again, is the real escalator. */
  readonly #pager: Channel = {
    name: "fake",
    takes: "everything",
    send: async (page) => {
      this.pages.push({ ...structuredClone(page), atMs: this.#targets.nowMs() });
      this.effects.push(`${page.severity}: ${page.reason}`);
    },
  };

  constructor(targets: Targets) {
    this.#targets = targets;
  }

  /** What one run of one function may touch. */
  depsOf(invocation: Invocation): Deps {
    const through = this.#throughFor(invocation);
    const store: SecretStore = through("store", this.#targets.store, storeOperations);
    const table: Table = through("table", this.#targets.table, tableOperations);
    const nowMs = () => this.#targets.nowMs() + invocation.skewMs;
    const wire = this.#wireFor(invocation);
    const clock: Clock = { nowMs, pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
    return {
      ledger: ledgerOn(table),
      store,
      provider: ({ provider }) => {
        const admin = adminCredential(store, provider.adminCredential);
        const made = openai.create({ settings: provider.settings, admin, http: wire });
        return { ...made, capabilities: { ...made.capabilities, ...this.#targets.capabilities } };
      },
      sources: [],
      refreshers: noRefreshers,
      bus: through("bus", { publish: async (event: RekeyEvent) => this.publish(event) }, { publish: true }),
      executions: through("executions", this.#targets.executions, executionOperations),
      environment: "production",
      audit: auditLog({ table, digest: nodeDigest, now: nowMs }),
      clock,
      digest: nodeDigest,
      incident: this.#incidentDeps(through, clock),
      log: (line) => this.logs.push(line),
    };
  }

  /** Takes what EventBridge takes, as it is now. */
  publish(event: RekeyEvent): void {
    const Detail = JSON.stringify(event.detail);
    refuseEvent({ Source: "rekey", DetailType: event.type, Detail });
    this.events.push({ ...event, detail: JSON.parse(Detail), atMs: this.#targets.nowMs() });
  }

  #incidentDeps(through: Through, clock: Clock): IncidentDeps {
    const { scoper, reports } = this.#asked();
    const channel = { ...this.#pager, ...through("people", this.#pager, { send: true }) };
    return {
      escalator: escalator({ channels: [channel], clock, log: (line) => this.logs.push(line) }),
      scoper: through("scoper", scoper, { scope: false }),
      reports: through("reports", reports, { file: true }),
    };
  }

  /** Whoever is asked, and where what they say is filed. */
  #asked(): Pick<IncidentDeps, "scoper" | "reports"> {
    return {
      scoper: {
        scope: async (question) => {
          this.scopeQuestions.push(question);
          const nothing = { readers: [], keyUse: [], newKeys: [], siblings: [] };
          return { ...nothing, ended: "complete", notChecked: ["a fake looked"] };
        },
      },
      reports: {
        file: async (incidentId, report) => {
          this.reports.push({ incidentId, ...report });
          return { path: `reports/${incidentId}.md` };
        },
      },
    };
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

  #throughFor(invocation: Invocation): Through {
    return (port, target, operations) => {
      const wrapped: Record<string, unknown> = {};
      for (const [operation, changes] of Object.entries(operations)) {
        const method = (target as Record<string, (...args: unknown[]) => Promise<unknown>>)[operation];
        wrapped[operation] = (...args: unknown[]) =>
          this.#call({ invocation, port, operation, changes, given: args }, async () => {
            const answer = await method?.apply(target, args);
            if (port === "store") this.#noteStore(operation, args[0], answer);
            return answer;
          });
      }
      return wrapped as typeof target;
    };
  }

  #call<Answer>(call: BoundaryCall, effect: () => Promise<Answer>): Promise<Answer> {
    return this.#targets.surroundings.call(call, async () => {
      const answer = await effect();
      if (call.port === "provider") this.#noteProvider(call.operation, answer);
      return answer;
    });
  }

  #noteStore(operation: string, move: unknown, answer: unknown): void {
    const { label, to } = (move ?? {}) as { label?: string; to?: string };
    if (operation === "put") this.effects.push("put");
    if (operation === "moveLabel" && answer === "moved") {
      this.effects.push(to === undefined ? `strip ${label}` : `move ${label}`);
    }
  }

  #noteProvider(operation: string, answer: unknown): void {
    const { status } = answer as { status: number };
    if (/^POST .*\/api_keys$/.test(operation)) this.effects.push(status < 300 ? "mint" : `mint: ${status}`);
    if (/^DELETE /.test(operation)) this.effects.push(status < 300 ? "revoke" : `revoke: ${status}`);
    if (/^GET .*\/models$/.test(operation)) this.effects.push(`verify: ${status}`);
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
