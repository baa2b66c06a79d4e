import type { AdoptionReason } from "../../../core/adoption/adoption.ts";
import {
  isOnlyRetained,
  type RevokeView,
  reasonsAsked,
  whyNotRepeatRevoke,
  whyNotRevoke,
} from "../../../core/rotation/gate.ts";
import { incoming, phasesBefore, promotedPhases, recordIn, retiring } from "./record-world.ts";

const clear: RevokeView = {
  record: recordIn("promoted"),
  target: retiring.keyId,
  current: incoming,
  adoption: { verdict: "adopted" },
  missedInQuarantine: false,
  sharedWith: [],
  policy: { retain: false },
  nowMs: 5_000,
};

const reason = (name: AdoptionReason["reason"], detail: string): AdoptionReason => ({
  reason: name,
  detail,
  source: "client",
});

test("nothing speaks against revoking a key that everybody has left", () => {
  expect(whyNotRevoke(clear)).toBeUndefined();
});

test("an edit of another field is no move: the incoming key counts by its fingerprint", () => {
  expect(whyNotRevoke({ ...clear, current: { ...incoming, versionId: "v-9" } })).toBeUndefined();
});

/** In the order of asking, each with what makes it speak. */
const reasons: readonly (readonly [string, Partial<RevokeView>, string])[] = [
  ["NotTheRetiringKey", { target: "key-3" }, "key-3 is not the recorded retiring key key-1"],
  [
    "RetiringKeyIsCurrent",
    { current: retiring },
    "the current version holds the retiring key again: somebody put it back",
  ],
  [
    "CurrentKeyMoved",
    { current: { versionId: "v-3", fingerprint: "sha256:3" } },
    "the current version is v-3, which does not hold the incoming key",
  ],
  [
    "Held",
    { record: recordIn("promoted", { hold: { by: "ada", reason: "a launch" } }) },
    "held by ada: a launch",
  ],
  ["Stopped", { stop: "stopped for all by ada: an outage" }, "stopped for all by ada: an outage"],
  ["Frozen", { record: recordIn("promoted", { frozen: { reason: "another hand" } }) }, "another hand"],
  ["KeyShared", { sharedWith: ["arn:one", "arn:two"] }, "also held by arn:one, arn:two"],
  ["Retained", { policy: { retain: true } }, "the policy says that this key is never revoked"],
  [
    "HoldsRetiringKey",
    { adoption: { verdict: "waiting", reasons: [reason("HoldsRetiringKey", "search-1 still holds it")] } },
    "search-1 still holds it",
  ],
  [
    "MissedInQuarantine",
    { missedInQuarantine: true },
    "somebody still tried the retiring key while it was disabled",
  ],
];

test.each(reasons)("%s keeps the key", (name, view, detail) => {
  expect(whyNotRevoke({ ...clear, ...view })).toEqual({ reason: name, detail });
});

test("a certificate lists each of these reasons as one that did not stand", () => {
  expect(reasonsAsked).toEqual(expect.arrayContaining(reasons.map(([name]) => name)));
});

test("the first reason wins, in an order that no evidence can change", () => {
  const answers = reasons.map((_each, index) => {
    const all = reasons
      .slice(index)
      .reduceRight<RevokeView>((view, [, change]) => merged(view, change), clear);
    return whyNotRevoke(all)?.reason;
  });
  expect(answers).toEqual(reasons.map(([name]) => name));
});

/** A hold and a freeze both live in the record. */
function merged(view: RevokeView, { record, ...change }: Partial<RevokeView>): RevokeView {
  return { ...view, ...change, record: { ...view.record, ...(record ?? {}) } };
}

test("a contradiction keeps the key as much as a gap does, and says how much more there is", () => {
  const adoption = {
    verdict: "contradicted" as const,
    reasons: [
      reason("UndeclaredConsumer", "nobody declared it"),
      reason("NotRead", "b"),
      reason("NotRead", "c"),
    ],
  };
  expect(whyNotRevoke({ ...clear, adoption })).toEqual({
    reason: "UndeclaredConsumer",
    detail: "nobody declared it (and 2 more)",
  });
});

test("a verdict without a reason keeps the key all the same", () => {
  expect(whyNotRevoke({ ...clear, adoption: { verdict: "waiting", reasons: [] } })).toEqual({
    reason: "NotAdopted",
    detail: "no evidence",
  });
});

test("the incoming key is never the target, even if the record says so", () => {
  const record = recordIn("promoted");
  const run = { ...record.run, retiring: { ...retiring, keyId: incoming.keyId } } as typeof record.run;
  const view = { ...clear, record: { ...record, ...(run && { run }) }, target: incoming.keyId };
  expect(whyNotRevoke(view)?.reason).toBe("NotTheRetiringKey");
  expect(whyNotRepeatRevoke(view)?.reason).toBe("NotTheRetiringKey");
});

describe("before the promotion", () => {
  test.each([...phasesBefore, "promoting"] as const)(
    "nothing is revoked, and no revoke is repeated, in phase %s",
    (phase) => {
      const view = { ...clear, record: recordIn(phase) };
      expect(whyNotRevoke(view)).toEqual({
        reason: "NotPromoted",
        detail: "the incoming key is not current yet",
      });
      expect(whyNotRepeatRevoke(view)?.reason).toBe("NotPromoted");
    },
  );
});

test("only the policy keeps a key that nothing else stands in the way of", () => {
  const kept = { ...clear, policy: { retain: true } };
  expect(isOnlyRetained(kept)).toBe(true);
  expect(isOnlyRetained(clear)).toBe(false);
  expect(isOnlyRetained({ ...kept, stop: "stopped" })).toBe(false);
});

describe("repeating a recorded revoke", () => {
  test.each(promotedPhases)("needs no new decision in phase %s", (phase) => {
    const record = recordIn(phase, { hold: { by: "ada", reason: "too late" } });
    const adoption = { verdict: "waiting" as const, reasons: [] };
    const current = { versionId: "v-3", fingerprint: "sha256:3" };
    const view = {
      ...clear,
      record,
      adoption,
      current,
      stop: "stopped",
      policy: { retain: true },
      sharedWith: ["arn:one"],
    };
    expect(whyNotRepeatRevoke(view)).toBeUndefined();
  });

  test("stops only if somebody put the retiring key back, or at another key", () => {
    expect(whyNotRepeatRevoke({ ...clear, current: retiring })?.reason).toBe("RetiringKeyIsCurrent");
    expect(whyNotRepeatRevoke({ ...clear, target: "key-3" })?.reason).toBe("NotTheRetiringKey");
  });
});
