import type { Stages } from "./cache.ts";
import { jittered, type Timer } from "./clock.ts";
import type { Settings } from "./options.ts";

/** For this long after an announcement, a new version or a first refusal, a rotation is likely. */
const newsLastsMs = 60 * 60_000;
/** Labels that stay longer than this are leftovers: nobody will finish that rotation soon. */
const labelsLastMs = 24 * 60 * 60_000;

/** Decides how often to check, and calls `beat` then. Does not keep the process alive. */
export function createWatch(settings: Settings, beat: () => Promise<void>) {
  const { clock, now, random, refreshEveryMs, watchEveryMs } = settings;
  const longAgo = -Infinity;
  let newsUntil = longAgo;
  let refusedAt = longAgo;
  let labelsSince = longAgo;
  let dueAt = Infinity;
  let timer: Timer | undefined;

  const isAnnounced = () => now() < newsUntil || now() - labelsSince < labelsLastMs;

  /** Whether a rotation may be open. */
  const isOpen = () => isAnnounced() || now() - refusedAt < newsLastsMs;

  /**
   * The longest pause between two checks. After a refusal without other news it grows by an eighth of the time since
   * then: seconds at first, because the new key is probably on its way, minutes when it is not. Otherwise a key that
   * was revoked for good would cost as many calls for an hour as a rotation does, from each instance.
   */
  const everyMs = () =>
    isAnnounced() ? watchEveryMs : Math.min(refreshEveryMs, watchEveryMs + (now() - refusedAt) / 8);

  /** The earlier of two wake-ups counts, so that repeated news cannot postpone the check. */
  const wakeIn = (delayMs: number): void => {
    const at = clock.monotonicMs() + delayMs;
    if (dueAt <= at) return;
    clock.clearTimeout(timer);
    dueAt = at;
    timer = clock.setTimeout(async () => {
      dueAt = Infinity;
      await beat();
      start();
    }, delayMs);
    timer.unref?.();
  };

  const start = () => wakeIn(jittered(everyMs(), random));

  return {
    isOpen,
    everyMs,
    start,
    described(stages: Stages): void {
      labelsSince = areOpen(stages) ? (labelsSince < 0 ? now() : labelsSince) : longAgo;
    },
    /** Something happened: check more often from now on, and the first time within this delay. */
    news(delayMs = Infinity): void {
      newsUntil = now() + newsLastsMs;
      wakeIn(delayMs);
      start();
    },
    /** The key was refused for the first time. */
    refused(): void {
      refusedAt = now();
      start();
    },
    stop(): void {
      dueAt = -Infinity;
      clock.clearTimeout(timer);
    },
  };
}

export type Watch = ReturnType<typeof createWatch>;

/** AWS's own rotation may leave AWSPENDING on the version that it promoted. */
function areOpen(stages: Stages = {}): boolean {
  return Object.values(stages).some((labels) => /REKEY_|^(?!.*AWSCURRENT).*AWSPENDING/.test(`${labels}`));
}
