import { parseExpression } from "../scheduler/expression.ts";
import type { Rule } from "./rules.ts";

/** Timers hold at most 2^31 ms, so a longer wait is taken in steps. */
const timerMsMax = 2_000_000_000;

/** Fires the rules that have a ScheduleExpression: first one interval after the rule was put, in UTC. */
export class RuleClock {
  readonly #fire: (name: string) => void;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(fire: (name: string) => void) {
    this.#fire = fire;
  }

  /** Takes the rule in place of the one with the same name. */
  set({ name, schedule, enabled }: Pick<Rule, "name" | "schedule" | "enabled">): void {
    this.remove(name);
    if (schedule === undefined || !enabled) return;
    const anchor = Date.now();
    const timing = parseExpression({ expression: schedule, timeZone: "UTC", anchor });
    this.#arm(name, () => timing.next(Date.now() + 1));
  }

  remove(name: string): void {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }

  close(): void {
    for (const name of [...this.#timers.keys()]) this.remove(name);
  }

  #arm(name: string, next: () => number | undefined): void {
    const at = next();
    if (at === undefined) return;
    const wait = () => {
      const leftMs = at - Date.now();
      const timer = setTimeout(
        () => {
          if (leftMs > timerMsMax) return wait();
          this.#arm(name, next);
          this.#fire(name);
        },
        Math.max(0, Math.min(leftMs, timerMsMax)),
      );
      timer.unref();
      this.#timers.set(name, timer);
    };
    wait();
  }
}
