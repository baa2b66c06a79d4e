import {
  type Calls,
  createRekey,
  type Key,
  KeyUnreadable,
  OptionInvalid,
  type Reading,
  type Rekey,
  type RekeyOptions,
  type Transport,
} from "../client/index.ts";
import type { DeclaredSecret } from "./settings.ts";

export interface Lookup {
  secretId: string;
  versionId?: string | undefined;
  versionStage?: string | undefined;
}

export interface PostedOutcome {
  secretId: string;
  ok: boolean;
  fingerprint?: string | undefined;
  versionId?: string | undefined;
}

interface Entry {
  key: Key;
  /** The answer that is held, and for a moment the one before it: the client decides which one counts. */
  readings: Reading[];
  /** The versions that were served, so that an outcome can name one: enough for a rotation inside a rotation. */
  fingerprints: Map<string, string>;
}

/** Further names are not cached: each request for one is read from upstream. */
const onDemandMax = 100;
const versionsMax = 8;

/**
 * The client, used by secret name, with answers like GetSecretValue. Only declared secrets are reported.
 * Others are just cached, because without a declared field nobody knows which part of them is the key.
 */
export class Secrets {
  readonly #timeoutMs: number;
  readonly #transport: Transport;
  readonly #reported: Rekey;
  readonly #onDemand: Rekey;
  readonly #declared: readonly DeclaredSecret[];
  readonly #entries = new Map<string, Entry>();
  readonly #readings = new Map<string, Reading[]>();

  constructor(options: RekeyOptions & { transport: Transport }, declared: readonly DeclaredSecret[]) {
    const { transport, timeoutMs = 5_000 } = options;
    const listening = { ...options, kind: "extension", transport: this.#listenTo(transport) } as const;
    this.#timeoutMs = timeoutMs;
    this.#transport = transport;
    this.#declared = declared;
    this.#reported = createRekey(listening);
    this.#onDemand = createRekey({ ...listening, reportBus: undefined });
  }

  /** Reads all declared secrets; one that fails is read again when it is asked for. */
  async prefetch(): Promise<void> {
    await Promise.allSettled(this.#declared.map(({ secret }) => this.#entry(secret)));
  }

  /** Does what timers would have done if the sandbox had not been frozen. */
  async tend(): Promise<void> {
    await Promise.allSettled([...this.#entries.values()].map(({ key }) => key.tend()));
    await this.#reported.flush();
  }

  async lookUp({ secretId, versionId, versionStage = "AWSCURRENT" }: Lookup): Promise<Reading> {
    const isCached =
      versionStage === "AWSCURRENT" && (!versionId || versionId === this.#find(secretId)?.key.versionId);
    if (!isCached)
      return this.#readNow({ secretId, versionId, versionStage: versionId ? undefined : versionStage });
    try {
      return held(await this.#entry(secretId));
    } catch (error) {
      // A binary secret, or one too many: served, but not cached.
      if (error instanceof KeyUnreadable || error instanceof OptionInvalid)
        return this.#readNow({ secretId });
      throw error;
    }
  }

  /** Does nothing if that key was never served here. */
  async outcome({ secretId, ok, fingerprint, versionId }: PostedOutcome) {
    const entry = this.#find(secretId);
    const used = fingerprint ?? entry?.fingerprints.get(versionId ?? "");
    if (!entry || !used) return undefined;
    const { changed } = await entry.key.outcome({ ok, fingerprint: used });
    return { changed, versionId: entry.key.versionId, fingerprint: entry.key.fingerprint };
  }

  async close(): Promise<void> {
    await Promise.all([this.#reported.close(), this.#onDemand.close()]);
    this.#entries.clear();
    this.#readings.clear();
  }

  async #entry(secretId: string): Promise<Entry> {
    const known = this.#find(secretId);
    if (known) {
      await known.key.ready();
      return known;
    }
    const declared = this.#declared.find(({ secret }) => secret === secretId);
    if (!declared && this.#entries.size - this.#declared.length >= onDemandMax)
      throw new OptionInvalid("too many");
    const key = await (declared ? this.#reported.open(declared) : this.#onDemand.open({ secret: secretId }));
    return this.#entries.get(secretId) ?? this.#keep(secretId, key);
  }

  #keep(secretId: string, key: Key): Entry {
    const fingerprints = new Map([[key.versionId, key.fingerprint]]);
    const entry: Entry = { key, readings: this.#readings.get(secretId) ?? [], fingerprints };
    this.#readings.set(secretId, entry.readings);
    key.onChange(({ versionId, fingerprint }) => {
      fingerprints.set(versionId, fingerprint);
      const [oldest = ""] = fingerprints.keys();
      if (fingerprints.size > versionsMax) fingerprints.delete(oldest);
      held(entry);
    });
    this.#entries.set(secretId, entry);
    return entry;
  }

  /** By the name with which it was opened, or by the other of its two names. */
  #find(secretId: string): Entry | undefined {
    const exact = this.#entries.get(secretId);
    if (exact) return exact;
    return [...this.#entries.values()].find(({ readings: [reading] }) =>
      [reading?.ARN, reading?.Name].includes(secretId),
    );
  }

  #listenTo(transport: Transport): Transport {
    const listen = async (target: keyof Calls, input: { SecretId: string }, signal: AbortSignal) => {
      const answer = await transport(target, input, signal);
      if (target === "secretsmanager.GetSecretValue") this.#remember(input.SecretId, answer as Reading);
      return answer;
    };
    return listen as Transport;
  }

  #remember(secretId: string, reading: Reading): void {
    const readings = this.#readings.get(secretId) ?? [];
    this.#readings.set(secretId, readings);
    const others = readings.filter(({ VersionId }) => VersionId !== reading.VersionId);
    readings.splice(0, Infinity, ...others.slice(-1), reading);
  }

  async #readNow({ secretId, versionId, versionStage }: Lookup): Promise<Reading> {
    const input = { SecretId: secretId, VersionId: versionId, VersionStage: versionStage };
    const asked = JSON.parse(JSON.stringify(input)) as Calls["secretsmanager.GetSecretValue"]["input"];
    return this.#transport("secretsmanager.GetSecretValue", asked, AbortSignal.timeout(this.#timeoutMs));
  }
}

/** The answer that the client considers current. Any other is dropped. */
function held({ key, readings }: Entry): Reading {
  const reading = readings.find(({ VersionId }) => VersionId === key.versionId);
  if (!reading) throw new KeyUnreadable(key.version.arn);
  if (readings.length > 1) readings.splice(0, Infinity, reading);
  return reading;
}
