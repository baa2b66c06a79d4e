import type { Cache } from "./cache.ts";
import { ignore } from "./errors.ts";
import type { Settings } from "./options.ts";
import type { Watch } from "./watch.ts";

export type Work<T> = (key: string) => T | Promise<T>;

/** Whether what `work` threw, or answered, means that the provider refused the key itself. */
export type IsAuthFailure = (result: unknown, how: { thrown: boolean }) => boolean;

/** What became of a key's uses; ages are on this instance's own clock, at the moment of the report. */
export interface UseReport {
  fingerprint: string;
  lastSuccessAgoMs: number | null;
  lastRefusalAgoMs: number | null;
}

interface Use {
  successMs?: number;
  refusalMs?: number;
}

interface Parts {
  cache: Cache;
  isAuthFailure: IsAuthFailure | undefined;
  watch: Watch;
  /** A key was refused for the first time. */
  tell(): void;
}

/** Enough for a rotation inside a rotation; a late result for an older key says nothing that matters. */
const fingerprintsMax = 4;
/** The wait after a read in vain doubles from the first to the last: the successor may come any moment. */
const lostMinMs = 30;
const lostMaxMs = 5_000;

/**
 * Uses of the key, what became of them by fingerprint, and what follows from a refusal. Measured on the monotonic
 * clock alone, which can only understate an age: overstated, it would make a key look quiet that is not.
 */
export function createAttempts(
  { clock, now }: Settings,
  { cache, watch, tell, isAuthFailure = isUnauthorized }: Parts,
) {
  const uses = new Map<string, Use>();
  let lost = 0;
  let readAgainAt = 0;

  /** A key that was never held here, or too long ago, counts for nothing. */
  const record = (fingerprint: string, { ok }: { ok: boolean }): void => {
    const use = uses.get(fingerprint);
    if (!use) return;
    if (!ok && !use.refusalMs) tell();
    use[ok ? "successMs" : "refusalMs"] = clock.monotonicMs();
    if (ok) lost = readAgainAt = 0;
  };

  /** Whether another key than the refused one is held, after asking if need be. */
  const isReplaced = async (fingerprint: string): Promise<boolean> => {
    const isNew = () => cache.version().fingerprint !== fingerprint;
    const mayAsk = () => !isNew() && now() >= readAgainAt;
    if (mayAsk()) await cache.read().catch(ignore);
    if (mayAsk()) {
      readAgainAt = now() + Math.min(lostMinMs * 2 ** lost++, lostMaxMs);
      watch.news();
    }
    return isNew();
  };

  const use = async <T>(work: Work<T>, isLast = false): Promise<T> => {
    const { fingerprint } = cache.version();
    let thrown = false;
    const result: unknown = await Promise.resolve(cache.text())
      .then(work)
      .catch((error) => {
        thrown = true;
        return error;
      });
    const response = result instanceof Response ? result : undefined;
    const isRefused = isAuthFailure(result, { thrown });
    // An overloaded or forbidding provider may not have looked at the key, so that proves nothing about it.
    if (isRefused || !(thrown || response?.ok === false)) record(fingerprint, { ok: !isRefused });
    if (isRefused && !isLast && (await isReplaced(fingerprint))) {
      // Nobody reads the first answer: leave its connection free.
      response?.body?.cancel().catch(ignore);
      return use(work, true);
    }
    if (thrown) throw result;
    return result as T;
  };

  return {
    record,
    isReplaced,
    use,
    /** Makes this key the newest. */
    hold(fingerprint: string): void {
      const held = uses.get(fingerprint) ?? {};
      uses.delete(fingerprint);
      uses.set(fingerprint, held);
      const [oldest = ""] = uses.keys();
      if (uses.size > fingerprintsMax) uses.delete(oldest);
    },
    report: () => reportOf(uses, clock.monotonicMs()),
  };
}

function reportOf(uses: ReadonlyMap<string, Use>, nowMs: number): UseReport[] {
  const ago = (thenMs?: number) => (thenMs ? Math.round(nowMs - thenMs) : null);
  return [...uses]
    .filter(([, { successMs, refusalMs }]) => successMs ?? refusalMs)
    .map(([fingerprint, { successMs, refusalMs }]) => ({
      fingerprint,
      lastSuccessAgoMs: ago(successMs),
      lastRefusalAgoMs: ago(refusalMs),
    }));
}

const isUnauthorized: IsAuthFailure = (result, { thrown }) => {
  const said = result as { status?: unknown; statusCode?: unknown; response?: { status?: unknown } } | null;
  const isSaid = [said?.status, said?.statusCode, said?.response?.status].includes(401);
  return isSaid && (thrown || result instanceof Response);
};
