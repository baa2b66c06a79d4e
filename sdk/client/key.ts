import { createAttempts, type IsAuthFailure, type Work } from "./attempt.ts";
import { createCache, type Extent } from "./cache.ts";
import type { KeyVersion } from "./consumer-report.ts";
import { ignore, KeyTooStale, RekeyClosed } from "./errors.ts";
import type { Settings } from "./options.ts";
import { signerOf } from "./proof.ts";
import { createReporter } from "./report.ts";
import { createWatch } from "./watch.ts";

export interface OpenRequest extends Extent {
  /** Default: a thrown error with status 401, as most HTTP clients have it, or an answered `Response` with it. */
  isAuthFailure?: IsAuthFailure | undefined;
}

/** How a use ended that `use` did not see. Names the key that was used; without a name, the key that is held now. */
export interface Outcome {
  ok: boolean;
  fingerprint?: string | undefined;
}

export type Listener = (version: KeyVersion) => void;

/** One key, held in memory and kept up to date. Its value is in no property that is printed or serialised. */
export interface Key {
  readonly fingerprint: string;
  readonly versionId: string;
  readonly version: KeyVersion;
  /** True for a short-lived token, which is sent as a bearer token even where keys have a header of their own. */
  readonly isToken?: true;
  /** The key's text, without waiting. Throws `KeyTooStale` if it was last confirmed longer than `maxStaleMs` ago. */
  get(): string;
  /**
   * Runs `work` with the key. If the key is refused, reads it again (one read for all callers) and, if it has
   * changed, runs `work` once more.
   */
  use<T>(work: Work<T>): Promise<T>;
  /** Settles when the key may be served: at once, unless it was never read or is older than `maxStaleMs`. */
  ready(): Promise<void>;
  /** Reads the key now and rejects if that fails. */
  refresh(): Promise<void>;
  /** Does what timers would have done by now: for places where timers stop between requests. */
  tend(): Promise<void>;
  /** Reports how a use of `get()` ended. If the key that is held now was refused, it is read again. */
  outcome(outcome: Outcome): Promise<{ changed: boolean }>;
  /**
   * Calls back when another version is held, and returns a function that stops it. The key is not passed:
   * `get` it.
   */
  onChange(listener: Listener): () => void;
}

/** What the client itself does with a key, besides its public methods. */
export interface OpenKey extends Key {
  /** A message that a secret has changed. It is not trusted: it only leads to a check. */
  announced(secretArn: unknown): void;
  /** Waits for a report that is being sent. */
  flush(): Promise<void>;
  /** Sends a last report and drops the key. */
  close(): Promise<void>;
}

/** Instances that receive an announcement together check within this time, not all at once. */
const announcementSpreadMs = 3_000;

export function createKey(settings: Settings, request: OpenRequest): OpenKey {
  const { maxStaleMs, random } = settings;
  const { secret } = request;
  const { cache, reporter, watch, attempts, listeners, beat } = wire(settings, request);

  /** Reads again in the background. The caller gets the held value, unless it is too old. */
  const revalidate = (): void => {
    if (cache.isClosed()) throw new RekeyClosed("this client is closed");
    if (!cache.isResting()) cache.read().catch(ignore);
    const ageMs = cache.ageMs();
    if (ageMs > maxStaleMs) throw new KeyTooStale({ secret, ageMs, maxStaleMs, cause: cache.failure() });
  };

  const key: OpenKey = {
    get version() {
      return cache.version();
    },
    get versionId() {
      return key.version.versionId;
    },
    get fingerprint() {
      return key.version.fingerprint;
    },
    get() {
      if (!cache.isFresh()) revalidate();
      return cache.text();
    },
    async use(work) {
      await key.ready();
      return attempts.use(work);
    },
    async ready() {
      if (cache.ageMs() > maxStaleMs) {
        if (!key.versionId) await cache.read();
        else if (!cache.isResting()) await cache.read().catch(ignore);
      }
      if (!cache.isFresh()) revalidate();
    },
    async refresh() {
      if (cache.isClosed()) throw new RekeyClosed("this client is closed");
      await cache.read();
    },
    async tend() {
      if (!cache.isResting() && (!cache.isFresh() || reporter.isDue(0))) await beat();
    },
    async outcome({ ok, fingerprint = key.fingerprint }) {
      attempts.record(fingerprint, { ok });
      return { changed: ok ? fingerprint !== key.fingerprint : await attempts.isReplaced(fingerprint) };
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    announced(secretArn) {
      if (secretArn === key.version.arn) watch.news(announcementSpreadMs * random());
    },
    flush: reporter.flush,
    async close() {
      if (!cache.isClosed() && key.versionId) reporter.send("stopping");
      watch.stop();
      cache.close();
      await reporter.flush();
    },
  };
  return key;
}

/** Connects the parts of a key: what each triggers in the others. */
function wire(settings: Settings, request: OpenRequest) {
  const listeners = new Set<Listener>();

  const changed = ({ versionId }: KeyVersion): void => {
    const version = cache.version();
    attempts.hold(version.fingerprint);
    reporter.send(versionId ? "changed" : "started");
    if (versionId) {
      settings.log("changed", version.arn, `${versionId} to ${version.versionId}`);
      watch.news();
    }
    watch.start();
    // In a promise, so that a listener that throws stops neither the refresh nor the other listeners.
    for (const listener of listeners) Promise.resolve(version).then(listener).catch(ignore);
  };

  /** An idle key is confirmed only when its heartbeat is due, so that it costs nothing in between. */
  const beat = async (): Promise<void> => {
    const isRotating = watch.isOpen();
    const everyMs = watch.everyMs();
    if (isRotating || cache.wasUsed() || cache.ageMs() + everyMs > settings.heartbeatEveryMs) {
      await cache.check().catch(ignore);
    }
    if (!cache.isClosed() && (isRotating || reporter.isDue(everyMs))) reporter.send("heartbeat");
  };

  const watch = createWatch(settings, beat);
  const cache = createCache(settings, request, { changed, described: watch.described });
  const attempts = createAttempts(settings, {
    cache,
    watch,
    isAuthFailure: request.isAuthFailure,
    tell: () => reporter.send("refused"),
  });
  const reporter = createReporter(settings, () => {
    const version = cache.version();
    const { takeReads } = cache;
    return { ...version, uses: attempts.report(), sign: signerOf(version), takeReads };
  });
  return { cache, reporter, watch, attempts, listeners, beat };
}
