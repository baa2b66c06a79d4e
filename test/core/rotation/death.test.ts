import { afterProbe, isDead } from "../../../core/rotation/death.ts";

const once = { refusals: 1, firstRefusedAtMs: 1_000 };

test("refusals are counted from the first of a row", () => {
  expect(afterProbe(undefined, "refused", 1_000)).toEqual(once);
  expect(afterProbe(once, "refused", 2_000)).toEqual({ refusals: 2, firstRefusedAtMs: 1_000 });
});

test.each(["valid", "notPermitted"] as const)("%s is alive: the row starts again", (answer) => {
  expect(afterProbe(once, answer, 2_000)).toBeUndefined();
  expect(afterProbe(undefined, answer, 2_000)).toBeUndefined();
});

test("an inconclusive answer leaves the row as it is", () => {
  expect(afterProbe(once, "inconclusive", 2_000)).toBe(once);
  expect(afterProbe(undefined, "inconclusive", 2_000)).toBeUndefined();
});

const compared = { neverIssued: "refused", accepted: { keyId: "key_FAKE", answer: "valid" } } as const;
const profile = { deadProbes: 2, deadWindowMs: 500, dieMs: 5_000 };

test("dead is enough refusals over a long enough time, and never without one", () => {
  const at = (nowMs: number) => ({ nowMs, controls: compared });
  expect(isDead(undefined, { deadProbes: 0, deadWindowMs: 0, dieMs: 0 }, at(9_000))).toBe(false);
  expect(isDead(once, profile, at(9_000))).toBe(false);
  expect(isDead({ ...once, refusals: 2 }, profile, at(1_499))).toBe(false);
  expect(isDead({ ...once, refusals: 2 }, profile, at(1_500))).toBe(true);
});

test("with no live key to compare with, refusals have to last as long as the provider may take to end a key", () => {
  const controls = { neverIssued: "refused" } as const;
  const refused = { ...once, refusals: 9 };
  expect(isDead(refused, profile, { nowMs: 5_999, controls })).toBe(false);
  expect(isDead(refused, profile, { nowMs: 6_000, controls })).toBe(true);
});
