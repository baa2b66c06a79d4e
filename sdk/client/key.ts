import { createAttempts, type IsAuthFailure, type Work } from "./attempt.ts";
import { createCache, type Extent, type KeyVersion } from "./cache.ts";
import { ignore, KeyTooStale, RekeyClosed } from "./errors.ts";
import type { Settings } from "./options.ts";
import { createReporter } from "./report.ts";
import { createWatch } from "./watch.ts";

export interface OpenRequest extends Extent {
  /** Default: a thrown error with status 401, as most HTTP clients have it, or an answered `Response` with it. */
  isAuthFailure?: IsAuthFailure | undefined;
}

/** What became of a use that `use` did not see; names the key that was used, else the one held now is meant. */
export interface Outcome {
  ok: boolean;
  fingerprint?: string | undefined;
}

export type Listener = (version: KeyVersion) => void;

/** One key, held in memory and kept current: its value is in no property that anything prints or serialises. */
export interface Key {
  readonly fingerprint: string;
  readonly versionId: string;
  readonly version: KeyVersion;
  /** The key's text, at once. Throws `KeyTooStale` when it was last confirmed longer than `maxStaleMs` ago. */
  get(): string;
  /**
   * Runs `work` with the key. If the key is refused, reads it again (together with everybody else) and, if there
   * is another one by now, runs `work` once more.
   */
  use<T>(work: Work<T>): Promise<T>;
  /** Settles when the key may be served: at once, unless it is cold or past `maxStaleMs`. */
  ready(): Promise<void>;
  /** Reads the key now and rejects if that fails. */
  refresh(): Promise<void>;
  /** Does what a timer would have done by now: for places where timers stand still between requests. */
  tend(): Promise<void>;
  /** Tells what became of a use of `get()`; a refusal of the key held now reads it again. */
  outcome(outcome: Outcome): Promise<{ changed: boolean }>;
  /** Calls back when another version is held; answers how to stop. The key itself is not passed: `get` it. */
  onChange(listener: Listener): () => void;
}

/** What its client does with a key, besides. */
export interface OpenKey extends Key {
  /** Somebody says that a secret changed: believed only as far as looking. */
  announced(secretArn: unknown): void;
  /** Waits for a report on its way. */
  flush(): Promise<void>;
  /** Reports for the last time and lets go of the key. */
  close(): Promise<void>;
}

/** A fleet that hears an announcement together asks within this time, not at one instant. */
const announcementSpreadMs = 3_000;

export function createKey(settings: Settings, request: OpenRequest): OpenKey {
  const { maxStaleMs, random } = settings;
  const { secret } = request;
  const { cache, reporter, watch, attempts, listeners, beat } = wire(settings, request);

  /** Reads anew behind the back of the caller, who may have what is held unless it is too old. */
  const revalidate = (): void => {
    if (cache.isClosed()) throw new RekeyClosed("closed");
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
      if (cache.isClosed()) throw new RekeyClosed("closed");
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

/** The parts of a key, and what each sets off in the others. */
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

  /** An idle key is confirmed only when its heartbeat is due: silence in between costs nothing. */
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
  const reporter = createReporter(settings, () => ({ ...cache.version(), uses: attempts.report() }));
  return { cache, reporter, watch, attempts, listeners, beat };
}
