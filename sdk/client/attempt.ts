import type { Cache } from "./cache.ts";
import type { UseReport } from "./consumer-report.ts";
import { ignore } from "./errors.ts";
import type { Settings } from "./options.ts";
import type { Watch } from "./watch.ts";

export type Work<T> = (key: string) => T | Promise<T>;

/** Whether what `work` threw or returned means that the provider refused the key itself. */
export type IsAuthFailure = (result: unknown, how: { thrown: boolean }) => boolean;

interface Use {
  successMs?: number;
  refusalMs?: number;
}

interface Parts {
  cache: Pick<Cache, "version" | "text" | "read">;
  isAuthFailure: IsAuthFailure | undefined;
  watch: Pick<Watch, "refused">;
  /** Called when a key is refused for the first time. */
  tell(): void;
}

/** Enough for a rotation inside a rotation. A late result for an older key does not matter. */
const fingerprintsMax = 4;
/**
 * If a read finds no new key, the wait until the next read doubles, from the first of these to the last: the
 * new key may come at any moment.
 */
const lostMinMs = 30;
const lostMaxMs = 5_000;

/**
 * Records by fingerprint how uses of the key ended, and handles refusals. Measured on the monotonic clock
 * alone, which can only make an age look smaller. A larger age would make a key look unused that is in use.
 */
export function createAttempts(
  { clock, now }: Pick<Settings, "clock" | "now">,
  { cache, watch, tell, isAuthFailure = isUnauthorized }: Parts,
) {
  const uses = new Map<string, Use>();
  let lost = 0;
  let readAgainAt = 0;

  /** A key that was never held here, or too long ago, is ignored. */
  const record = (fingerprint: string, { ok }: { ok: boolean }): void => {
    const use = uses.get(fingerprint);
    if (!use) return;
    if (!ok && !use.refusalMs) tell();
    use[ok ? "successMs" : "refusalMs"] = clock.monotonicMs();
    if (ok) lost = readAgainAt = 0;
  };

  /** Whether another key than the refused one is held now, if necessary after reading the secret again. */
  const isReplaced = async (fingerprint: string): Promise<boolean> => {
    const isNew = () => cache.version().fingerprint !== fingerprint;
    const mayAsk = () => !isNew() && now() >= readAgainAt;
    if (mayAsk()) await cache.read().catch(ignore);
    if (mayAsk()) {
      // More refusals of the same key keep nobody busy.
      if (!lost) watch.refused();
      readAgainAt = now() + Math.min(lostMinMs * 2 ** lost++, lostMaxMs);
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
    // A provider that is overloaded or forbids the call may not have checked the key, so that proves nothing
    // about the key.
    if (isRefused || !(thrown || response?.ok === false)) record(fingerprint, { ok: !isRefused });
    if (isRefused && !isLast && (await isReplaced(fingerprint))) {
      // Nobody reads the first answer: release its connection.
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
