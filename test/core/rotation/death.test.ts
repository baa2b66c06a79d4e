import type { VerifyResult } from "../../../core/ports.ts";
import { afterProbe, type CountedProbe, type DeathWatch, isDead } from "../../../core/rotation/death.ts";

const once = { refusals: 1, firstRefusedAtMs: 1_000 };
const live = (answer: VerifyResult) =>
  ({ neverIssued: "refused", accepted: { keyId: "key_FAKE", answer } }) as const;
const alone = (answer: VerifyResult, atMs = 2_000): CountedProbe => ({ answer, atMs });
const refusedAt = (atMs: number): CountedProbe => ({ ...alone("refused", atMs), controls: live("valid") });
const outageAt = (atMs: number): CountedProbe => ({
  ...alone("inconclusive", atMs),
  controls: live("refused"),
});

test("refusals are counted from the first of a row", () => {
  expect(afterProbe(undefined, alone("refused", 1_000))).toEqual(once);
  expect(afterProbe(once, alone("refused"))).toEqual({ refusals: 2, firstRefusedAtMs: 1_000 });
});

test("those at which the call accepted a live key are counted for themselves, too", () => {
  const first = afterProbe(once, refusedAt(2_000));
  expect(first).toEqual({ ...once, refusals: 2, compared: { refusals: 1, firstRefusedAtMs: 2_000 } });
  const compared = { refusals: 2, firstRefusedAtMs: 2_000 };
  expect(afterProbe(first, refusedAt(3_000))).toEqual({ ...once, refusals: 3, compared });
});

test.each(["valid", "notPermitted"] as const)("%s is alive: the row starts again", (answer) => {
  expect(afterProbe(once, alone(answer))).toBeUndefined();
  expect(afterProbe(undefined, alone(answer))).toBeUndefined();
});

test("an inconclusive answer leaves the row as it is", () => {
  expect(afterProbe(once, alone("inconclusive"))).toBe(once);
  expect(afterProbe(once, { ...outageAt(2_000), controls: live("inconclusive") })).toBe(once);
  expect(afterProbe(undefined, alone("inconclusive"))).toBeUndefined();
});

test("where the call refuses a live key, what it refused with none to compare counts no more", () => {
  expect(afterProbe(once, outageAt(2_000))).toBeUndefined();
  expect(afterProbe(undefined, outageAt(2_000))).toBeUndefined();
  const mixed = afterProbe(once, refusedAt(2_000));
  const compared = { refusals: 1, firstRefusedAtMs: 2_000 };
  const left = afterProbe(mixed, outageAt(3_000));
  expect(left).toEqual({ ...compared, compared });
  expect(afterProbe(left, outageAt(4_000))).toBe(left);
});

const profile = { deadProbes: 2, deadWindowMs: 500, dieMs: 5_000 };

/** When a key is first called dead after these calls. */
function deadAt(...probes: readonly CountedProbe[]): number | undefined {
  let watch: DeathWatch | undefined;
  for (const probe of probes) {
    watch = afterProbe(watch, probe);
    if (isDead(watch, profile, probe)) return probe.atMs;
  }
  return undefined;
}

test("dead is enough refusals over a long enough time, and never without one", () => {
  expect(isDead(undefined, { deadProbes: 0, deadWindowMs: 0, dieMs: 0 }, refusedAt(9_000))).toBe(false);
  expect(deadAt(refusedAt(9_000))).toBeUndefined();
  expect(deadAt(refusedAt(1_000), refusedAt(1_499))).toBeUndefined();
  expect(deadAt(refusedAt(1_000), refusedAt(1_500))).toBe(1_500);
});

test("with no live key to compare with, refusals have to last as long as the provider may take to end a key", () => {
  const refused = [1_000, 2_000, 5_999].map((atMs) => alone("refused", atMs));
  expect(deadAt(...refused)).toBeUndefined();
  expect(deadAt(...refused, alone("refused", 6_000))).toBe(6_000);
});

test("one refusal with a live key to compare with does not shorten that time for those before it", () => {
  expect(deadAt(alone("refused", 1_000), alone("refused", 2_000), refusedAt(3_000))).toBeUndefined();
  expect(deadAt(alone("refused", 1_000), refusedAt(3_000), refusedAt(3_500))).toBe(3_500);
  // The last refusal has nothing to compare with either, although two before it had.
  expect(deadAt(refusedAt(1_000), refusedAt(1_499), alone("refused", 2_000))).toBeUndefined();
});

test("an outage that begins between two refusals certifies no death", () => {
  expect(deadAt(alone("refused", 1_000), alone("refused", 2_000), outageAt(3_000))).toBeUndefined();
  expect(deadAt(refusedAt(1_000), refusedAt(1_100), outageAt(9_000))).toBeUndefined();
  expect(deadAt(refusedAt(1_000), outageAt(5_000), refusedAt(9_000))).toBe(9_000);
});
