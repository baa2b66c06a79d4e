import type { Fingerprint, SecretArn, SecretStore } from "../../../core/ports.ts";
import { fingerprintOf } from "../../../events/fingerprint.ts";
import type { Http } from "../../../providers/http.ts";
import type { Cause } from "../../../sdk/client/consumer-report.ts";
import { type Sign, signerFor } from "../../../sdk/client/proof.ts";
import { keyIn } from "../../../stores/value.ts";

export interface ConsumerOptions {
  readonly name: string;
  readonly environment?: string;
  readonly account?: string;
  readonly instances?: number;
  /** How often an instance asks the store for the current version. */
  readonly refreshEveryMs?: number;
  readonly useEveryMs?: number;
  readonly reportEveryMs?: number;
  readonly maxStaleMs?: number;
  /** The JSON field that holds the key; absent for a bare string. */
  readonly field?: string;
  /** It reads the replica of this Region, and reports the replica's ARN. */
  readonly replicaRegion?: string;
  /** It reads this version, whichever is current. */
  readonly readsVersion?: string;
  /** It has no client that reports. */
  readonly isSilent?: true;
}

type Absent = "field" | "replicaRegion" | "readsVersion" | "isSilent";
type Settled = Required<Omit<ConsumerOptions, Absent>> & Pick<ConsumerOptions, Absent>;

export interface ConsumerWorld {
  readonly secretArn: SecretArn;
  readonly store: Pick<SecretStore, "current">;
  readonly http: Http;
  readonly baseUrl: string;
  report(
    consumer: Required<Pick<ConsumerOptions, "environment" | "account">>,
    detail: Record<string, unknown>,
  ): void;
}

interface Use {
  successAtMs: number | undefined;
  refusalAtMs: number | undefined;
}

/**
 * A consumer as the client library makes it: it keeps the key, asks for the current one now and then, asks at
 * once when it is refused, and reports what it holds and used.
 */
export class Instance {
  readonly id: string;
  readonly #options: Settled;
  readonly #world: ConsumerWorld;
  readonly #uses = new Map<Fingerprint, Use>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #held:
    | { text: string; fingerprint: Fingerprint; versionId: string; fetchedAtMs: number; sign: Sign }
    | undefined;
  #sequence = 0;
  #isFrozen = false;
  #isStopped = false;
  requests = 0;
  failed = 0;

  constructor(id: string, options: Settled, world: ConsumerWorld) {
    this.id = id;
    this.#options = options;
    this.#world = world;
  }

  async start(): Promise<void> {
    await this.#refresh("started");
    this.#every(this.#options.refreshEveryMs, () => this.#refresh("changed"));
    this.#every(this.#options.useEveryMs, () => this.#use());
    this.#every(this.#options.reportEveryMs, async () => this.#report("heartbeat"));
  }

  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
  }

  /** It says that it runs, and cannot reach the store yet: it goes on with what it holds. */
  reportAlive(): void {
    if (this.#isStopped) return;
    this.thaw();
    this.#report("heartbeat");
    this.freeze();
  }

  /** `silently`: killed, without its last report. */
  stop({ silently }: { readonly silently: boolean }): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    if (!silently) this.#report("stopping");
  }

  get consumer(): Settled {
    return this.#options;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  get holds(): Fingerprint | undefined {
    return this.#held?.fingerprint;
  }

  get fetchedAtMs(): number | undefined {
    return this.#held?.fetchedAtMs;
  }

  /** Whether its next request would go out with this key: it runs, holds it and trusts it still. */
  wouldUse(fingerprint: Fingerprint): boolean {
    const held = this.#held;
    if (this.#isStopped || held?.fingerprint !== fingerprint) return false;
    return Date.now() - held.fetchedAtMs <= this.#options.maxStaleMs;
  }

  async #refresh(cause: Cause): Promise<void> {
    const { text: value, versionId } = await this.#world.store.current(this.#world.secretArn);
    const key = keyIn(value, this.#options.field);
    const before = this.#held?.fingerprint;
    const fingerprint = fingerprintOf(key);
    const text = key.reveal();
    const sign = before === fingerprint && this.#held ? this.#held.sign : signerFor(text);
    this.#held = { text, fingerprint, versionId, fetchedAtMs: Date.now(), sign };
    if (before !== fingerprint) this.#report(cause);
  }

  /** One request with the key it holds; refused once, it refreshes and tries once more. */
  async #use(): Promise<void> {
    if (this.#held === undefined || Date.now() - this.#held.fetchedAtMs > this.#options.maxStaleMs) return;
    this.requests += 1;
    if (await this.#request()) return;
    await this.#refresh("refused");
    if (!(await this.#request())) this.failed += 1;
  }

  async #request(): Promise<boolean> {
    const held = this.#held;
    if (held === undefined) return false;
    const { status } = await this.#world.http.send({
      method: "POST",
      url: `${this.#world.baseUrl}/chat/completions`,
      headers: { authorization: `Bearer ${held.text}` },
      body: { model: "gpt-FAKE", messages: [] },
    });
    const use = this.#uses.get(held.fingerprint) ?? { successAtMs: undefined, refusalAtMs: undefined };
    this.#uses.set(held.fingerprint, use);
    if (status === 200) use.successAtMs = Date.now();
    else use.refusalAtMs = Date.now();
    return status === 200;
  }

  #every(ms: number, work: () => Promise<void>): void {
    if (!Number.isFinite(ms)) return;
    this.#timers.add(
      setInterval(() => {
        if (!this.#isFrozen) work().catch(() => undefined);
      }, ms),
    );
  }

  #report(cause: Cause): void {
    if (this.#held === undefined || this.#isFrozen || this.#options.isSilent) return;
    this.#sequence += 1;
    const { name, environment, account, maxStaleMs, replicaRegion } = this.#options;
    const { secretArn } = this.#world;
    const ago = (at: number | undefined) => (at === undefined ? null : Date.now() - at);
    const report = {
      schema: 1 as const,
      kind: "client" as const,
      consumer: name,
      instance: this.id,
      secretArn:
        replicaRegion === undefined ? secretArn : secretArn.split(":").with(3, replicaRegion).join(":"),
      holds: { fingerprint: this.#held.fingerprint, versionId: this.#held.versionId },
      uses: [...this.#uses].slice(-4).map(([fingerprint, use]) => ({
        fingerprint,
        lastSuccessAgoMs: ago(use.successAtMs),
        lastRefusalAgoMs: ago(use.refusalAtMs),
      })),
      cause,
      sequence: this.#sequence,
      maxStaleMs,
      sdk: "rekey-client/0.1.0" as const,
    };
    const proof = this.#held.sign(report, Date.now());
    this.#world.report({ environment, account }, { ...report, proof });
  }
}

export interface Consumer {
  readonly name: string;
  readonly instances: Instance[];
}

export async function startConsumer(options: ConsumerOptions, world: ConsumerWorld): Promise<Consumer> {
  const full: Settled = {
    environment: "production",
    account: "111122223333",
    instances: 2,
    refreshEveryMs: 60_000,
    useEveryMs: 10_000,
    reportEveryMs: 60_000,
    maxStaleMs: 15 * 60_000,
    ...options,
  };
  const instances: Instance[] = [];
  for (let index = 1; index <= full.instances; index++) {
    const instance = new Instance(`${full.name}-${index}`, full, world);
    await instance.start();
    instances.push(instance);
  }
  return { name: full.name, instances };
}
