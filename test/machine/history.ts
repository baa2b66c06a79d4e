import type { HistoryEvent } from "../../local/aws/machine.ts";

/** A lap is at most this many states long. */
const lapMax = 6;

/**
 * The states that did something, in the order of entering: Choices are left out, because the next state shows
 * what was chosen. A state that failed says with what and how often; laps that repeat are told once.
 */
export function pathOf(history: readonly HistoryEvent[]): string[] {
  const path: { state: string; failures: string[] }[] = [];
  for (const { type, state, detail } of history) {
    if (/^(?:Task|Wait|Pass|Succeed|Fail)StateEntered$/.test(type))
      path.push({ state: state ?? "", failures: [] });
    if (type === "TaskFailed" || type === "LambdaFunctionFailed")
      path.at(-1)?.failures.push(String(detail?.["error"]));
  }
  return withoutLaps(path.map(({ state, failures }) => [state, ...withCounts(failures)].join("; ")));
}

/** `a a b` as `a ×2`, `b`. */
export function withCounts(items: readonly string[]): string[] {
  const counted: { item: string; count: number }[] = [];
  for (const item of items) {
    const last = counted.at(-1);
    if (last?.item === item) last.count += 1;
    else counted.push({ item, count: 1 });
  }
  return counted.map(({ item, count }) => (count === 1 ? item : `${item} ×${count}`));
}

function withoutLaps(states: readonly string[]): string[] {
  const kept: string[] = [];
  for (const state of states) {
    kept.push(state);
    for (let length = 1; length <= lapMax; length++) {
      const [lap, before] = [kept.slice(-length), kept.slice(-2 * length, -length)];
      if (before.length === length && lap.join("\n") === before.join("\n")) {
        kept.length -= length;
        break;
      }
    }
  }
  return kept;
}
