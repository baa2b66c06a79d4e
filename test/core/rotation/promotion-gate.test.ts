import { orderOf, type PromotionView, whyNotPromote, whyNotRevoke } from "../../../core/rotation/gate.ts";
import type { SecretRecord } from "../../../core/rotation/secret-record.ts";
import { incoming, incomingKey, recordIn, retiring, runs } from "./record-world.ts";

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

const approvedPromotion = (record: SecretRecord) => {
  const wanted = record.run && orderOf(record.run, "promote");
  if (wanted === undefined) throw new Error("there is nothing to approve");
  return { ...wanted, digest: "d", untilMs: 9_000, approval: { by: "eve", atMs: 4_000 } };
};

describe("an approval", () => {
  const policy = { approve: "before-promote" as const };
  const proven = recordIn("proven");

  test("names the run and both keys, the incoming one by its text too", () => {
    expect(orderOf(runs.proven, "promote")).toEqual({
      kind: "promote",
      what: {
        ...{ rotationId: "r-1", incomingKeyId: incoming.keyId, incomingFingerprint: incoming.fingerprint },
        retiringKeyId: retiring.keyId,
      },
    });
    expect(orderOf(runs.promoted, "revoke")?.kind).toBe("revoke");
    expect(orderOf(runs.opened, "promote")).toBeUndefined();
  });

  test("lets exactly this promotion go on", () => {
    const record = { ...proven, order: approvedPromotion(proven) };
    expect(whyNotPromote({ ...clear, record, policy })).toEqual([]);
    const reminted = { ...record, run: { ...runs.proven, incoming: { ...incoming, keyId: "key-3" } } };
    expect(whyNotPromote({ ...clear, record: reminted, policy })).toEqual([
      {
        reason: "NotApproved",
        detail: "another person has to approve the promotion: rekey approve r-1",
      },
    ]);
  });

  test("is missing while there is no key to approve, and is not asked for where no run is open", () => {
    const { run: _run, ...idle } = recordIn("opened");
    expect(whyNotPromote({ ...clear, record: recordIn("opened"), policy })).toMatchObject([
      { reason: "NotApproved" },
    ]);
    expect(whyNotPromote({ ...clear, record: idle, policy })).toEqual([]);
  });

  test("of the promotion is none of the revoke", () => {
    const record = recordIn("promoted");
    const view = {
      ...{ target: retiring.keyId, current: incoming, nowMs: 5_000, sharedWith: [] },
      ...{ adoption: { verdict: "adopted" as const }, missedInQuarantine: false },
      policy: { retain: false, approve: "before-revoke" as const },
    };
    const promotion = approvedPromotion(record);
    expect(whyNotRevoke({ ...view, record: { ...record, order: promotion } })).toEqual({
      reason: "NotApproved",
      detail: "another person has to approve the revoke: rekey approve r-1",
    });
    const revoke = { ...promotion, kind: "revoke" };
    expect(whyNotRevoke({ ...view, record: { ...record, order: revoke } })).toBeUndefined();
  });
});

test("a leaked key's revoke waits for no window, no change freeze and no approval", () => {
  const record = recordIn("promoted", { lease: { runId: "r-1", kind: "incident", executionArn: "arn" } });
  expect(
    whyNotRevoke({
      ...{ record, target: retiring.keyId, current: incoming, nowMs: 5_000, opensAtMs: 60_000 },
      ...{ adoption: { verdict: "adopted" }, missedInQuarantine: false, sharedWith: [] },
      policy: { retain: false, freeze, approve: "before-revoke" },
    }),
  ).toBeUndefined();
});

test("any rotation of the named secret counts for a key that Rekey never promoted", () => {
  const before = (closedAtMs?: number) => ({
    last: { outcome: "rotated", ...(closedAtMs !== undefined && { closedAtMs }) },
  });
  const why = (view: Partial<PromotionView>) =>
    whyNotPromote({ ...clear, policy: staging, ...view }).map(({ detail }) => detail);
  expect(why({ before: before(1) })).toEqual([]);
  expect(why({ record: { ...recordIn("proven"), keys: [] }, before: before(1) })).toEqual([]);
  const { run: _run, ...idle } = recordIn("proven");
  expect(why({ record: idle, before: before(1) })).toEqual([]);
  expect(why({ before: before() })).toEqual([
    "staging/search-key has not been rotated since this secret was",
  ]);
});

test("only the retiring key's promotion is compared, whatever other keys the secret has", () => {
  const record = recordIn("proven");
  const keys = [{ ...incomingKey, keyId: "key-0", promotedAtMs: 1 }, ...record.keys].map((key) =>
    key.keyId === retiring.keyId ? { ...key, promotedAtMs: 4_000 } : key,
  );
  const before = { last: { outcome: "rotated", closedAtMs: 3_000 } };
  expect(whyNotPromote({ ...clear, record: { ...record, keys }, policy: staging, before })).toMatchObject([
    { reason: "NotAfter" },
  ]);
});
