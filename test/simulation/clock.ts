import { type Clock, install } from "@sinonjs/fake-timers";

/** The real one, taken before anything is faked: the only thing that lets pending promises run. */
const realImmediate = setImmediate;
const turnsMax = 2_000_000;

export interface VirtualTime {
  readonly nowMs: () => number;
  /** Runs timers, in order and without waiting, until `work` settles or nothing is left to run. */
  run<Result>(work: Promise<Result>): Promise<Result>;
  /** Runs everything that is due within `ms`. */
  advance(ms: number): Promise<void>;
  uninstall(): void;
}

export const simulationStartMs = Date.UTC(2026, 0, 1);

/** Replaces the global clock and timers. Whatever uses them, the engine included, runs on virtual time. */
export function virtualTime(): VirtualTime {
  const clock: Clock = install({
    now: simulationStartMs,
    toFake: ["Date", "setTimeout", "clearTimeout", "setInterval", "clearInterval"],
  });
  return {
    nowMs: () => clock.now,

    async run(work) {
      let isSettled = false;
      work.then(settle, settle);
      function settle() {
        isSettled = true;
      }
      for (let turns = 0; turns < turnsMax; turns++) {
        await settleMicrotasks();
        if (isSettled) return work;
        if (clock.countTimers() === 0) throw new Error("nothing is left to run, and the work has not ended");
        clock.next();
      }
      throw new Error(`the work has not ended after ${turnsMax} turns`);
    },

    async advance(ms) {
      const untilMs = clock.now + ms;
      for (let turns = 0; turns < turnsMax; turns++) {
        await settleMicrotasks();
        const before = clock.now;
        if (clock.countTimers() === 0 || nextAt(clock) > untilMs) {
          clock.setSystemTime(untilMs);
          return;
        }
        clock.next();
        if (clock.now < before) throw new Error("time went backwards");
      }
    },

    uninstall: () => clock.uninstall(),
  };
}

function settleMicrotasks(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve));
}

function nextAt(clock: Clock): number {
  const timers = Object.values((clock as unknown as { timers?: Record<string, { callAt: number }> }).timers ?? {});
  return Math.min(...timers.map(({ callAt }) => callAt));
}
