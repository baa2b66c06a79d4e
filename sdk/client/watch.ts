import type { Stages } from "./cache.ts";
import { jittered, type Timer } from "./clock.ts";
import type { Settings } from "./options.ts";

/** An announcement, a new version or a refusal makes a rotation likely for this long. */
const newsLastsMs = 60 * 60_000;
/** Labels that stay longer than this were left behind: nobody is about to finish that rotation. */
const labelsLastMs = 24 * 60 * 60_000;

/** Decides how often to look, and wakes `beat` then; never keeps the process alive. */
export function createWatch(settings: Settings, beat: () => Promise<void>) {
  const { clock, now, random, refreshEveryMs, watchEveryMs } = settings;
  let newsUntil = -Infinity;
  let labelsSince = -Infinity;
  let dueAt = Infinity;
  let timer: Timer | undefined;

  /** Whether a rotation may be open. */
  const isOpen = () => now() < newsUntil || now() - labelsSince < labelsLastMs;

  /** The longest pause between two looks. */
  const everyMs = () => (isOpen() ? watchEveryMs : refreshEveryMs);

  /** The earlier of two wakes wins, so that repeated news cannot put the look off. */
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
    /** Something happened: look more often from now on, and at first within this time. */
    news(delayMs = Infinity): void {
      newsUntil = now() + newsLastsMs;
      wakeIn(delayMs);
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
