import { jittered } from "./clock.ts";
import { about, isPassing, type RekeyError, UpstreamUnavailable } from "./errors.ts";
import type { Settings } from "./options.ts";
import type { Calls } from "./transport.ts";

export type Work<T> = (signal: AbortSignal) => Promise<T>;

/** After failures there is a pause without requests, from the first of these up to the last. */
const restMinMs = 250;
const restMaxMs = 15_000;
const retryAfterMs = 100;
/** How long the last requests took, for one report. */
const timesMax = 20;

/** One request to upstream at a time, shared by every caller who needs it. */
export function createFlight(
  settings: Settings,
  { SecretId, failed }: { SecretId: string; failed: () => void },
) {
  const { clock, now, timeoutMs, random, log, transport } = settings;
  let current: Promise<void> | undefined;
  let startedAt = 0;
  let failures = 0;
  let restUntil = 0;
  let failure: RekeyError | undefined;
  let seen: Reads = { ms: [], failed: 0 };

  const land = (flight: Promise<void>, error?: RekeyError): void => {
    if (current === flight) current = undefined;
    failure = error;
    restUntil = 0;
    if (!error) failures = 0;
    else {
      restUntil = now() + jittered(Math.min(restMinMs * 2 ** failures++, restMaxMs), random);
      seen = { ...seen, failed: seen.failed + 1 };
      log("refreshFailed", SecretId, error.message);
      failed();
      throw error;
    }
  };

  /** The answer, and when it was asked for. */
  const askOnce = async <T extends Read>(
    target: T,
    signal: AbortSignal,
  ): Promise<[Calls[T]["answer"], number]> => {
    const askedAt = now();
    const answer = await transport(target, { SecretId }, signal);
    seen = { ...seen, ms: [...seen.ms, Math.max(0, Math.round(now() - askedAt))].slice(-timesMax) };
    return [answer, askedAt];
  };

  return {
    failure: () => failure,
    /** Of the requests since the last call. */
    takeReads(): Reads {
      const taken = seen;
      seen = { ms: [], failed: 0 };
      return taken;
    },
    /** Whether upstream failed a moment ago, so that another request would only add to its load. */
    isResting: () => now() < restUntil,
    join(work: Work<unknown>): Promise<void> {
      // An older request was frozen with the sandbox. If its answer still arrives, it is judged by its age.
      if (current && now() - startedAt <= timeoutMs) return current;
      startedAt = now();
      const flight: Promise<void> = withDeadline(settings, work).then(
        () => land(flight),
        (error) => land(flight, about(error, SecretId)),
      );
      current = flight;
      return flight;
    },
    /** Repeated once if the failure may pass, such as a kept-alive connection that the other side had closed. */
    ask: <T extends Read>(target: T, signal: AbortSignal) =>
      askOnce(target, signal).catch(async (error) => {
        if (!isPassing(error)) throw error;
        await new Promise<void>((resolve) => clock.setTimeout(resolve, jittered(retryAfterMs, random)));
        return askOnce(target, signal);
      }),
  };
}

/** How long upstream took to answer, and how many refreshes failed. */
export interface Reads {
  ms: number[];
  failed: number;
}

type Read = "secretsmanager.GetSecretValue" | "secretsmanager.DescribeSecret";

/** Settles like `work`, or rejects after `timeoutMs` and aborts the signal that `work` was given. */
export function withDeadline<T>(
  { clock, timeoutMs }: Pick<Settings, "clock" | "timeoutMs">,
  work: Work<T>,
): Promise<T> {
  const abort = new AbortController();
  return new Promise<T>((resolve, reject) => {
    const timer = clock.setTimeout(() => {
      reject(new UpstreamUnavailable("timeout"));
      abort.abort();
    }, timeoutMs);
    Promise.resolve(abort.signal)
      .then(work)
      .then(resolve, reject)
      .finally(() => clock.clearTimeout(timer));
  });
}
