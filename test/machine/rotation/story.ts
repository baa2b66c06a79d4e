import type { LedgerKey } from "../../../core/keys.ts";
import type { Policy } from "../../../core/policy.ts";
import type { SecretArn } from "../../../core/ports.ts";
import { currentKey, type PlacedKey } from "../../../core/rotation/secret-record.ts";
import { placeHold } from "../../../core/rotation/wait.ts";
import type { Swept } from "../../../functions/upkeep/swept.ts";
import type { GateAnswer } from "../../../ledger/entries.ts";
import { type Outcome, TaskFailure } from "../../../local/aws/machine.ts";
import { seededRandom } from "../../../providers/openai/fake-keys.ts";
import { adminOrder } from "../../simulation/plan/admin-order.ts";
import { account, secretArnOf } from "../../simulation/world/account.ts";
import type { Instance } from "../../simulation/world/consumer.ts";
import type { Run } from "../../simulation/world/step-functions.ts";
import { type BoundaryCall, noFaults, type Surroundings } from "../../simulation/world/surroundings.ts";
import { type SecretOptions, World, type WorldOptions } from "../../simulation/world/world.ts";
import { pathOf, withCounts } from "../history.ts";

export interface StoryOptions extends SecretOptions {
  readonly provider?: WorldOptions["provider"];
  /** Without it, a policy with a service account: the provider makes keys. */
  readonly mints?: false;
  readonly propagation?: WorldOptions["propagation"];
  readonly storeCapabilities?: WorldOptions["storeCapabilities"];
  /** How late, in ms and once per entry, an event of this type reaches its target. */
  readonly deliveries?: (type: string) => readonly number[];
}

/** What is left when everything has ended: the ledger's word, the store's labels and the provider's truth. */
export interface Ending {
  /** Of the last run: its status and error, and the ledger's outcome. */
  readonly run: string;
  readonly lease: string;
  readonly owed: string;
  readonly keys: readonly string[];
  readonly debts: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly works: readonly string[];
}

type Matcher = (call: BoundaryCall) => boolean;

interface Hook {
  readonly matches: Matcher;
  readonly work: (call: BoundaryCall) => unknown;
  readonly when: "before" | "after";
  timesLeft: number;
}

const opened = new Set<Story>();
const realRandom = Math.random;
const settleMs = 60_000;
const waitStepMs = 250;
const waitStepsMax = 200_000;

afterEach(() => {
  for (const story of opened) story.close();
  opened.clear();
});

/** Opens a story about one secret; it is closed when its test ends. The machine's jitter is the same every time. */
export async function open(options: StoryOptions = {}): Promise<Story> {
  Math.random = seededRandom(7);
  const story = new Story(options);
  opened.add(story);
  await story.world.secret(options);
  const policy = await story.world.ledger.policy(story.secretArn);
  if (options.mints === false && policy !== undefined)
    await story.world.ledger.putPolicy(withoutAccount(policy));
  story.retiringAtStart = currentKey(await story.world.ledger.secret(story.secretArn));
  return story;
}

/** OpenAI makes keys for service accounts only. */
function withoutAccount(policy: Policy): Policy {
  const { serviceAccount: _gone, ...settings } = policy.provider.settings;
  return { ...policy, provider: { ...policy.provider, settings } };
}

/** One secret's life in a world, told in short names: its keys are k1, k2, ... and its versions v1, v2, ... */
export class Story {
  readonly world: World;
  readonly secretArn: SecretArn;
  /** What every function answered or threw. */
  readonly ends: unknown[] = [];
  readonly #hooks: Hook[] = [];
  readonly #crashes = new Map<number, () => void>();
  #commands = 0;
  retiringAtStart: LedgerKey | undefined;

  constructor({ provider, propagation, deliveries, storeCapabilities, name = "billing-key" }: StoryOptions) {
    this.secretArn = secretArnOf(name);
    this.world = new World({
      surroundings: this.#surroundings(deliveries),
      ...(provider && { provider }),
      ...(propagation && { propagation }),
      ...(storeCapabilities && { storeCapabilities }),
    });
  }

  close(): void {
    this.world.close();
    Math.random = realRandom;
  }

  // ---- what happens ---------------------------------------------------------------------------------------

  start(rotationId?: string): Run {
    return this.world.start(this.secretArn, rotationId);
  }

  /** Runs time until the run has ended and whatever its end started has been done. */
  async finish(run: Run): Promise<Outcome> {
    const outcome = await this.world.finish(run);
    await this.world.time.advance(settleMs);
    return outcome;
  }

  async rotate(rotationId?: string): Promise<Run> {
    const run = this.start(rotationId);
    await this.finish(run);
    return run;
  }

  /** Runs time until the run is in this state (for the `nth` time). */
  async reaches(run: Run, state: string, nth = 1): Promise<void> {
    const entries = () => run.history.filter((event) => event.state === state && /Entered$/.test(event.type));
    for (let steps = 0; steps < waitStepsMax; steps++) {
      if (entries().length >= nth) return;
      if (run.outcome !== undefined) throw new Error(`the run ended before ${state}: ${run.outcome.status}`);
      await this.world.time.advance(waitStepMs);
    }
    throw new Error(`the run has not reached ${state}`);
  }

  async sweep(how: { readonly dryRun?: boolean } = {}): Promise<Swept> {
    const time = new Date(this.world.time.nowMs()).toISOString();
    return (await this.world.time.run(this.world.invoke("sweep", { time, ...how }))) as Swept;
  }

  /** A late repeat: another execution of the same name, as after its history was forgotten. */
  async rotateAgain(rotationId: string): Promise<Run> {
    const known = [...this.world.runs.values()].find((run) => run.rotationId === rotationId);
    const run = this.start(rotationId);
    if (known !== undefined) expect(run).not.toBe(known);
    await this.finish(run);
    return run;
  }

  /** Somebody else acts at the instant before (or after) Rekey's next call like this one. */
  before(call: Matcher, work: Hook["work"], times = 1): void {
    this.#hooks.push({ matches: call, work, when: "before", timesLeft: times });
  }

  after(call: Matcher, work: Hook["work"], times = 1): void {
    this.#hooks.push({ matches: call, work, when: "after", timesLeft: times });
  }

  /** What `rekey hold` writes, for an instant in which no command can run. */
  async hold(reason: string): Promise<void> {
    await this.world.ledger.changeSecret(this.secretArn, (record) =>
      placeHold(record, { by: "ada", reason }),
    );
  }

  /** The policy is edited and applied while a run is on its way. */
  async declare(consumer: { readonly name: string }): Promise<void> {
    const policy = await this.world.ledger.policy(this.secretArn);
    const [like] = policy === undefined || policy.consumers === "none" ? [] : policy.consumers;
    if (policy === undefined || policy.consumers === "none" || like === undefined)
      throw new Error("no consumer to copy");
    await this.world.ledger.putPolicy({
      ...policy,
      consumers: [...policy.consumers, { ...like, ...consumer }],
    });
  }

  /** A person's command, through the function that is behind the URL. */
  async command(command: Readonly<Record<string, unknown>>, principal = `arn:aws:iam::${account}:user/ada`) {
    const newId = () => `request-${++this.#commands}`;
    const { time } = this.world;
    const answer = adminOrder({ command, principal, newId }, this.world);
    return JSON.parse((await time.run(answer)).body) as Record<string, unknown>;
  }

  async deleteAtProvider(name: `k${number}`): Promise<void> {
    await this.#admin("DELETE", name);
  }

  async expire(name: `k${number}`, { afterMs }: { readonly afterMs: number }): Promise<void> {
    await this.#admin("POST", name, { expires_in_seconds: afterMs / 1000 });
  }

  /** What a person does in the provider's console. */
  async #admin(method: "DELETE" | "POST", name: `k${number}`, body?: unknown): Promise<void> {
    const { provider } = this.world;
    const path = `/v1/organization/projects/proj_FAKE/api_keys/${this.keyId(name)}`;
    const headers = { authorization: `Bearer ${provider.adminKey}` };
    const { status } = provider.handle({ method, path, query: new URLSearchParams(), headers, body });
    if (status !== 200) throw new Error(`the stand-in answered ${status}`);
  }

  // ---- what is seen ---------------------------------------------------------------------------------------

  /** Task, Wait and end states in the order of entering, with laps and failures counted. */
  path(run: Run): string[] {
    return pathOf(run.history);
  }

  /** What Rekey did to the store and the provider, in order. */
  effects(): string[] {
    return withCounts(this.world.effects);
  }

  events(): string[] {
    return this.world.events
      .filter(({ secretArn, detail }) => (secretArn ?? detail["secretArn"]) === this.secretArn)
      .map(({ type }) => type);
  }

  detailOf(type: string): Readonly<Record<string, unknown>> {
    const found = this.world.events.findLast((event) => event.type === type);
    if (found === undefined) throw new Error(`no ${type} was published`);
    return found.detail;
  }

  async audit(): Promise<string[]> {
    const records = await this.world.table.query({ kind: "AUDIT", id: this.secretArn });
    return records.map(({ body }) => (body as { action: string }).action);
  }

  async ending(run: Run): Promise<Ending> {
    const { ledger, store, provider } = this.world;
    const record = await ledger.secret(this.secretArn);
    const known = await ledger.rotation(this.secretArn, run.rotationId);
    const { status, error } = run.outcome ?? { status: "RUNNING" as const, error: undefined };
    const debts = (await ledger.debts()).filter(({ secretArn }) => secretArn === this.secretArn);
    const labels = Object.entries(await store.labels(this.secretArn));
    return {
      run: `${[status, error].filter(Boolean).join(" ")}: ${known?.outcome ?? "unknown to the ledger"}`,
      lease: record.lease?.runId ?? "free",
      owed:
        record.run === undefined
          ? "nothing"
          : `${record.run.phase}: ${record.run.owed?.reason ?? "nobody owes it"}`,
      keys: record.keys.map(
        ({ keyId, name, state }) => `${keyId === undefined ? name : this.keyName(keyId)} ${state}`,
      ),
      debts: debts.map(({ kind, keyId }) => `${kind} ${this.keyName(keyId)}`),
      labels: Object.fromEntries(
        labels.map(([versionId, held]) => [this.versionName(versionId), held.join(" ")]),
      ),
      works: provider.state().flatMap(({ keyId, isAccepted }) => (isAccepted ? [this.keyName(keyId)] : [])),
    };
  }

  /** What the gate of this run said last. */
  async gate(run: Run): Promise<GateAnswer | undefined> {
    return (await this.world.ledger.rotation(this.secretArn, run.rotationId))?.gate;
  }

  /** Why the revoke was refused, each time it was asked. */
  refusals(run: Run): string[] {
    const answers = run.history.filter(
      ({ type, state }) => type === "LambdaFunctionSucceeded" && state === "RevokeKey",
    );
    return answers.flatMap(
      ({ detail }) => (detail?.["output"] as { reason?: string } | undefined)?.reason ?? [],
    );
  }

  instances(consumer: string): readonly Instance[] {
    return this.world.consumers.get(`${this.secretArn} ${consumer}`)?.instances ?? [];
  }

  /** Requests of consumers that no key of theirs got through. */
  failedRequests(): number {
    const instances = [...this.world.consumers.values()].flatMap((consumer) => consumer.instances);
    return instances.reduce((sum, { failed }) => sum + failed, 0);
  }

  keyName(keyId: string): string {
    return this.world.keyName(keyId);
  }

  keyId(name: `k${number}`): string {
    return this.world.provider.state()[Number(name.slice(1)) - 1]?.keyId ?? name;
  }

  versionName(versionId: string): string {
    return this.world.versionName(this.secretArn, versionId);
  }

  versionId(name: `v${number}`): string {
    return this.world.store.versions(this.secretArn)[Number(name.slice(1)) - 1]?.versionId ?? name;
  }

  textOf(name: `k${number}`): string {
    return this.world.provider.texts().get(this.keyId(name)) ?? "";
  }

  scopesOf(name: `k${number}`): readonly string[] {
    return this.#atProvider(name)?.scopes ?? [];
  }

  expiryOf(name: `k${number}`): number {
    return this.#atProvider(name)?.expiresAtMs ?? Number.POSITIVE_INFINITY;
  }

  #atProvider(name: `k${number}`) {
    return this.world.provider.state().find(({ keyId }) => keyId === this.keyId(name));
  }

  /** The key that the secret held when the story began. */
  retiring(): PlacedKey {
    const { keyId, versionId, fingerprint } = this.retiringAtStart ?? {};
    if (!keyId || !versionId || !fingerprint) throw new Error("the story began without a key");
    return { keyId, versionId, fingerprint };
  }

  /** When the run first entered this state. */
  firstAt(run: Run, state: string): number {
    const entered = run.history.find((event) => event.state === state && /Entered$/.test(event.type));
    if (entered === undefined) throw new Error(`the run has not been in ${state}`);
    return entered.timestamp;
  }

  async currentText(): Promise<string> {
    return (await this.world.store.read(this.secretArn)).text.reveal();
  }

  // ---- watching -------------------------------------------------------------------------------------------

  #surroundings(deliveries: StoryOptions["deliveries"]): Surroundings {
    return {
      ...noFaults,
      ...(deliveries && { deliveries }),
      invocation: ({ id }) => {
        const { promise: crashed, reject } = Promise.withResolvers<never>();
        crashed.catch(() => undefined);
        this.#crashes.set(id, () => reject(new TaskFailure("Lambda.Unknown", "the function crashed")));
        return { skewMs: 0, crashed };
      },
      ended: (_invocation, end) => void this.ends.push(end),
      call: async (call, effect) => {
        await this.#meet("before", call);
        const answer = await effect();
        await this.#meet("after", call);
        return answer;
      },
    };
  }

  async #meet(when: Hook["when"], call: BoundaryCall): Promise<void> {
    const hook = this.#hooks.find((each) => each.when === when && each.timesLeft > 0 && each.matches(call));
    if (hook === undefined) return;
    hook.timesLeft -= 1;
    if ((await hook.work(call)) !== crash) return;
    this.#crashes.get(call.invocation.id)?.();
    await new Promise(() => undefined);
  }
}

/** What a hook does to end its function there and then. */
export const crash = (): unknown => crash;

/** The usual calls, by what they do. */
export const calls = {
  move: (label: string) => (call: BoundaryCall) =>
    call.operation === "moveLabel" &&
    (call.given[0] as { label: string }).label === label &&
    "to" in (call.given[0] as object),
  put: (call: BoundaryCall) => call.port === "store" && call.operation === "put",
  writes: (kind: string) => (call: BoundaryCall) =>
    call.port === "table" && call.operation === "put" && (call.given[0] as { kind: string }).kind === kind,
  /** The write after which no run holds the secret. */
  freesLease: (call: BoundaryCall) =>
    calls.writes("SECRET")(call) && (call.given[0] as { body: { lease?: unknown } }).body.lease === undefined,
  of: (functionName: string, operation: string) => (call: BoundaryCall) =>
    call.invocation.functionName === functionName && call.operation === operation,
  delete: (call: BoundaryCall) => call.operation.startsWith("DELETE "),
  mint: (call: BoundaryCall) => /^POST .*\/api_keys$/.test(call.operation),
};
