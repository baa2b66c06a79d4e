import { rotationLine } from "../../local/narration.ts";

test("a step's outcome is told in words", () => {
  expect(rotationLine({ step: "close-rotation", outcome: "rotated" })).toEqual({
    name: "close-rotation",
    text: "lease freed, death recorded",
    tone: "plain",
  });
});

test("a step's metrics, and steps that nobody waits for, are not shown", () => {
  expect(rotationLine({ step: "close-rotation", Rotations: 1 })).toBeUndefined();
  expect(rotationLine({ step: "announce", outcome: "published" })).toBeUndefined();
});

test("a failure that is retried is no alarm", () => {
  const failed = { step: "mint-key", outcome: "failed", reason: "429" };
  expect(rotationLine({ ...failed, error: "ProviderThrottled" })).toMatchObject({
    text: "429; tried again",
    tone: "wait",
  });
  expect(rotationLine({ ...failed, error: "KeyRejected" })).toMatchObject({
    text: "KeyRejected: 429",
    tone: "bad",
  });
});
