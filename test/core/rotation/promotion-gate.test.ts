import { type PromotionView, whyNotPromote, whyNotRevoke } from "../../../core/rotation/gate.ts";
import { incoming, recordIn, retiring } from "./record-world.ts";

const clear: PromotionView = { record: recordIn("proven"), policy: {}, nowMs: 5_000 };
const staging = { after: "staging/search-key" };
const freeze = [{ fromMs: 0, untilMs: 60_000, reason: "the sale" }];

test("nothing speaks against the promotion of a policy without terms", () => {
  expect(whyNotPromote(clear)).toEqual([]);
});

const reasons: readonly (readonly [string, Partial<PromotionView>, string])[] = [
  ["Held", { record: recordIn("proven", { hold: { by: "ada", reason: "a launch" } }) }, "held by ada"],
  ["Stopped", { stop: "stopped for all" }, "stopped for all"],
  ["Frozen", { record: recordIn("proven", { frozen: { reason: "another hand" } }) }, "another hand"],
  ["ChangeFreeze", { policy: { freeze } }, "the sale, until 1970-01-01 00:01:00Z"],
  ["WindowClosed", { opensAtMs: 60_000 }, "opens at 1970-01-01 00:01:00Z"],
  ["NotApproved", { policy: { approve: "before-promote" } }, "approve the promotion: rekey approve "],
  ["NotAfter", { policy: staging, before: {} }, "staging/search-key has not been rotated yet"],
  [
    "NotAfter",
    { policy: staging, before: { last: { outcome: "rolledBack", closedAtMs: 9 } } },
    "is rolledBack",
  ],
];

test.each(reasons)("%s keeps the promotion", (reason, view, detail) => {
  expect(whyNotPromote({ ...clear, ...view })).toEqual([{ reason, detail: expect.stringContaining(detail) }]);
});

test("every reason is given, and a leaked key waits for none of them", () => {
  const record = recordIn("proven", { hold: { by: "ada", reason: "a launch" } });
  const all: PromotionView = {
    ...{ ...clear, record, policy: { ...staging, freeze, approve: "before-promote" } },
    ...{ stop: "stopped", opensAtMs: 60_000, before: {} },
  };
  expect(whyNotPromote(all).map(({ reason }) => reason)).toEqual([
    ...["Held", "Stopped", "ChangeFreeze", "WindowClosed", "NotApproved", "NotAfter"],
  ]);
  const { lease } = record;
  const incident = {
    ...record,
    lease: { runId: "i-1", executionArn: "arn", ...lease, kind: "incident" as const },
  };
  expect(whyNotPromote({ ...all, record: incident })).toEqual([]);
});

test("the named secret counts only if it was rotated after this one", () => {
  const record = recordIn("proven");
  const keys = record.keys.map((key) =>
    key.keyId === retiring.keyId ? { ...key, promotedAtMs: 4_000 } : key,
  );
  const view = (closedAtMs: number): PromotionView => ({
    ...{ ...clear, record: { ...record, keys }, policy: staging },
    before: { last: { outcome: "rotated", closedAtMs } },
  });
  expect(whyNotPromote(view(4_000)).map(({ reason }) => reason)).toEqual(["NotAfter"]);
  expect(whyNotPromote(view(4_001))).toEqual([]);
});

test.each([
  ["ChangeFreeze", { policy: { retain: false, freeze } }],
  ["WindowClosed", { opensAtMs: 60_000 }],
  ["NotApproved", { policy: { retain: false, approve: "before-revoke" as const } }],
])("%s keeps the retiring key too", (reason, change) => {
  const view = {
    ...{ record: recordIn("promoted"), target: retiring.keyId, current: incoming, nowMs: 5_000 },
    ...{ adoption: { verdict: "adopted" as const }, missedInQuarantine: false, sharedWith: [] },
    policy: { retain: false },
  };
  expect(whyNotRevoke(view)).toBeUndefined();
  expect(whyNotRevoke({ ...view, ...change })).toMatchObject({ reason });
});
