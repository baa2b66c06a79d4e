import type { HistoryEvent } from "@aws-sdk/client-sfn";
import { criticalPath } from "../../bench/critical-path.ts";
import { openMs } from "../../bench/open-time.ts";

/** A history as the lines say it: when, what, and after which line of the same branch. */
function history(
  lines: readonly (readonly [atMs: number, what: string, after: number])[],
): readonly HistoryEvent[] {
  return lines.map(([atMs, what, after], index) => {
    const [type = "", name] = what.split(" ");
    return {
      ...{ id: index + 1, previousEventId: after, timestamp: new Date(atMs) },
      type: type as NonNullable<HistoryEvent["type"]>,
      ...(type.endsWith("StateEntered") && { stateEnteredEventDetails: { name: name ?? "" } }),
      ...(type.endsWith("StateExited") && { stateExitedEventDetails: { name: name ?? "" } }),
      ...(type === "TaskScheduled" && {
        taskScheduledEventDetails: {
          ...{ resourceType: "lambda", region: "eu-west-1", parameters: "{}" },
          resource: name ?? "",
        },
      }),
    };
  });
}

const wait = "invoke.waitForTaskToken";
/** Two branches: one waits, the other does two tasks, and the second of these calls the first branch back. */
const lines: Parameters<typeof history>[0] = [
  [0, "TaskStateEntered Open", 0],
  [5, "TaskStateExited Open", 1],
  [5, "ParallelStateEntered Both", 2],
  [6, "TaskStateEntered Await", 3],
  [6, `TaskScheduled ${wait}`, 4],
  [6, "TaskStateEntered Make", 3],
  [7, "TaskScheduled arn:aws:lambda:function:make", 6],
  [20, "TaskSucceeded", 7],
  [20, "TaskStateExited Make", 8],
  [21, "TaskStateEntered Tell", 9],
  [25, "TaskSucceeded", 5],
  [25, "TaskStateExited Await", 11],
  [26, "TaskStateEntered Kill", 12],
  [27, "TaskStateExited Tell", 10],
  [40, "TaskStateExited Kill", 13],
  [41, "ParallelStateSucceeded", 3],
  [41, "ParallelStateExited Both", 16],
  [42, "TaskStateEntered Kill", 17],
];

const namesUntil = (state: string, atMs: number, events = history(lines)) =>
  criticalPath(events, { state, atMs }).map((visit) => visit.state);

test("a path goes through the task that called a wait back, in whatever branch that was", () => {
  expect(namesUntil("Kill", 40)).toEqual(["Open", "Both", "Make", "Tell", "Kill"]);
});

test("a task that the same call woke a moment earlier is on nobody's way", () => {
  const clock: Parameters<typeof history>[0] = [
    ...lines.slice(0, 10),
    [21, "TaskStateEntered AwaitClock", 3],
    [21, `TaskScheduled ${wait}`, 11],
    [24, "TaskSucceeded", 12],
    [24, "TaskStateExited AwaitClock", 13],
    [24, "TaskStateEntered CheckClock", 14],
    [25, "TaskSucceeded", 5],
    [25, "TaskStateExited Await", 16],
    [26, "TaskStateEntered Kill", 17],
    [27, "TaskStateExited Tell", 10],
    [30, "TaskStateExited CheckClock", 15],
  ];

  expect(namesUntil("Kill", 40, history(clock))).toEqual(["Open", "Both", "Make", "Tell", "Kill"]);
});

test("a wait that nobody called back was waited for", () => {
  const timedOut = lines.map(([atMs, what, after], index) =>
    index === 10 ? ([atMs, "TaskTimedOut", after] as const) : ([atMs, what, after] as const),
  );

  expect(namesUntil("Kill", 40, history(timedOut))).toEqual(["Open", "Both", "Await", "Kill"]);
});

test("a wait that was called back from outside is passed like any other state", () => {
  const alone = lines.map(([atMs, what, after], index) =>
    index === 9 ? ([atMs, "PassStateEntered Tell", after] as const) : ([atMs, what, after] as const),
  );

  expect(namesUntil("Kill", 40, history(alone))).toEqual(["Open", "Both", "Await", "Kill"]);
});

test("what comes after a Parallel leads back to it, and a state may be visited twice", () => {
  expect(namesUntil("Kill", 50)).toEqual(["Open", "Both", "Kill"]);
  expect(() => namesUntil("Kill", 10)).toThrow("had not entered Kill by then");
});

test("times are those of the history, and what has not ended has no end", () => {
  const [open, both, , tell] = criticalPath(history(lines.slice(0, 13)), { state: "Kill", atMs: 30 });

  expect(open).toEqual({ state: "Open", isTask: true, enteredAtMs: 0, exitedAtMs: 5 });
  expect(both).toEqual({ state: "Both", isTask: false, enteredAtMs: 5 });
  expect(tell).toEqual({ state: "Tell", isTask: true, enteredAtMs: 21 });
});

test.each([
  ["nothing", [], 0],
  [
    "apart",
    [
      [0, 10],
      [20, 30],
    ],
    20,
  ],
  [
    "overlapping, and one inside another",
    [
      [0, 10],
      [5, 15],
      [6, 7],
    ],
    15,
  ],
  [
    "beyond the ends",
    [
      [-50, 10],
      [95, 200],
      [300, 400],
    ],
    15,
  ],
] as const)("calls %s are open for as long as at least one is", (_, spans, ms) => {
  const calls = spans.map(([fromMs, toMs]) => ({ fromMs, toMs }));

  expect(openMs(calls, { fromMs: 0, toMs: 100 })).toBe(ms);
  expect(openMs(calls.toReversed(), { fromMs: 0, toMs: 100 })).toBe(ms);
});
