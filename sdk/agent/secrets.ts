import { RekeyError } from "../client/errors.ts";
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

export interface DeclaredSecret {
  secret: string;
  /** The field of a JSON value that is the key. */
  field?: string;
}

/** `reference` or `reference#field`. In Vault's references the field belongs to the reference. */
export function parseSecret(entry: string): DeclaredSecret {
  if (entry.startsWith("vault://")) return { secret: entry };
  const [secret = "", field] = entry.split("#");
  return field ? { secret, field } : { secret };
}

export interface Lookup {
  secretId: string;
  versionId?: string | undefined;
  versionStage?: string | undefined;
  /** Asks upstream first, as AWS's agent does. */
  refreshNow?: boolean | undefined;
}

/** What is asked for is not for this caller: another secret than the listed ones, or another version than the current. */
export class LookupRefused extends RekeyError {
  override readonly name = "LookupRefused";
  declare readonly reason: "SecretNotListed" | "VersionNotCurrent";

  constructor(reason: LookupRefused["reason"]) {
    super(reason, { reason });
  }
}

export interface SecretsOptions extends RekeyOptions {
  transport: Transport;
  kind: "extension" | "agent";
  declared: readonly DeclaredSecret[];
  /** True: only the declared secrets are served, and of these only the current version. */
  onlyDeclared: boolean;
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
  refreshAgainAtMs: number;
}

/** Further names are not cached: each request for one is read from upstream. */
const onDemandMax = 100;
const versionsMax = 8;
const refreshPauseMs = 1_000;

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
  /** Every name that upstream gave to a secret that was read here, and the one it was opened with. */
  readonly #names = new Map<string, string>();
  readonly #onlyDeclared: boolean;

  constructor({ declared, onlyDeclared, ...options }: SecretsOptions) {
    const { transport, timeoutMs = 5_000 } = options;
    const log: RekeyOptions["log"] = (line) => {
      if (line.event === "evicted") this.#readings.get(line.secret)?.splice(0, Infinity);
      options.log?.(line);
    };
    const listening = { ...options, log, transport: this.#listenTo(transport) };
    this.#onlyDeclared = onlyDeclared;
    this.#timeoutMs = timeoutMs;
    this.#transport = transport;
    this.#declared = declared;
    this.#reported = createRekey(listening);
    this.#onDemand = createRekey({ ...listening, reportBus: undefined });
  }

  /** Reads all declared secrets, and answers with what failed; that is read again when it is asked for. */
  async prefetch(): Promise<readonly { secret: string; error: unknown }[]> {
    const tries = this.#declared.map(({ secret }) =>
      this.#entry(secret).then(
        () => [],
        (error: unknown) => [{ secret, error }],
      ),
    );
    return (await Promise.all(tries)).flat();
  }

  /** Somebody says that a secret has a new version: believed only as far as looking. */
  announced(event: unknown): void {
    this.#reported.announced(event);
    this.#onDemand.announced(event);
  }

  /** Asks upstream for every secret now; a failure is logged by the client, and what is held stays. */
  async refresh(): Promise<void> {
    await Promise.allSettled([...this.#entries.values()].map(({ key }) => key.refresh()));
  }

  /** Does what timers would have done if the sandbox had not been frozen. */
  async tend(): Promise<void> {
    await Promise.allSettled([...this.#entries.values()].map(({ key }) => key.tend()));
    await this.#reported.flush();
  }

  async lookUp({ secretId, versionId, versionStage = "AWSCURRENT", refreshNow }: Lookup): Promise<Reading> {
    const known = this.#find(secretId);
    if (this.#onlyDeclared && !known) throw new LookupRefused("SecretNotListed");
    if (refreshNow && known) await this.#refreshOne(known);
    const isCached = versionStage === "AWSCURRENT" && (!versionId || versionId === known?.key.versionId);
    if (!isCached && this.#onlyDeclared) throw new LookupRefused("VersionNotCurrent");
    if (!isCached)
      return this.#readNow({ secretId, versionId, versionStage: versionId ? undefined : versionStage });
    try {
      return held(await this.#entry(secretId));
    } catch (error) {
      // A binary secret, or one too many: served, but not cached.
      const isServable = error instanceof KeyUnreadable || error instanceof OptionInvalid;
      if (isServable && !this.#onlyDeclared) return this.#readNow({ secretId });
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
    this.#names.clear();
  }

  /** A caller that wants every answer fresh gets one a second, or it could use up the account's quota. */
  async #refreshOne(entry: Entry): Promise<void> {
    const nowMs = performance.now();
    if (nowMs < entry.refreshAgainAtMs) return;
    entry.refreshAgainAtMs = nowMs + refreshPauseMs;
    await entry.key.refresh();
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
    const entry: Entry = {
      key,
      readings: this.#readings.get(secretId) ?? [],
      fingerprints,
      refreshAgainAtMs: 0,
    };
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
    return this.#entries.get(secretId) ?? this.#entries.get(this.#names.get(secretId) ?? "");
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
    if (this.#names.size < onDemandMax * 4) {
      for (const name of [reading.ARN, reading.Name ?? reading.ARN]) this.#names.set(name, secretId);
    }
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
