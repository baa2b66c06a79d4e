import { type Input, page } from "../input.ts";
import type { HistoryEvent } from "../machine.ts";
import { pageSize } from "./machines.ts";

/** Members that AWS gives as JSON text. */
const serialized = new Set(["input", "output", "parameters"]);
const withoutDetails = new Set([
  "ParallelStateStarted",
  "ParallelStateSucceeded",
  "ParallelStateFailed",
  "MapStateSucceeded",
  "MapStateFailed",
]);

/** Answers GetExecutionHistory in AWS's shape. */
export function historyPage(events: readonly HistoryEvent[], input: Input): Record<string, unknown> {
  const ordered = input.flag("reverseOrder", false) ? events.toReversed() : events;
  const { items, nextToken } = page(ordered, {
    token: input.optionalText("nextToken"),
    size: pageSize(input),
  });
  const withData = input.flag("includeExecutionData", true);
  return { events: items.map((event) => historyEvent(event, { withData })), nextToken };
}

function historyEvent(event: HistoryEvent, { withData }: { withData: boolean }): Record<string, unknown> {
  const { id, previousId, type, timestamp, detail } = event;
  const known = { id, previousEventId: previousId, type, timestamp: timestamp / 1000 };
  if (withoutDetails.has(type) || detail === undefined) return known;
  const details = Object.entries(detail).flatMap(([name, value]) => {
    if (!serialized.has(name)) return [[name, value]];
    if (!withData) return [];
    return [
      [name, JSON.stringify(value)],
      ...(name === "parameters" ? [] : [[`${name}Details`, { truncated: false }]]),
    ];
  });
  return { ...known, [detailsMember(type)]: Object.fromEntries(details) };
}

/** `TaskStateEntered` has its details in `stateEnteredEventDetails`, all else under its own name. */
function detailsMember(type: string): string {
  const own = type.replace(/^\w+State(Entered|Exited)$/, "State$1");
  return `${own.charAt(0).toLowerCase()}${own.slice(1)}EventDetails`;
}
