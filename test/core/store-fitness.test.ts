import type { StoreCapabilities } from "../../core/ports.ts";
import { whyNotRotateIn } from "../../core/store-fitness.ts";

const sound: StoreCapabilities = {
  compareAndSwap: "native",
  consumersSeePending: false,
  versionsKept: 10,
  pinKeeps: false,
  readBackMs: 0,
};

const cases: readonly [string, Partial<StoreCapabilities>, RegExp | undefined][] = [
  ["everything a rotation relies on", {}, undefined],
  ["few versions, and pins", { versionsKept: 2, pinKeeps: true }, undefined],
  ["as many versions as a rotation needs, and no pins", { versionsKept: 6 }, undefined],
  ["changes in between seen afterwards", { compareAndSwap: "afterwards" }, undefined],
  ["no compare-and-swap", { compareAndSwap: "none" }, /could be lost/],
  ["pending versions that consumers see", { consumersSeePending: true }, /before it is proven/],
  ["few versions, and no pins", { versionsKept: 5 }, /keeps 5 versions, and a rotation needs 6/],
];

test.each(cases)("a store with %s", (_what, given, expected) => {
  const reasons = whyNotRotateIn({ ...sound, ...given });
  expect(reasons).toHaveLength(expected === undefined ? 0 : 1);
  if (expected !== undefined) expect(reasons[0]).toMatch(expected);
});
