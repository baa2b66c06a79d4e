import { createAttempts, type IsAuthFailure } from "./attempt.ts";
import { type Clock, jittered, stopwatch, type Timer } from "./clock.ts";
import type { KeyVersion } from "./consumer-report.ts";
import { about, ignore, isPassing, KeyTooStale, RekeyClosed, type RekeyError } from "./errors.ts";
import { withDeadline } from "./flight.ts";
import type { Key, Listener } from "./key.ts";
import { sha256 } from "./sigv4.ts";
import { unavailable } from "./store-calls.ts";

export interface Issued {
  text: string;
  /** Counted from when it was asked for. */
  lifeMs: number;
}

export interface FederatedSettings {
  secret: string;
  exchange(signal: AbortSignal): Promise<Issued>;
  clock: Clock;
  random(): number;
  timeoutMs: number;
  isAuthFailure: IsAuthFailure | undefined;
}

export interface FederatedKey extends Key {
  close(): void;
}

/** What says that it lives longer is renewed all the same: no issuer of these gives more. */
const lifeMaxMs = 24 * 3_600_000;
/** A token is not sent in the last part of its life: the request takes a while, and clocks differ. */
const lastPart = 0.05;
const lastPartMaxMs = 30_000;
/** After failures there is a pause without requests, from the first of these up to the last. */
const restMinMs = 250;
const restMaxMs = 15_000;
const retryAfterMs = 100;
/** Refusals that are further apart have nothing to do with each other. */
const calmMs = 4 * restMaxMs;
/** What can be sent in a header; it is also how long an issuer's answer may be. */
const sendable = /^[\x21-\x7e]{1,16384}$/;

/** One short-lived token in the form of a key: fetched when it is needed, renewed while it is used, dropped at its end. */
export function createFederatedKey(settings: FederatedSettings): FederatedKey {
  const { clock, isAuthFailure } = settings;
  const now = stopwatch(clock);
  const listeners = new Set<Listener>();
  const tokens = createTokens(settings, now, (version) => {
    attempts.hold(version.fingerprint);
    for (const listener of listeners) Promise.resolve(version).then(listener).catch(ignore);
  });
  const cache = { version: tokens.version, text: tokens.text, read: createReplace(settings, now, tokens) };
  const attempts = createAttempts(
    { clock, now },
    { cache, isAuthFailure, tell: ignore, watch: { refused: ignore } },
  );

  const key: FederatedKey = {
    isToken: true,
    get version() {
      return tokens.version();
    },
    get versionId() {
      return key.version.versionId;
    },
    get fingerprint() {
      return key.version.fingerprint;
    },
    get() {
      if (tokens.isDue()) tokens.renew().catch(ignore);
      return tokens.text();
    },
    async use(work) {
      await key.ready();
      return attempts.use(work);
    },
    async ready() {
      if (!tokens.isAlive()) await tokens.renew();
      else if (tokens.isDue()) tokens.renew().catch(ignore);
    },
    refresh: tokens.renew,
    async tend() {
      if (tokens.isDue()) await tokens.renew().catch(ignore);
    },
    async outcome({ ok, fingerprint = key.fingerprint }) {
      attempts.record(fingerprint, { ok });
      return { changed: ok ? fingerprint !== key.fingerprint : await attempts.isReplaced(fingerprint) };
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: tokens.close,
  };
  return key;
}

function createTokens(
  settings: FederatedSettings,
  now: () => number,
  changed: (version: KeyVersion) => void,
) {
  const { secret, exchange, clock, random, timeoutMs } = settings;
  const held = createHeld(settings, now, changed);
  const { withRest, ...rest } = createRest({ secret, random, now });
  let flight: { run: Promise<void>; atMs: number } | undefined;

  /** Asked once more if the failure may pass. */
  const ask = async (signal: AbortSignal): Promise<void> => {
    const once = async () => {
      const atMs = now();
      held.hold(await exchange(signal), atMs);
    };
    await once().catch(async (error: unknown) => {
      if (!isPassing(error)) throw error;
      await new Promise<void>((resolve) => clock.setTimeout(resolve, jittered(retryAfterMs, random)));
      return once();
    });
  };

  /** One request at a time, for all who wait. */
  const renew = async (): Promise<void> => {
    held.refuseClosed();
    rest.refuseResting();
    // An older request was frozen with its sandbox.
    if (flight !== undefined && now() - flight.atMs <= timeoutMs) return flight.run;
    const run = withRest(withDeadline({ clock, timeoutMs }, ask)).finally(() => {
      if (flight?.run === run) flight = undefined;
    });
    flight = { run, atMs: now() };
    return run;
  };

  return {
    ...held,
    renew,
    isRenewing: () => flight !== undefined,
    text: () => held.text(rest.failure()),
  };
}

/** Each token is a new one, so an API that refuses them all would have the issuer asked at each request. */
function createReplace(
  { random }: Pick<FederatedSettings, "random">,
  now: () => number,
  { renew, isRenewing }: Pick<ReturnType<typeof createTokens>, "renew" | "isRenewing">,
) {
  let replaced = 0;
  let [askedAtMs, untilMs] = [0, 0];
  return async (): Promise<void> => {
    if (isRenewing()) return renew();
    const atMs = now();
    if (atMs < untilMs) return;
    if (atMs - askedAtMs > calmMs) replaced = 0;
    askedAtMs = atMs;
    untilMs = atMs + jittered(Math.min(restMinMs * 2 ** replaced++, restMaxMs), random);
    return renew();
  };
}

/** After failures the issuer is left alone for a while, and the last failure is the answer. */
function createRest({ secret, random, now }: Pick<FederatedSettings, "secret" | "random"> & Now) {
  let [failures, untilMs] = [0, 0];
  let failure: RekeyError | undefined;
  return {
    failure: () => failure,
    refuseResting(): void {
      if (failure !== undefined && now() < untilMs) throw failure;
    },
    withRest: (work: Promise<void>): Promise<void> =>
      work.then(
        () => {
          failure = undefined;
          failures = 0;
        },
        (error: unknown) => {
          failure = about(error, secret);
          untilMs = now() + jittered(Math.min(restMinMs * 2 ** failures++, restMaxMs), random);
          throw failure;
        },
      ),
  };
}

interface Now {
  now(): number;
}

/** The token of now, and nothing of it after its end. */
function createHeld(
  { secret, clock, random }: FederatedSettings,
  now: () => number,
  changed: (version: KeyVersion) => void,
) {
  let text = "";
  let version: KeyVersion = { arn: secret, versionId: "", fingerprint: "" };
  let life = { atMs: 0, lifeMs: 0, dueAtMs: 0, endsAtMs: 0 };
  let made = 0;
  let timer: Timer | undefined;
  let isClosed = false;

  const isAlive = () => text !== "" && now() < life.endsAtMs;

  const drop = (): void => {
    text = "";
    clock.clearTimeout(timer);
  };

  /** Whether somebody asks for it or not. */
  const dropAtEnd = (): void => {
    clock.clearTimeout(timer);
    timer = clock.setTimeout(() => (isAlive() ? dropAtEnd() : drop()), Math.ceil(life.endsAtMs - now()));
    timer.unref?.();
  };

  const refuseClosed = (): void => {
    if (isClosed) throw new RekeyClosed("this client is closed");
  };

  return {
    version: () => version,
    isAlive,
    isDue: () => now() >= life.dueAtMs,
    refuseClosed,
    hold(issued: Issued, atMs: number): void {
      const lifeMs = Math.min(issued.lifeMs, lifeMaxMs);
      const endsAtMs = atMs + lifeMs - Math.min(lifeMs * lastPart, lastPartMaxMs);
      if (!sendable.test(issued.text) || !(endsAtMs > now())) {
        const says = "what was issued cannot be sent, or has already ended";
        throw unavailable("refused", { about: secret, says });
      }
      // A late answer to an older request says nothing new.
      if (isClosed || atMs < life.atMs) return;
      // A fleet that was started together does not ask together.
      life = { atMs, lifeMs, endsAtMs, dueAtMs: atMs + lifeMs * (0.7 + 0.1 * random()) };
      text = issued.text;
      version = { arn: secret, versionId: `token-${++made}`, fingerprint: `sha256:${sha256(text)}` };
      dropAtEnd();
      changed(version);
    },
    text(cause: RekeyError | undefined): string {
      if (isAlive()) return text;
      drop();
      refuseClosed();
      throw new KeyTooStale({ secret, ageMs: now() - life.atMs, maxStaleMs: life.lifeMs, cause });
    },
    close(): void {
      isClosed = true;
      drop();
    },
  };
}
