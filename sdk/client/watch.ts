import type { Stages } from "./cache.ts";
import { jittered, type Timer } from "./clock.ts";
import type { Settings } from "./options.ts";

/** For this long after an announcement, a new version or a first refusal, a rotation is likely. */
const newsLastsMs = 60 * 60_000;
/**
 * After a refusal without other news, each pause is this part of the time since the first one: seconds apart at first,
 * because the new key is probably on its way, minutes apart when it is not. Otherwise a key that was revoked for good
 * would cost as many calls for an hour as a rotation does, from each instance.
 */
const refusalPauseShare = 1 / 8;
/** Labels that stay longer than this are leftovers: nobody will finish that rotation soon. */
const labelsLastMs = 24 * 60 * 60_000;

/** Decides how often to check, and calls `beat` then. Does not keep the process alive. */
export function createWatch(settings: Settings, beat: () => Promise<void>) {
  const { clock, now, random, refreshEveryMs, watchEveryMs } = settings;
  let newsUntil = -Infinity;
  let refusedAt = -Infinity;
  let labelsSince = -Infinity;
  let dueAt = Infinity;
  let timer: Timer | undefined;

  const isAnnounced = () => now() < newsUntil || now() - labelsSince < labelsLastMs;
  const refusedForMs = () => now() - refusedAt;

  /** Whether a rotation may be open. */
  const isOpen = () => isAnnounced() || refusedForMs() < newsLastsMs;

  /** The longest pause between two checks. */
  const everyMs = () => {
    if (isAnnounced()) return watchEveryMs;
    return Math.min(refreshEveryMs, Math.max(watchEveryMs, refusedForMs() * refusalPauseShare));
  };

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
      if (!areOpen(stages)) labelsSince = -Infinity;
      else if (labelsSince < 0) labelsSince = now();
    },
    /** Something happened: check more often from now on, and the first time within this delay. */
    news(delayMs = Infinity): void {
      newsUntil = now() + newsLastsMs;
      wakeIn(delayMs);
      start();
    },
    /** The key was refused. Only the first refusal of a key counts, so that more of them keep nobody busy. */
    refused({ isFirst }: { isFirst: boolean }): void {
      if (isFirst) refusedAt = now();
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
  return Object.values(stages).some((labels) => /REKEY_|^(?!.*AWSCURRENT).*AWSPENDING/.test(labels.join()));
}
