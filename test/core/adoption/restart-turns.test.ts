import {
  failedMs,
  noTurns,
  type RestartTurns,
  type TurnRequest,
  takeTurn,
  turnMs,
} from "../../../core/adoption/restart-turns.ts";

const role = "arn:aws:sts::111122223333:assumed-role/search";

/** What a consumer's instances ask one after another, with the time of each. */
function turnsOf(atOnce = 1) {
  let turns: RestartTurns = noTurns;
  return {
    turns: () => turns,
    at(nowMs: number, instance: string, more: Partial<TurnRequest> = {}) {
      const request = { action: "ask", instance, by: role, versionId: "v2", ...more } as const;
      const change = takeTurn(turns, request, { nowMs, atOnce });
      turns = change.turns;
      return change.answer;
    },
  };
}

const granted = { outcome: "granted" };

test("one instance restarts at a time, and the next one when it is ready", () => {
  const { at } = turnsOf();
  expect(at(0, "a")).toEqual(granted);
  expect(at(1, "b")).toEqual({ outcome: "wait", retryMs: 5_000, reason: "a restarts first" });
  expect(at(2, "a", { action: "done" })).toEqual({ outcome: "noted" });
  expect(at(3, "b")).toEqual(granted);
});

test("so many at a time as the policy allows", () => {
  const { at } = turnsOf(2);
  expect([at(0, "a"), at(1, "b"), at(2, "c")].map(({ outcome }) => outcome)).toEqual([
    ...["granted", "granted", "wait"],
  ]);
});

test("a repeat after a lost answer is granted, and makes the turn no longer", () => {
  const { at, turns } = turnsOf();
  at(0, "a");
  expect(at(60_000, "a")).toEqual(granted);
  expect(turns().held).toEqual([expect.objectContaining({ untilMs: turnMs })]);
});

test("a host that dies while it restarts holds the others up no longer than its turn", () => {
  const { at } = turnsOf();
  at(0, "a");
  expect(at(turnMs - 1, "b").outcome).toBe("wait");
  expect(at(turnMs, "b")).toEqual(granted);
});

test("an instance that asks for the next version takes the place of its own turn", () => {
  const { at, turns } = turnsOf();
  at(0, "a");
  expect(at(1, "a", { versionId: "v3" })).toEqual(granted);
  expect(turns().held.map(({ versionId }) => versionId)).toEqual(["v3"]);
});

describe("a start that is not ready", () => {
  test("lets nobody else try that version for a while, and then one", () => {
    const { at } = turnsOf();
    at(0, "a");
    at(1_000, "a", { action: "failed" });
    expect(at(2_000, "b")).toEqual({
      ...{ outcome: "refused", retryMs: 60_000, reason: "a is not ready with this version" },
    });
    expect(at(1_000 + failedMs - 1, "b")).toMatchObject({ outcome: "refused", retryMs: 5_000 });
    expect(at(1_000 + failedMs, "b")).toEqual(granted);
  });

  test("says nothing of another version, and is forgotten where one is ready with it after all", () => {
    const { at, turns } = turnsOf();
    at(0, "a");
    at(1, "a", { action: "failed" });
    expect(at(2, "b", { versionId: "v3" })).toEqual(granted);
    at(3, "b", { versionId: "v3", action: "done" });
    expect(turns().failed).toMatchObject({ versionId: "v2" });
    at(1 + failedMs, "a");
    at(2 + failedMs, "a", { action: "done" });
    expect(turns()).toEqual({ held: [] });
  });
});

test.each([
  ["by another role", { by: "arn:aws:sts::111122223333:assumed-role/other" }],
  ["of another version", { versionId: "v3" }],
])("what is said %s about an instance's turn changes nothing", (_what, more) => {
  const { at, turns } = turnsOf();
  at(0, "a");
  const before = turns();
  expect(at(1, "a", { action: "failed", ...more })).toEqual({ outcome: "noted" });
  expect(at(1, "a", { action: "done", ...more })).toEqual({ outcome: "noted" });
  expect(turns()).toEqual(before);
});

test("another role that names the same instance gets no turn of its own", () => {
  const { at } = turnsOf();
  at(0, "a");
  const other = { by: "arn:aws:sts::111122223333:assumed-role/other" };
  expect(at(1, "a", other).outcome).toBe("wait");
  const two = turnsOf(2);
  two.at(0, "a");
  expect(two.at(1, "a", other)).toEqual(granted);
  expect(two.turns().held).toHaveLength(2);
});
