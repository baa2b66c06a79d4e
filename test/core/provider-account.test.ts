import {
  type AccountUse,
  bookCall,
  bookedMaxMs,
  failuresMax,
  giveMintBack,
  isAccountError,
  paid,
  paused,
  pauseMaxMs,
  steadyCallsPerSecond,
  takeMint,
  takeTurn,
  turnWaitMaxMs,
  waitingUntil,
  withFailure,
} from "../../core/provider-account.ts";

const noon = Date.UTC(2026, 10, 30, 12);

/** Calls as fast as they are allowed, by a caller that waits at most so long for each. */
function callsWithin(
  budget: Parameters<typeof bookCall>[1]["budget"],
  { forMs, waitMaxMs = 2_000 }: { forMs: number; waitMaxMs?: number },
): number[] {
  const made: number[] = [];
  let use: AccountUse = {};
  for (let nowMs = noon; nowMs < noon + forMs; nowMs += 50) {
    const answer = bookCall(use, { budget, nowMs, waitMaxMs });
    if (answer.wait === "later") continue;
    use = answer.use;
    made.push(nowMs + answer.waitMs);
  }
  return made;
}

function mostIn(made: readonly number[], windowMs: number): number {
  return Math.max(
    ...made.map((start) => made.filter((each) => each >= start && each < start + windowMs).length),
  );
}

test.each([1, 2, 5, 7, 60, 100])("in no minute are there more calls than %i", (callsPerMinute) => {
  const made = callsWithin({ callsPerMinute }, { forMs: 300_000 });
  expect(mostIn(made, 60_000)).toBeLessThanOrEqual(callsPerMinute);
  expect(made.length).toBeGreaterThan(callsPerMinute * 2.9);
});

test("in no second are there more calls than the budget says, and the minute counts as well", () => {
  const made = callsWithin({ callsPerSecond: 5, callsPerMinute: 100 }, { forMs: 180_000 });
  expect(mostIn(made, 1_000)).toBeLessThanOrEqual(5);
  expect(mostIn(made, 60_000)).toBeLessThanOrEqual(100);
});

test.each([1, 2, 3, 6, 7, 9])(
  "in no second are there more calls than %i where timers cut off parts of milliseconds",
  (callsPerSecond) => {
    const made: number[] = [];
    let use: AccountUse = {};
    for (let nowMs = noon; made.length < 50; ) {
      const answer = bookCall(use, { budget: { callsPerSecond }, nowMs, waitMaxMs: 10_000 });
      if (answer.wait === "later") throw new Error("nobody waits so long");
      use = answer.use;
      nowMs += Math.floor(answer.waitMs);
      made.push(nowMs);
    }
    expect(mostIn(made, 1_000)).toBeLessThanOrEqual(callsPerSecond);
  },
);

test("an idle account answers a few calls at once, and no budget counts nothing", () => {
  expect(callsWithin({ callsPerMinute: 60 }, { forMs: 600 }).slice(0, 12)).toHaveLength(12);
  const use = {};
  expect(bookCall(use, { budget: {}, nowMs: noon, waitMaxMs: 0 })).toEqual({
    ...{ wait: "none", waitMs: 0, calls: 1, use },
  });
});

test("calls that are booked ahead count, whenever within their time they are made", () => {
  const budget = { callsPerMinute: 60 };
  const made: number[] = [];
  let use: AccountUse = {};
  for (let nowMs = noon; nowMs < noon + 300_000; nowMs += 50) {
    const answer = bookCall(use, { budget, nowMs, waitMaxMs: 2_000, calls: 8 });
    if (answer.wait === "later") continue;
    use = answer.use;
    expect(answer.calls).toBe(6);
    const first = nowMs + answer.waitMs;
    // Every other step makes its calls at once, the rest as late as they may.
    made.push(first, ...Array.from({ length: 5 }, () => first + (made.length % 4 === 0 ? 0 : bookedMaxMs)));
  }
  expect(mostIn(made, 60_000)).toBeLessThanOrEqual(60);
  expect(bookCall({}, { budget: { callsPerMinute: 1 }, nowMs: noon, waitMaxMs: 0, calls: 8 })).toMatchObject({
    calls: 1,
  });
});

test("a call that would wait too long is not booked", () => {
  const budget = { callsPerMinute: 1 };
  const first = bookCall({}, { budget, nowMs: noon, waitMaxMs: 0 });
  if (first.wait === "later") throw new Error("the first call waits");
  expect(bookCall(first.use, { budget, nowMs: noon + 1, waitMaxMs: 2_000 })).toEqual({
    wait: "later",
    waitMs: 79_999,
  });
  expect(bookCall(first.use, { budget, nowMs: noon + 79_000, waitMaxMs: 2_000 })).toMatchObject({
    ...{ wait: "ahead", waitMs: 1_000 },
  });
});

test("what begins leaves a part of what may be made at once to what has begun", () => {
  const budget = { callsPerMinute: 100 };
  let use: AccountUse = {};
  const made = { left: 0, all: 0 };
  for (const leave of [0.5, 0])
    for (let tries = 0; tries < 30; tries++) {
      const answer = bookCall(use, { budget, nowMs: noon, waitMaxMs: 0, leave });
      if (answer.wait === "later") continue;
      use = answer.use;
      made[leave > 0 ? "left" : "all"] += 1;
    }
  expect(made).toEqual({ left: 10, all: 10 });
});

test("an incident's call is counted, so the others make up for it", () => {
  const budget = { callsPerMinute: 1 };
  const use = paid({}, { budget, nowMs: noon });
  expect(bookCall(use, { budget, nowMs: noon + 1_000, waitMaxMs: 2_000 }).wait).toBe("later");
  expect(paid(use, { budget: {}, nowMs: noon })).toBe(use);
});

test("everybody waits when the provider asked one to, and no longer than five minutes", () => {
  const ask = { budget: {}, waitMaxMs: 0 };
  const use = paused({}, { nowMs: noon, forMs: 30_000 });
  expect(bookCall(use, { ...ask, nowMs: noon + 10_000 })).toEqual({ wait: "later", waitMs: 20_000 });
  expect(bookCall(use, { ...ask, nowMs: noon + 30_000 }).wait).toBe("none");
  expect(paused(use, { nowMs: noon, forMs: 5_000 })).toBe(use);
  expect(paused({}, { nowMs: noon, forMs: -5 })).toEqual({});
  expect(paused({}, { nowMs: noon, forMs: 1e12 }).pausedUntilMs).toBe(noon + pauseMaxMs);
});

test("what a clock that was ahead wrote stops nobody", () => {
  const hour = 3_600_000;
  const use = {
    pausedUntilMs: noon + hour,
    paidUntilMs: { minute: noon + hour },
    mints: [{ runId: "r-0", untilMs: noon + hour }],
  };
  expect(bookCall(use, { budget: { callsPerMinute: 60 }, nowMs: noon, waitMaxMs: 0 }).wait).toBe("none");
  const budget = { mintsAtOnce: 1 };
  expect(takeMint(use, { runId: "r-1", budget, nowMs: noon, isIncident: false })).toBeDefined();
});

test("what an account answers for as long as it is asked is what the narrower window gives", () => {
  expect(steadyCallsPerSecond(undefined)).toBe(5);
  expect(steadyCallsPerSecond({ mintsAtOnce: 4 })).toBe(5);
  expect(steadyCallsPerSecond({ callsPerSecond: 20 })).toBe(20);
  expect(steadyCallsPerSecond({ callsPerSecond: 3, callsPerMinute: 120 })).toBe(2);
});

describe("places for mints", () => {
  const budget = { mintsAtOnce: 2 };
  const ask = (runId: string, nowMs = noon) => ({ runId, budget, nowMs, isIncident: false });
  const one = takeMint({}, ask("r-1")) ?? {};
  const two = takeMint(one, ask("r-2")) ?? {};

  test("are as many as the budget says, and a repeat takes no second one", () => {
    expect(takeMint(two, ask("r-3"))).toBeUndefined();
    expect(takeMint(two, ask("r-2"))?.mints).toHaveLength(2);
    expect(takeMint(two, { ...ask("r-3"), isIncident: true })?.mints).toHaveLength(3);
    expect(takeMint(two, { ...ask("r-3"), budget: {} })).toBe(two);
  });

  test("are given back, and become free when a function died", () => {
    expect(takeMint(giveMintBack(two, "r-1"), ask("r-3"))?.mints).toHaveLength(2);
    expect(giveMintBack(two, "r-9")).toBe(two);
    expect(giveMintBack({}, "r-9")).toEqual({});
    expect(takeMint(two, ask("r-3", noon + 90_000))?.mints).toHaveLength(1);
  });
});

describe("turns to begin", () => {
  const minuteMs = 60_000;
  /** The first so many turns of rotations that ask in this order at the same time. */
  function turns(count: number, budget: Parameters<typeof takeTurn>[1]["budget"], use: AccountUse = {}) {
    const waits: number[] = [];
    let now = use;
    for (let each = 0; each < count; each++) {
      const turn = takeTurn(now, { budget, nowMs: noon });
      if (turn === undefined) break;
      now = turn.use;
      waits.push(turn.waitMs);
    }
    return waits;
  }

  test("come in the order in which they were asked for, a few at once and then as fast as calls are answered", () => {
    const waits = turns(100, { callsPerMinute: 120 });
    expect(waits.slice(0, 4).map((waitMs) => Math.round(waitMs / 1000))).toEqual([0, 0, 10, 33]);
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    // 100 rotations of 28 calls each, at the 72 calls a minute that are planned with.
    expect((waits.at(-1) ?? 0) / minuteMs).toBeCloseTo((100 * 28) / 72 - 1, 0);
  });

  test("wait for the narrower window, and for none where calls are not counted", () => {
    const both = turns(20, { callsPerSecond: 10, callsPerMinute: 60 });
    expect(both).toEqual(turns(20, { callsPerMinute: 60 }));
    expect(turns(20, { callsPerSecond: 1, callsPerMinute: 600 }).at(-1)).toBe(19 * 28_028 - 31_972);
    expect(turns(20, { mintsAtOnce: 1 })).toEqual(Array(20).fill(0));
  });

  test("are as far apart as the calls that the provider says a rotation takes", () => {
    const budget = { callsPerMinute: 20 };
    expect(takeTurn({}, { budget, nowMs: noon, calls: 56 })?.use.turnsUntilMs).toBe(noon + 280_000);
    expect(takeTurn({}, { budget, nowMs: noon })?.use.turnsUntilMs).toBe(noon + 140_000);
  });

  test("one at a time where a rotation takes longer than a minute", () => {
    expect(turns(3, { callsPerMinute: 20 })).toEqual([0, 140_000, 280_000]);
  });

  test("are given a day ahead and no further, and those that were missed are gone", () => {
    const budget = { callsPerMinute: 1 };
    const waits = turns(100, budget);
    expect(waits.length).toBeLessThan(100);
    expect(waits.at(-1)).toBeLessThanOrEqual(turnWaitMaxMs);
    expect(turns(1, budget, { turnsUntilMs: noon - 1 })).toEqual([0]);
  });
});

test("failures in a row are counted by rotation, and only what the provider is to blame for", () => {
  const error = "ProviderUnavailable";
  const once = withFailure({ runs: [] }, { runId: "r-1", error });
  expect(withFailure(once, { runId: "r-1", error })).toBe(once);
  expect(withFailure(once, { runId: "r-2", error }).runs.map(({ runId }) => runId)).toEqual(["r-1", "r-2"]);
  const many = Array.from({ length: failuresMax + 5 }, (_, index) => `r-${index}`);
  const all = many.reduce((failures, runId) => withFailure(failures, { runId, error }), once);
  expect(all.runs).toHaveLength(failuresMax);
  expect(isAccountError("AdminCredentialRefused")).toBe(true);
  for (const other of ["VersionMoved", "AccountBusy", undefined]) expect(isAccountError(other)).toBe(false);
});

test("a campaign asks five calls a second of an account that declares no budget, and else what it declares", () => {
  const budgetOf = (account: Parameters<typeof waitingUntil>[0]) => waitingUntil(account, noon);
  expect(budgetOf({})).toEqual({ budget: { callsPerSecond: 5 }, incidentsWaitUntilMs: noon });
  expect(budgetOf({ budget: { callsPerSecond: 3, mintsAtOnce: 1 } }).budget).toEqual({
    ...{ callsPerSecond: 3, mintsAtOnce: 1 },
  });
  expect(budgetOf({ budget: { callsPerMinute: 60 } }).budget).toEqual({
    callsPerSecond: 5,
    callsPerMinute: 60,
  });
});
