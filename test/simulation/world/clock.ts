import { type Clock, install } from "@sinonjs/fake-timers";

/** The real one, taken before anything is faked: the only thing that lets pending promises run. */
const realImmediate = setImmediate;
const turnsMax = 2_000_000;

export interface VirtualTime {
  readonly nowMs: () => number;
  /** Runs timers, in order and without waiting, until `work` settles or nothing is left to run. */
  run<Result>(work: Promise<Result>): Promise<Result>;
  /** Runs everything that is due within `ms`, or what is due before `until` says that it is enough. */
  advance(ms: number, options?: { readonly until: () => boolean }): Promise<void>;
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

    async advance(ms, { until } = { until: () => false }) {
      let isOver = false;
      clock.setTimeout(() => {
        isOver = true;
      }, ms);
      for (let turns = 0; turns < turnsMax; turns++) {
        await settleMicrotasks();
        if (isOver || until()) return;
        clock.next();
      }
      throw new Error(`${ms} ms have not passed after ${turnsMax} turns`);
    },

    uninstall: () => clock.uninstall(),
  };
}

function settleMicrotasks(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve));
}
