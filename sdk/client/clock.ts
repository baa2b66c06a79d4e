/** Every time source of this package, so that tests can replace it. */
export interface Clock {
  /** Milliseconds since 1970; may jump. */
  wallMs(): number;
  /** Milliseconds since some moment; never goes back, but may stand still while a Lambda sandbox is frozen. */
  monotonicMs(): number;
  setTimeout(run: () => void, delayMs: number): Timer;
  clearTimeout(timer: Timer | undefined): void;
}

export interface Timer {
  unref?(): unknown;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (run, delayMs) => setTimeout(run, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout | undefined),
};

/** The clocks normally differ by less than this, because of rounding and NTP slewing. */
const toleranceMs = 1_000;

/**
 * Elapsed milliseconds since some moment, never less than either clock says. A frozen sandbox stops the
 * monotonic clock but not the wall clock; setting back the wall clock does not affect the monotonic one.
 */
export function stopwatch(clock: Clock): () => number {
  let leadMs = clock.wallMs() - clock.monotonicMs();
  let missedMs = 0;
  return () => {
    const nowMs = clock.monotonicMs();
    const jumpMs = clock.wallMs() - nowMs - leadMs;
    if (Math.abs(jumpMs) > toleranceMs) {
      leadMs += jumpMs;
      missedMs += Math.max(jumpMs, 0);
    }
    return nowMs + missedMs;
  };
}

/** Between 80 and 100 % of a delay, so that a fleet started together does not call together. */
export const jittered = (delayMs: number, random: () => number): number => delayMs * (0.8 + 0.2 * random());
