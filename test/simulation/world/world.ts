import type { Context } from "aws-lambda";
import { restartSource } from "../../../consumers/restarts.ts";
import type { IncidentRecord } from "../../../core/incident/record.ts";
import type { ConsumerPolicy, Policy } from "../../../core/policy.ts";
import type { KeyProvider, ProviderCapabilities, SecretArn, StoreCapabilities } from "../../../core/ports.ts";
import { adoptCurrent, currentKey } from "../../../core/rotation/secret-record.ts";
import { fingerprintOf } from "../../../events/fingerprint.ts";
import { reportKeyOf } from "../../../events/report-proof.ts";
import type { Parts, With } from "../../../functions/deps.ts";
import { steps } from "../../../functions/index.ts";
import { onLambda, type Step } from "../../../functions/step.ts";
import { type Ledger, ledgerOn } from "../../../ledger/ledger.ts";
import type { MemoryTable } from "../../../ledger/memory.ts";
import { type Outcome, TaskFailure } from "../../../local/aws/machine.ts";
import { fakeHttp } from "../../../providers/fake.ts";
import type { OpenAiFake, OpenAiFakeOptions } from "../../../providers/openai/fake.ts";
import { memoryStore } from "../../../stores/secrets-manager/fake.ts";
import { keyIn } from "../../../stores/value.ts";
import { type AlertStory, raisedAlert } from "../plan/alert-story.ts";
import { account, secretArnOf } from "./account.ts";
import { type VirtualTime, virtualTime } from "./clock.ts";
import { type Consumer, type ConsumerOptions, type ConsumerWorld, startConsumer } from "./consumer.ts";
import { adminArn, policyFor } from "./declared-policy.ts";
import { Edges } from "./edges.ts";
import type { Fleet } from "./fleet.ts";
import { copyTo, type PlaceName, Places, type PlaceTimes } from "./places.ts";
import { assertPublished } from "./published.ts";
import { standInFor } from "./shaped.ts";
import { type Run, StepFunctions } from "./step-functions.ts";
import { type CalledBy, noFaults, type Surroundings } from "./surroundings.ts";
import { watchedTable } from "./table.ts";
import { twoPlaces } from "./two-places.ts";

const baseUrl = "https://api.openai.com/v1";
const deliveryTriesMax = 5;

/** Made once, as on AWS: what each call may touch goes with its context. */
const depsOfCall = new WeakMap<Context, With<keyof Parts>>();
const handlers = new Map(
  steps.map((each) => [
    each.name,
    onLambda(each as unknown as Step<unknown, unknown, With<keyof Parts>>, depsOf),
  ]),
);

function depsOf(context: Context): With<keyof Parts> {
  const deps = depsOfCall.get(context);
  if (deps === undefined) throw new TypeError("a function was called from outside the world");
  return deps;
}

export interface WorldOptions {
  readonly surroundings?: Surroundings;
  readonly provider?: OpenAiFakeOptions;
  readonly propagation?: Readonly<Record<string, number>>;
  /** The provider's account has two places for keys, as at Azure. */
  readonly hasTwoPlaces?: boolean;
  /** What the provider cannot do in this story. */
  readonly capabilities?: Partial<ProviderCapabilities>;
  /** What this story's store says of itself in place of what Secrets Manager's does. */
  readonly storeCapabilities?: Partial<StoreCapabilities>;
  /** Answers the functions in place of the stand-in of OpenAI. */
  readonly issuer?: KeyProvider;
  readonly table?: MemoryTable;
}

export interface SecretOptions {
  readonly name?: string;
  /** Of the current key and of every key minted after it: with these a quarantine can be undone. */
  readonly scopes?: readonly string[];
  /** Holds the same key as this secret does, as after a copy by hand. */
  readonly sharesKeyOf?: SecretArn;
  /** What stands around a bare key. */
  readonly wrapping?: "none" | "newline" | "byteOrderMark";
  readonly consumers?: readonly ConsumerOptions[];
  readonly policy?: Partial<Policy>;
  /** A consumer "shop" reads copies there, and every place holds the first key. */
  readonly copies?: readonly PlaceName[];
  readonly placeTimes?: Partial<PlaceTimes>;
  readonly sharesCi?: boolean;
  readonly hasForeignCi?: boolean;
  /** What is at these places already may be overwritten. */
  readonly takesOver?: boolean;
  /** Other text around the key, with the field's name: the secret is JSON then. */
  readonly field?: string;
}

/** Rekey with nothing faked but the edges: the real machine, functions, rules and adapters on virtual time. */
export class World {
  readonly time: VirtualTime;
  readonly table: MemoryTable;
  readonly ledger: Ledger;
  readonly store = memoryStore();
  readonly provider: OpenAiFake;
  readonly hasTwoPlaces: boolean;
  readonly consumers = new Map<string, Consumer>();
  /** Where copies of the first secret that has some go. */
  places: Places | undefined;
  /** What a platform runs with the first secret. */
  fleet: Fleet | undefined;
  readonly #edges: Edges;
  readonly #stepFunctions: StepFunctions;
  readonly #surroundings: Surroundings;
  readonly #propagation: Readonly<Record<string, number>>;
  #invocations = 0;
  #versions = 0;

  constructor(options: WorldOptions = {}) {
    this.time = virtualTime();
    this.table = options.table ?? watchedTable(() => undefined);
    this.ledger = ledgerOn(this.table);
    this.#surroundings = options.surroundings ?? noFaults;
    this.#propagation = {
      usageLagMs: 60_000,
      deadWindowMs: 20_000,
      probeEveryMs: 5_000,
      ...options.propagation,
    };
    const standIn = options.hasTwoPlaces ? twoPlaces : standInFor;
    this.provider = standIn({ now: this.time.nowMs, ...options.provider });
    this.hasTwoPlaces = options.hasTwoPlaces ?? false;
    this.store.create(adminArn, this.provider.adminKey);
    this.#stepFunctions = new StepFunctions({
      invoke: (functionName, event, by) => this.invoke(functionName, event, by),
      publish: (event) => this.#edges.publish(event),
      announces: () => this.#surroundings.announces?.(),
      ended: (run, outcome) => this.#tellEnd(run, outcome),
    });
    this.#edges = new Edges({
      ...{ surroundings: this.#surroundings, nowMs: this.time.nowMs },
      ...{ store: this.store, table: this.table, provider: this.provider },
      executions: this.#stepFunctions.port(),
      checked: assertPublished,
      places: () => this.places,
      sources: () => (this.fleet === undefined ? [] : [restartSource(this.fleet)]),
      capabilities: options.capabilities ?? {},
      storeCapabilities: options.storeCapabilities ?? {},
      ...(options.issuer && { issuer: options.issuer }),
    });
  }

  close(): void {
    for (const { instances } of this.consumers.values()) {
      for (const instance of instances) instance.stop({ silently: true });
    }
    // One that goes on would set its next timer on the true clock, and keep the process alive for a week.
    for (const run of this.runs.values()) if (run.outcome === undefined) run.stop("the world is closed");
    this.places?.close();
    this.fleet?.close();
    this.time.uninstall();
    const [denied] = this.#edges.denied;
    if (denied !== undefined) throw new Error(denied);
  }

  // ---- what happened, in order -------------------------------------------------------------------------

  get runs() {
    return this.#stepFunctions.runs;
  }

  get events() {
    return this.#edges.events;
  }

  get logs() {
    return this.#edges.logs;
  }

  get effects() {
    return this.#edges.effects.list;
  }

  keyName(keyId: string): string {
    return this.#edges.effects.keyName(keyId);
  }

  versionName(secretArn: SecretArn, versionId: string): string {
    return this.#edges.effects.versionName(secretArn, versionId);
  }

  get pages() {
    return this.#edges.incident.pages;
  }

  get scopeQuestions() {
    return this.#edges.incident.scopeQuestions;
  }

  /** Every certificate by its name. */
  get certificates(): ReadonlyMap<string, string> {
    return this.#edges.shelf.files;
  }

  get reports() {
    return this.#edges.incident.reports;
  }

  // ---- secrets and their consumers ---------------------------------------------------------------------

  /** A secret under policy, with its current key adopted and its consumers running. */
  async secret(options: SecretOptions = {}): Promise<Policy> {
    const name = options.name ?? "billing-key";
    const secretArn = secretArnOf(name);
    const scopes = options.scopes === undefined ? {} : { scopes: options.scopes };
    const { keyId, secret } = await this.#firstKey(name, options);
    const bare = wrapped(secret.reveal(), options.wrapping);
    const text = options.field === undefined ? bare : jsonWith(options.field, secret.reveal());
    const versionId = this.store.create(secretArn, text);
    const consumers = options.consumers ?? [{ name: "billing" }, { name: "search" }];
    const declared = policyFor({ name, secretArn, consumers, propagation: this.#propagation });
    const policy = withCopies({ ...declared, ...scopes, ...options.policy }, options);
    if (options.copies !== undefined && this.places === undefined)
      this.places = new Places(
        { store: this.store, nowMs: this.time.nowMs },
        {
          key: secret.reveal(),
          used: options.copies,
          sharesCi: options.sharesCi === true,
          hasForeignCi: options.hasForeignCi === true,
          ...(options.placeTimes && { times: options.placeTimes }),
        },
      );
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
    const reportKey = reportKeyOf(secret);
    await this.ledger.putHolder({ fingerprint, secretArn, versionId, keyId, role: "rotated", reportKey });
    const place = options.field === undefined ? {} : { field: options.field };
    for (const consumer of consumers) await this.startConsumer(secretArn, { ...place, ...consumer });
    return policy;
  }

  async #firstKey(name: string, { sharesKeyOf, scopes = [] }: SecretOptions) {
    if (sharesKeyOf === undefined) return this.provider.addKey({ name: `${name} by hand`, scopes });
    const { text } = await this.store.read(sharesKeyOf);
    const known = currentKey(await this.ledger.secret(sharesKeyOf));
    return { keyId: known?.keyId ?? "", secret: keyIn(text) };
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

  nextVersionId(): string {
    this.#versions += 1;
    return `by-hand-${String(this.#versions).padStart(28, "0")}`;
  }

  // ---- rotations and incidents -------------------------------------------------------------------------

  /** Starts the machine and returns at once; `finish` runs virtual time until it has ended. */
  start(secretArn: SecretArn, rotationId = `r-${this.runs.size + 1}`): Run {
    const input = { secretArn, trigger: "test" };
    return this.#stepFunctions.begin({ machine: "rotation", name: rotationId, input });
  }

  /** What an operator does in the console: the execution goes on at the state where it ended. */
  redrive(run: Run): "redriven" | "notRedrivable" {
    return this.#stepFunctions.redrive(run);
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
    const detail = raisedAlert(alert, this.time.nowMs());
    const raised = (await this.invoke("raise-alert", { detail })) as { incidentIds: string[] };
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

  // ---- functions, and the buses that call them ---------------------------------------------------------

  /** Runs one function as AWS would; `by` is the execution that calls it, where one does. */
  async invoke(functionName: string, event: unknown, by: CalledBy = {}): Promise<unknown> {
    const handler = handlers.get(functionName);
    if (handler === undefined) throw new TaskFailure("Lambda.ResourceNotFoundException", functionName);
    this.#invocations += 1;
    const started = { id: this.#invocations, functionName, input: event, ...by };
    const { skewMs, crashed } = this.#surroundings.invocation(started);
    const invocation = { ...started, skewMs };
    const context = { awsRequestId: String(started.id) } as Context;
    depsOfCall.set(context, this.#edges.depsOf(invocation));
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

  /** What a call may touch that is no step of a machine: a person's command. */
  depsOutside(functionName: string): With<keyof Parts> {
    this.#invocations += 1;
    return this.#edges.depsOf({ id: this.#invocations, functionName, input: undefined, skewMs: 0 });
  }

  report(
    from: { readonly environment: string; readonly account: string; readonly source?: string },
    detail: Record<string, unknown>,
  ): void {
    const { account, source = `rekey.consumer.${detail["consumer"]}` } = from;
    const event = { account, source, time: new Date(this.time.nowMs()).toISOString(), detail };
    for (const delayMs of this.#surroundings.deliveries("ConsumerReport")) {
      setTimeout(
        () => this.#deliver("record-evidence", { environment: from.environment, event }, 0),
        delayMs,
      );
    }
  }

  /** A bus tries again when its target fails, a few times. */
  #deliver(functionName: string, event: unknown, tries: number): void {
    this.invoke(functionName, event).catch(() => {
      if (tries < deliveryTriesMax)
        setTimeout(() => this.#deliver(functionName, event, tries + 1), 1_000 * 2 ** tries);
    });
  }

  #tellEnd({ executionArn, rotationId, input }: Run, { status }: Outcome): void {
    if (status === "SUCCEEDED") return;
    const detail = { executionArn, name: rotationId, status, input: JSON.stringify(input) };
    const event = { time: new Date(this.time.nowMs()).toISOString(), detail };
    for (const delayMs of this.#surroundings.deliveries("ExecutionStatusChange")) {
      setTimeout(() => this.#deliver("settle-closed", event, 0), delayMs);
    }
  }
}

function withCopies(policy: Policy, { copies: places, takesOver = false }: SecretOptions): Policy {
  if (places === undefined) return policy;
  const copies = places.map((place) => ({ ...copyTo(place), ...(takesOver && { takeOver: true }) }));
  const shop: ConsumerPolicy = {
    ...{ name: "shop", environment: "production", account, evidence: ["copy"], demandUse: false },
    ...{ maxStaleMs: 5_000, refresh: { kind: "announce" }, copies },
  };
  const consumers = policy.consumers === "none" ? [] : policy.consumers;
  return { ...policy, consumers: [...consumers, shop] };
}

function wrapped(key: string, wrapping: SecretOptions["wrapping"] = "none"): string {
  if (wrapping === "newline") return `${key}\n`;
  return wrapping === "byteOrderMark" ? `\ufeff${key}` : key;
}

function jsonWith(field: string, key: string): string {
  return `{"note": "kept as it is", "${field}": ${JSON.stringify(key)}, "limit": 10}`;
}
