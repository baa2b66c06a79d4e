import { readFileSync } from "node:fs";
import type { Context } from "aws-lambda";
import { auditLog } from "../../audit/chain.ts";
import { refreshers } from "../../consumers/refreshers.ts";
import type { Policy } from "../../core/policy.ts";
import type { Executions, RekeyEvent, SecretArn, SecretStore, Table } from "../../core/ports.ts";
import { adoptCurrent } from "../../core/secret-record.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { adminCredential } from "../../functions/adapters/admin-credential.ts";
import type { Deps, LogLine } from "../../functions/deps.ts";
import { steps } from "../../functions/index.ts";
import { type Handler, onLambda, type Step } from "../../functions/step.ts";
import { nodeDigest } from "../../functions/wiring.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { memoryTable } from "../../ledger/memory.ts";
import {
  type Execution,
  type HistoryEvent,
  type JSONValue,
  loadMachine,
  type Machine,
  type Outcome,
  runMachine,
  type TaskCall,
  TaskFailure,
} from "../../local/aws/machine.ts";
import { fakeHttp } from "../../providers/fake.ts";
import { type OpenAiFakeOptions, openaiFake } from "../../providers/openai/fake.ts";
import { openai } from "../../providers/openai/index.ts";
import { memoryStore } from "../../stores/memory.ts";
import { type VirtualTime, virtualTime } from "./clock.ts";
import { type Consumer, type ConsumerOptions, startConsumer } from "./consumer.ts";
import { type BoundaryCall, type Invocation, noFaults, type Surroundings } from "./surroundings.ts";

export const account = "111122223333";
export const secretArnOf = (name: string): SecretArn =>
  `arn:aws:secretsmanager:eu-west-1:${account}:secret:${name}-AbCdEf`;
const adminArn = secretArnOf("rekey/admin/openai");
const baseUrl = "https://api.openai.com/v1";
const project = "proj_FAKE";

export interface WorldOptions {
  readonly surroundings?: Surroundings;
  readonly provider?: OpenAiFakeOptions;
  readonly propagation?: Readonly<Record<string, number>>;
}

export interface SecretOptions {
  readonly name?: string;
  readonly consumers?: readonly ConsumerOptions[];
  readonly policy?: Partial<Policy>;
  /** Other text around the key, with the field's name: the secret is JSON then. */
  readonly field?: string;
}

export interface Run {
  readonly executionArn: string;
  readonly rotationId: string;
  readonly secretArn: SecretArn;
  readonly history: HistoryEvent[];
  readonly result: Promise<Outcome>;
  outcome: Outcome | undefined;
  stop(reason: string): void;
}

/** Rekey with nothing faked but the edges: the real machine, functions, rules and adapters on virtual time. */
export class World {
  readonly time: VirtualTime;
  readonly table = memoryTable();
  readonly ledger = ledgerOn(this.table);
  readonly store = memoryStore();
  readonly provider;
  readonly events: (RekeyEvent & { readonly atMs: number })[] = [];
  readonly logs: LogLine[] = [];
  readonly effects: string[] = [];
  readonly runs = new Map<string, Run>();
  readonly consumers = new Map<string, Consumer>();
  readonly #executions = new Map<string, Execution>();
  readonly #surroundings: Surroundings;
  readonly #handlers: ReadonlyMap<string, Step<unknown, unknown>>;
  readonly #machine: Machine;
  readonly #propagation: Readonly<Record<string, number>>;
  #invocations = 0;
  #tokens = 0;
  #versions = 0;

  constructor(options: WorldOptions = {}) {
    this.time = virtualTime();
    this.#surroundings = options.surroundings ?? noFaults;
    this.#propagation = { usageLagMs: 60_000, deadWindowMs: 20_000, probeEveryMs: 5_000, ...options.propagation };
    this.provider = openaiFake({ now: this.time.nowMs, ...options.provider });
    this.store.create(adminArn, this.provider.adminKey);
    this.#handlers = new Map(steps.map((each) => [each.name, each as unknown as Step<unknown, unknown>]));
    this.#machine = loadMachine(JSON.parse(readFileSync(rotationFile, "utf8")), substitutions());
  }

  close(): void {
    for (const { instances } of this.consumers.values()) {
      for (const instance of instances) instance.stop({ silently: true });
    }
    this.time.uninstall();
  }

  /** A secret under policy, with its current key adopted and its consumers running. */
  async secret(options: SecretOptions = {}): Promise<Policy> {
    const name = options.name ?? "billing-key";
    const secretArn = secretArnOf(name);
    const { keyId, secret } = this.provider.addKey({ name: `${name} by hand` });
    const text = options.field === undefined ? secret.reveal() : jsonWith(options.field, secret.reveal());
    const versionId = this.store.create(secretArn, text);
    const consumers = options.consumers ?? [{ name: "billing" }, { name: "search" }];
    const policy = { ...policyFor({ name, secretArn, consumers, propagation: this.#propagation }), ...options.policy };
    await this.ledger.putPolicy(options.field === undefined ? policy : { ...policy, field: options.field });
    const fingerprint = fingerprintOf(secret);
    await this.ledger.changeSecret(secretArn, (record) =>
      adoptCurrent(record, { name: `${name} by hand`, state: "current", keyId, versionId, fingerprint }),
    );
    await this.ledger.putHolder({ fingerprint, secretArn, versionId, keyId, role: "rotated" });
    for (const consumer of consumers) await this.startConsumer(secretArn, consumer);
    return policy;
  }

  async startConsumer(secretArn: SecretArn, options: ConsumerOptions): Promise<Consumer> {
    const consumer = await startConsumer(options, {
      secretArn,
      store: this.store,
      http: fakeHttp((request) => this.provider.handle(request)),
      baseUrl,
      report: (from, detail) => this.#report(from, detail),
    });
    this.consumers.set(`${secretArn} ${options.name}`, consumer);
    return consumer;
  }

  /** Starts the machine and returns at once; `finish` runs virtual time until it has ended. */
  start(secretArn: SecretArn, rotationId = `r-${this.runs.size + 1}`): Run {
    const executionArn = `arn:aws:states:eu-west-1:${account}:execution:rekey-rotation:${rotationId}`;
    const input = { secretArn, trigger: "test" };
    const history: HistoryEvent[] = [];
    const execution = runMachine(this.#machine, {
      executionArn,
      name: rotationId,
      input,
      task: (call) => this.#task(call),
      newToken: () => `token-${++this.#tokens}`,
      onEvent: (event) => history.push(event),
    });
    this.#executions.set(executionArn, execution);
    const result = execution.result.then((outcome) => this.#ended(run, outcome));
    const run: Run = {
      ...{ executionArn, rotationId, secretArn, history, result, outcome: undefined },
      stop: (reason) => execution.stop("Stopped", reason),
    };
    this.runs.set(executionArn, run);
    return run;
  }

  async finish(run: Run): Promise<Outcome> {
    return this.time.run(run.result);
  }

  async rotate(secretArn: SecretArn): Promise<Run> {
    const run = this.start(secretArn);
    await this.finish(run);
    return run;
  }

  /** Runs one function as AWS would, for events that no machine starts. */
  invoke(functionName: string, event: unknown): Promise<unknown> {
    return this.#invoke(functionName, event);
  }

  // ---- the machine's tasks -----------------------------------------------------------------------------

  async #task({ resource, parameters }: TaskCall): Promise<JSONValue | undefined> {
    const given = parameters as Record<string, JSONValue>;
    if (resource === "arn:aws:states:::events:putEvents") return this.#putEvents(given);
    const isWait = resource === "arn:aws:states:::lambda:invoke.waitForTaskToken";
    const functionArn = String(isWait ? given["FunctionName"] : resource);
    const functionName = functionArn.slice(functionArn.lastIndexOf(":") + 1);
    const payload = isWait ? given["Payload"] : parameters;
    return (await this.#invoke(functionName, payload)) as JSONValue;
  }

  async #putEvents({ Entries }: Record<string, JSONValue>): Promise<JSONValue> {
    for (const entry of Entries as { DetailType: string; Detail: Record<string, unknown> }[]) {
      this.#happened({ type: entry.DetailType, detail: entry.Detail });
    }
    return { FailedEntryCount: 0 };
  }

  async #invoke(functionName: string, event: unknown): Promise<unknown> {
    const definition = this.#handlers.get(functionName);
    if (definition === undefined) throw new TaskFailure("Lambda.ResourceNotFoundException", functionName);
    this.#invocations += 1;
    const started = { id: this.#invocations, functionName };
    const { skewMs, crashed } = this.#surroundings.invocation(started);
    const deps = this.#depsFor({ ...started, skewMs });
    const handler: Handler = onLambda(definition, () => deps);
    const context = { awsRequestId: String(started.id) } as Context;
    const answer = Promise.race([handler(structuredClone(event), context), crashed]);
    return JSON.parse(JSON.stringify((await answer) ?? null));
  }

  #depsFor(invocation: Invocation): Deps {
    const through = this.#throughFor(invocation);
    const store: SecretStore = through("store", this.store, storeOperations);
    const table: Table = through("table", this.table, { get: false, put: true, remove: true, query: false });
    const nowMs = () => this.time.nowMs() + invocation.skewMs;
    const http = fakeHttp((request) => this.#surroundings.reply(this.provider.handle(request)));
    const wire = {
      send: (request: Parameters<typeof http.send>[0]) =>
        this.#call(
          {
            invocation,
            port: "provider",
            operation: `${request.method} ${new URL(request.url).pathname}`,
            changes: request.method !== "GET",
          },
          () => http.send(request),
        ),
    };
    return {
      ledger: ledgerOn(table),
      store,
      provider: ({ provider }) =>
        openai.create({ settings: provider.settings, admin: adminCredential(store, provider.adminCredential), http: wire }),
      sources: [],
      refreshers: refreshers({ allowed: [] }),
      bus: through("bus", { publish: async (event: RekeyEvent) => this.#happened(event) }, { publish: true }),
      executions: through("executions", this.#executionsPort(), executionOperations),
      audit: auditLog({ table, digest: nodeDigest, now: nowMs }),
      clock: { nowMs, pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
      digest: nodeDigest,
      log: (line) => this.logs.push(line),
    };
  }

  #throughFor(invocation: Invocation) {
    return <Port extends object>(
      port: BoundaryCall["port"],
      target: Port,
      operations: Readonly<Record<string, boolean>>,
    ): Port => {
      const wrapped: Record<string, unknown> = {};
      for (const [operation, changes] of Object.entries(operations)) {
        const method = (target as Record<string, (...args: unknown[]) => Promise<unknown>>)[operation];
        wrapped[operation] = (...args: unknown[]) =>
          this.#call({ invocation, port, operation, changes }, async () => {
            const answer = await method?.apply(target, args);
            if (port === "store") this.#noteStore(operation, args[0], answer);
            return answer;
          });
      }
      return wrapped as Port;
    };
  }

  #call<Answer>(call: BoundaryCall, effect: () => Promise<Answer>): Promise<Answer> {
    return this.#surroundings.call(call, async () => {
      const answer = await effect();
      if (call.port === "provider") this.#noteProvider(call.operation, answer);
      return answer;
    });
  }

  // ---- what happened, in order ---------------------------------------------------------------------------

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

  #happened(event: RekeyEvent): void {
    this.events.push({ ...event, atMs: this.time.nowMs() });
  }

  #report(from: { environment: string; account: string }, detail: Record<string, unknown>): void {
    const event = { account: from.account, time: new Date(this.time.nowMs()).toISOString(), detail };
    for (const delayMs of this.#surroundings.deliveries("ConsumerReport")) {
      setTimeout(() => this.#deliver("record-evidence", { environment: from.environment, event }, 0), delayMs);
    }
  }

  /** A bus tries again when its target fails, a few times. */
  #deliver(functionName: string, event: unknown, tries: number): void {
    this.#invoke(functionName, event).catch(() => {
      if (tries < deliveryTriesMax) setTimeout(() => this.#deliver(functionName, event, tries + 1), 1_000 * 2 ** tries);
    });
  }

  async #ended(run: Run, outcome: Outcome): Promise<Outcome> {
    run.outcome = outcome;
    if (outcome.status !== "SUCCEEDED") {
      const detail = {
        executionArn: run.executionArn,
        name: run.rotationId,
        status: outcome.status,
        input: JSON.stringify({ secretArn: run.secretArn }),
      };
      const event = { time: new Date(this.time.nowMs()).toISOString(), detail };
      for (const delayMs of this.#surroundings.deliveries("ExecutionStatusChange")) {
        setTimeout(() => this.#deliver("settle-closed", event, 0), delayMs);
      }
    }
    return outcome;
  }

  #executionsPort(): Executions {
    const answer = (result: string) => (result === "ok" ? ("ok" as const) : ("closed" as const));
    const every = () => [...this.#executions.values()];
    return {
      succeed: async (token, output) =>
        answer(first(every(), (each) => each.sendTaskSuccess(token, output as JSONValue))),
      fail: async (token, failure) => answer(first(every(), (each) => each.sendTaskFailure(token, failure))),
      describe: async (executionArn) => {
        const run = this.runs.get(executionArn);
        return { status: run === undefined ? "UNKNOWN" : (run.outcome?.status ?? "RUNNING") };
      },
      start: async ({ name, input }) => {
        const run = this.start(String(input["secretArn"]), name);
        return { executionArn: run.executionArn, outcome: "started" };
      },
      stop: async (executionArn, reason) => this.runs.get(executionArn)?.stop(reason),
    };
  }

  nextVersionId(): string {
    this.#versions += 1;
    return `by-hand-${String(this.#versions).padStart(28, "0")}`;
  }
}

const deliveryTriesMax = 5;
const rotationFile = new URL("../../statemachines/rotation.asl.json", import.meta.url);
const storeOperations = { labels: false, read: false, put: true, moveLabel: true };
const executionOperations = { succeed: true, fail: true, describe: false, start: true, stop: true };

function substitutions(): Record<string, string> {
  const prefix = `arn:aws:lambda:eu-west-1:${account}:function:`;
  const arns = steps.map(({ name }) => [`${pascal(name)}Arn`, `${prefix}${name}`] as const);
  return { ...Object.fromEntries(arns), BusName: "rekey" };
}

function pascal(name: string): string {
  return name.replace(/(?:^|-)([a-z])/g, (_dash, letter: string) => letter.toUpperCase());
}

function first(executions: readonly Execution[], send: (execution: Execution) => string): string {
  for (const execution of executions) {
    const result = send(execution);
    if (result !== "InvalidToken") return result;
  }
  return "InvalidToken";
}

function jsonWith(field: string, key: string): string {
  return `{"note": "kept as it is", "${field}": ${JSON.stringify(key)}, "limit": 10}`;
}

function policyFor(facts: {
  readonly name: string;
  readonly secretArn: SecretArn;
  readonly consumers: readonly ConsumerOptions[];
  readonly propagation: Readonly<Record<string, number>>;
}): Policy {
  return {
    secretArn: facts.secretArn,
    name: facts.name,
    environment: "production",
    mode: "rotate",
    provider: {
      account: "openai-main",
      kind: "openai",
      adminCredential: adminArn,
      settings: { adminCredential: adminArn, project, serviceAccount: "svc_acct_FAKE", propagation: facts.propagation },
    },
    consumers: facts.consumers.map(({ name, maxStaleMs, environment }) => ({
      name,
      environment: environment ?? "production",
      account,
      evidence: ["client"],
      maxStaleMs: maxStaleMs ?? 15 * 60_000,
      demandUse: false,
      refresh: { kind: "announce" },
    })),
    signals: ["client", "provider"],
    maxAgeMs: 30 * 24 * 3_600_000,
    quietMs: 120_000,
    overlapMs: 2 * 3_600_000,
    soakMs: 60_000,
    retain: false,
    incident: { containByMs: 600_000, escalateAfterMs: 300_000 },
  };
}
