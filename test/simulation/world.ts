import { readFileSync } from "node:fs";
import type { Context } from "aws-lambda";
import { auditLog } from "../../audit/chain.ts";
import { refreshers } from "../../consumers/refreshers.ts";
import type { IncidentRecord } from "../../core/incident-record.ts";
import type { Policy } from "../../core/policy.ts";
import type {
  Executions,
  ProviderCapabilities,
  RekeyEvent,
  SecretArn,
  SecretStore,
  Table,
} from "../../core/ports.ts";
import { adoptCurrent, currentKey } from "../../core/secret-record.ts";
import type { Alert } from "../../events/alert.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { adminCredential } from "../../functions/adapters/admin-credential.ts";
import type { Deps, LogLine } from "../../functions/deps.ts";
import type { IncidentDeps, Page, ScopeQuestion } from "../../functions/incident-ports.ts";
import { steps } from "../../functions/index.ts";
import { type Handler, onLambda, type Step } from "../../functions/step.ts";
import { nodeDigest } from "../../functions/wiring.ts";
import { type Ledger, ledgerOn } from "../../ledger/ledger.ts";
import { type MemoryTable, memoryTable } from "../../ledger/memory.ts";
import {
  type Execution,
  type HistoryEvent,
  type JSONValue,
  loadMachine,
  type Machine,
  type Outcome,
  type RunOptions,
  runMachine,
  type TaskCall,
  TaskFailure,
} from "../../local/aws/machine.ts";
import { fakeHttp } from "../../providers/fake.ts";
import { type OpenAiFakeOptions, openaiFake } from "../../providers/openai/fake.ts";
import { openai } from "../../providers/openai/index.ts";
import { memoryStore } from "../../stores/memory.ts";
import { type VirtualTime, virtualTime } from "./clock.ts";
import { type Consumer, type ConsumerOptions, type ConsumerWorld, startConsumer } from "./consumer.ts";
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
  /** What the provider cannot do in this story. */
  readonly capabilities?: Partial<ProviderCapabilities>;
  /** Without it, the memory table that the contract suite checks. */
  readonly table?: MemoryTable;
}

export interface SecretOptions {
  readonly name?: string;
  /** Of the current key and of every key minted after it: with these a quarantine can be undone. */
  readonly scopes?: readonly string[];
  /** Holds the same key as this secret does, as after a copy by hand. */
  readonly sharesKeyOf?: SecretArn;
  readonly consumers?: readonly ConsumerOptions[];
  readonly policy?: Partial<Policy>;
  /** Other text around the key, with the field's name: the secret is JSON then. */
  readonly field?: string;
}

export interface Run {
  readonly executionArn: string;
  readonly rotationId: string;
  readonly secretArn: SecretArn;
  readonly machine: "rotation" | "compromise";
  readonly input: Readonly<Record<string, JSONValue>>;
  readonly history: HistoryEvent[];
  result: Promise<Outcome>;
  outcome: Outcome | undefined;
  redrives: number;
  stop(reason: string): void;
}

/** Rekey with nothing faked but the edges: the real machine, functions, rules and adapters on virtual time. */
export class World {
  readonly time: VirtualTime;
  readonly table: MemoryTable;
  readonly ledger: Ledger;
  readonly store = memoryStore();
  readonly provider;
  readonly events: (RekeyEvent & { readonly atMs: number })[] = [];
  readonly logs: LogLine[] = [];
  readonly effects: string[] = [];
  readonly pages: (Page & { readonly atMs: number })[] = [];
  readonly scopeQuestions: ScopeQuestion[] = [];
  readonly reports: { readonly incidentId: string; readonly json: string; readonly markdown: string }[] = [];
  readonly runs = new Map<string, Run>();
  readonly consumers = new Map<string, Consumer>();
  readonly #executions = new Map<string, Execution>();
  readonly #surroundings: Surroundings;
  readonly #handlers: ReadonlyMap<string, Step<unknown, unknown>>;
  readonly #propagation: Readonly<Record<string, number>>;
  readonly #capabilities: Partial<ProviderCapabilities>;
  #invocations = 0;
  #tokens = 0;
  #versions = 0;

  constructor(options: WorldOptions = {}) {
    this.time = virtualTime();
    this.table = options.table ?? memoryTable();
    this.ledger = ledgerOn(this.table);
    this.#surroundings = options.surroundings ?? noFaults;
    this.#propagation = {
      usageLagMs: 60_000,
      deadWindowMs: 20_000,
      probeEveryMs: 5_000,
      ...options.propagation,
    };
    this.#capabilities = options.capabilities ?? {};
    this.provider = openaiFake({ now: this.time.nowMs, ...options.provider });
    this.store.create(adminArn, this.provider.adminKey);
    this.#handlers = new Map(steps.map((each) => [each.name, each as unknown as Step<unknown, unknown>]));
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
    const scopes = options.scopes === undefined ? {} : { scopes: options.scopes };
    const { keyId, secret } = await this.#firstKey(name, options);
    const text = options.field === undefined ? secret.reveal() : jsonWith(options.field, secret.reveal());
    const versionId = this.store.create(secretArn, text);
    const consumers = options.consumers ?? [{ name: "billing" }, { name: "search" }];
    const declared = policyFor({ name, secretArn, consumers, propagation: this.#propagation });
    const policy = { ...declared, ...scopes, ...options.policy };
    await this.ledger.putPolicy(options.field === undefined ? policy : { ...policy, field: options.field });
    const fingerprint = fingerprintOf(secret);
    await this.ledger.changeSecret(secretArn, (record) =>
      adoptCurrent(record, {
        name: `${name} by hand`,
        state: "current",
        keyId,
        versionId,
        fingerprint,
        ...scopes,
      }),
    );
    await this.ledger.putHolder({ fingerprint, secretArn, versionId, keyId, role: "rotated" });
    const place = options.field === undefined ? {} : { field: options.field };
    for (const consumer of consumers) await this.startConsumer(secretArn, { ...place, ...consumer });
    return policy;
  }

  async #firstKey(name: string, { sharesKeyOf, scopes = [] }: SecretOptions) {
    if (sharesKeyOf === undefined) return this.provider.addKey({ name: `${name} by hand`, scopes });
    const { text } = await this.store.read(sharesKeyOf);
    const known = currentKey(await this.ledger.secret(sharesKeyOf));
    return { keyId: known?.keyId ?? "", secret: text };
  }

  async startConsumer(secretArn: SecretArn, options: ConsumerOptions): Promise<Consumer> {
    const consumer = await startConsumer(options, this.consumerWorld(secretArn));
    this.consumers.set(`${secretArn} ${options.name}`, consumer);
    return consumer;
  }

  /** What an instance of a consumer sees of this world. */
  consumerWorld(secretArn: SecretArn): ConsumerWorld {
    return {
      secretArn,
      store: this.store,
      http: fakeHttp((request) => this.provider.handle(request)),
      baseUrl,
      report: (from, detail) => this.report(from, detail),
    };
  }

  /** Starts the machine and returns at once; `finish` runs virtual time until it has ended. */
  start(secretArn: SecretArn, rotationId = `r-${this.runs.size + 1}`): Run {
    return this.#begin({ machine: "rotation", name: rotationId, input: { secretArn, trigger: "test" } });
  }

  #begin(starting: Pick<Run, "machine" | "input"> & { readonly name: string }): Run {
    const { machine, name: rotationId, input } = starting;
    const executionArn = `arn:aws:states:eu-west-1:${account}:execution:rekey-${machine}:${rotationId}`;
    const secretArn = String(input["secretArn"] ?? "");
    const run: Run = {
      ...{
        executionArn,
        rotationId,
        secretArn,
        machine,
        input,
        history: [],
        outcome: undefined,
        redrives: 0,
      },
      result: new Promise(() => undefined),
      stop: (reason) => this.#executions.get(executionArn)?.stop("Stopped", reason),
    };
    this.runs.set(executionArn, run);
    this.#execute(run);
    return run;
  }

  /** What an operator does in the console: the execution goes on at the state where it ended. */
  redrive(run: Run): "redriven" | "notRedrivable" {
    const position = this.#executions.get(run.executionArn)?.position();
    const isRedrivable = run.outcome !== undefined && run.outcome.status !== "SUCCEEDED";
    if (!isRedrivable || position === undefined) return "notRedrivable";
    run.outcome = undefined;
    run.redrives += 1;
    const lastEventId = run.history.at(-1)?.id ?? 0;
    this.#execute(run, { ...position, lastEventId, redrives: run.redrives });
    return "redriven";
  }

  #execute(run: Run, resume?: RunOptions["resume"]): void {
    const { executionArn, rotationId, history, input } = run;
    const execution = runMachine(machineOf(run.machine), {
      ...{ executionArn, name: rotationId, input },
      ...(resume && { resume }),
      task: (call) => this.#task(call, run),
      newToken: () => `token-${++this.#tokens}`,
      onEvent: (event) => history.push(event),
    });
    this.#executions.set(executionArn, execution);
    run.result = execution.result.then((outcome) => this.#ended(run, outcome));
  }

  async finish(run: Run): Promise<Outcome> {
    return this.time.run(run.result);
  }

  async rotate(secretArn: SecretArn): Promise<Run> {
    const run = this.start(secretArn);
    await this.finish(run);
    return run;
  }

  /** An alert as the intake passes it on to the bus; answers the runs of the incidents that it belongs to. */
  async raise(alert: AlertStory): Promise<readonly Run[]> {
    const { receivedAtMs = this.time.nowMs(), kind = "start", ...facts } = alert;
    const detail = { alert: alertFrom(facts), kind, intake: facts.source ?? "trufflehog", receivedAtMs };
    const raised = (await this.#invoke("raise-alert", { detail })) as { incidentIds: string[] };
    return [...this.runs.values()].filter(({ input }) =>
      raised.incidentIds.includes(String(input["incidentId"])),
    );
  }

  /** An alert, and all that comes of it. */
  async compromise(alert: AlertStory): Promise<Run> {
    const run = (await this.time.run(this.raise(alert))).at(-1);
    if (run === undefined) throw new Error("the alert started nothing");
    await this.finish(run);
    return run;
  }

  async incidentOf(run: Run): Promise<IncidentRecord> {
    const record = await this.ledger.incidents.incident(String(run.input["incidentId"]));
    if (record === undefined) throw new Error("this run is no incident's");
    return record;
  }

  /** Runs one function as AWS would, for events that no machine starts. */
  invoke(functionName: string, event: unknown): Promise<unknown> {
    return this.#invoke(functionName, event);
  }

  /** What a call may touch that is no step of a machine: a person's command. */
  depsOutside(functionName: string): Deps {
    this.#invocations += 1;
    return this.#depsFor({ id: this.#invocations, functionName, input: undefined, skewMs: 0 });
  }

  // ---- the machine's tasks -----------------------------------------------------------------------------

  async #task({ state, resource, parameters }: TaskCall, run: Run): Promise<JSONValue | undefined> {
    const given = parameters as Record<string, JSONValue>;
    if (resource === "arn:aws:states:::events:putEvents") return this.#putEvents(given);
    const isWait = resource === "arn:aws:states:::lambda:invoke.waitForTaskToken";
    const functionArn = String(isWait ? given["FunctionName"] : resource);
    const functionName = functionArn.slice(functionArn.lastIndexOf(":") + 1);
    const payload = (isWait ? given["Payload"] : parameters) as Record<string, JSONValue>;
    // A retry is no new entry of its state: on AWS, `at` stays what it was.
    const at = enteredAt(run.history, state);
    return (await this.#invoke(functionName, { ...payload, ...(at !== undefined && { at }) })) as JSONValue;
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
    const started = { id: this.#invocations, functionName, input: event };
    const { skewMs, crashed } = this.#surroundings.invocation(started);
    const invocation = { ...started, skewMs };
    const deps = this.#depsFor(invocation);
    const handler: Handler = onLambda(definition, () => deps);
    const context = { awsRequestId: String(started.id) } as Context;
    try {
      const answer = await Promise.race([handler(JSON.parse(JSON.stringify(event)), context), crashed]);
      const output = JSON.stringify(answer ?? null);
      this.#surroundings.ended?.(invocation, { output });
      return JSON.parse(output);
    } catch (error) {
      this.#surroundings.ended?.(invocation, { error });
      throw error;
    }
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
            given: [request],
          },
          () => http.send(request),
        ),
    };
    return {
      ledger: ledgerOn(table),
      store,
      provider: ({ provider }) => {
        const admin = adminCredential(store, provider.adminCredential);
        const made = openai.create({ settings: provider.settings, admin, http: wire });
        return { ...made, capabilities: { ...made.capabilities, ...this.#capabilities } };
      },
      sources: [],
      refreshers: refreshers({ allowed: [] }),
      bus: through("bus", { publish: async (event: RekeyEvent) => this.#happened(event) }, { publish: true }),
      executions: through("executions", this.#executionsPort(), executionOperations),
      audit: auditLog({ table, digest: nodeDigest, now: nowMs }),
      clock: { nowMs, pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
      digest: nodeDigest,
      incident: this.#incidentDeps(),
      log: (line) => this.logs.push(line),
    };
  }

  #incidentDeps(): IncidentDeps {
    return {
      escalator: {
        page: async (page) => {
          this.pages.push({ ...page, atMs: this.time.nowMs() });
          this.effects.push(`${page.severity}: ${page.reason}`);
          return { delivered: ["fake"], failed: [] };
        },
      },
      scoper: {
        scope: async (question) => {
          this.scopeQuestions.push(question);
          return {
            readers: [],
            keyUse: [],
            newKeys: [],
            siblings: [],
            ended: "complete",
            notChecked: ["a fake looked"],
          };
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
          this.#call({ invocation, port, operation, changes, given: args }, async () => {
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

  report(from: { environment: string; account: string }, detail: Record<string, unknown>): void {
    const event = { account: from.account, time: new Date(this.time.nowMs()).toISOString(), detail };
    for (const delayMs of this.#surroundings.deliveries("ConsumerReport")) {
      setTimeout(
        () => this.#deliver("record-evidence", { environment: from.environment, event }, 0),
        delayMs,
      );
    }
  }

  /** A bus tries again when its target fails, a few times. */
  #deliver(functionName: string, event: unknown, tries: number): void {
    this.#invoke(functionName, event).catch(() => {
      if (tries < deliveryTriesMax)
        setTimeout(() => this.#deliver(functionName, event, tries + 1), 1_000 * 2 ** tries);
    });
  }

  async #ended(run: Run, outcome: Outcome): Promise<Outcome> {
    run.outcome = outcome;
    if (outcome.status !== "SUCCEEDED") {
      const detail = {
        executionArn: run.executionArn,
        name: run.rotationId,
        status: outcome.status,
        input: JSON.stringify(run.input),
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
      start: async ({ machine, name, input }) => {
        const known = [...this.runs.values()].find(({ rotationId }) => rotationId === name);
        if (known !== undefined) return { executionArn: known.executionArn, outcome: "alreadyStarted" };
        const run = this.#begin({ machine, name, input: input as Run["input"] });
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
const storeOperations = { labels: false, read: false, put: true, moveLabel: true };
const executionOperations = { succeed: true, fail: true, describe: false, start: true, stop: true };

const loaded = new Map<Run["machine"], Machine>();

/** Read and checked once: the simulator makes a world per seed. */
function machineOf(name: Run["machine"]): Machine {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const file = new URL(`../../statemachines/${name}.asl.json`, import.meta.url);
  const machine = loadMachine(JSON.parse(readFileSync(file, "utf8")), substitutions());
  loaded.set(name, machine);
  return machine;
}

/** An alert as a story tells it: what it leaves out is a live key in a public place. */
export interface AlertStory extends Partial<Omit<Alert, "schema">> {
  readonly receivedAtMs?: number;
  readonly kind?: "start" | "append";
}

function alertFrom(story: AlertStory): Alert {
  const fallback = { kind: "location" as const, url: "https://example.com/somewhere" };
  const { identity = fallback, ...facts } = story;
  return {
    ...{
      schema: 1,
      source: "trufflehog",
      sourceId: "finding-1",
      exposure: "public",
      verified: "live",
      where: [],
    },
    ...facts,
    identity,
  };
}

function enteredAt(history: readonly HistoryEvent[], state: string): string | undefined {
  const entered = history.findLast(
    (event) =>
      event.type === "ExecutionRedriven" || (event.type === "TaskStateEntered" && event.state === state),
  );
  return entered && new Date(entered.timestamp).toISOString();
}

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
      settings: {
        adminCredential: adminArn,
        project,
        serviceAccount: "svc_acct_FAKE",
        propagation: facts.propagation,
      },
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
