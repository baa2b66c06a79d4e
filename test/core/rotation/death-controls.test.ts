import type { VerifyResult } from "../../../core/ports.ts";
import {
  controlsText,
  type DeathControls,
  isRepeatDue,
  underControls,
} from "../../../core/rotation/death.ts";

const live = (answer: VerifyResult): DeathControls["accepted"] => ({ keyId: "k2", answer });
const controlled = (neverIssued: VerifyResult, answer?: VerifyResult): DeathControls => {
  const accepted = answer && live(answer);
  return { neverIssued, ...(accepted && { accepted }) };
};

test.each<[VerifyResult, DeathControls, VerifyResult]>([
  ["refused", controlled("refused", "valid"), "refused"],
  ["refused", controlled("refused", "notPermitted"), "refused"],
  ["refused", controlled("refused"), "refused"],
  ["refused", controlled("refused", "refused"), "inconclusive"],
  ["refused", controlled("refused", "inconclusive"), "inconclusive"],
  ["refused", controlled("valid", "valid"), "inconclusive"],
  ["refused", controlled("inconclusive"), "inconclusive"],
  ["valid", controlled("refused", "refused"), "valid"],
  ["notPermitted", controlled("valid"), "notPermitted"],
])("%s under %j counts as %s", (answer, controls, counts) => {
  expect(underControls(answer, controls)).toBe(counts);
});

test("the controls are said in words", () => {
  const compared = controlsText(controlled("refused", "valid"));
  expect(compared).toBe("k2 accepted, a key that was never issued refused");
  const alone = controlsText(controlled("inconclusive"));
  expect(alone).toBe("no live key to compare with, a key that was never issued without a clear answer");
});

test("a revoke is asked for again after twice as long each time, and at the latest after an hour", () => {
  const isDue = (revokesAgain: number, afterMs: number) =>
    isRepeatDue({ revokesAgain, lastRevokeAtMs: 1_000 }, 1_000 + afterMs);
  expect([isDue(0, 29_999), isDue(0, 30_000)]).toEqual([false, true]);
  expect([isDue(2, 119_999), isDue(2, 120_000)]).toEqual([false, true]);
  expect([isDue(20, 3_599_999), isDue(20, 3_600_000)]).toEqual([false, true]);
});

test("a revoke that was never asked for is not repeated", () => {
  expect(isRepeatDue({}, 9e15)).toBe(false);
  expect(isRepeatDue({ lastRevokeAtMs: 0 }, 30_000)).toBe(true);
});
