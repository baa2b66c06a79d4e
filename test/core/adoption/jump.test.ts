import { evidenceKey, isJump } from "../../../core/adoption/evidence.ts";
import { isCutOff } from "../../../core/adoption/standing.ts";
import { consumer, report, said, second, withConsumers } from "./adoption-world.ts";

const known = { sequence: 5, observedAtMs: 0 };

test("an instance sends at most ten reports a second, and a burst of a thousand", () => {
  expect(isJump({ sequence: 1_005, observedAtMs: 0 }, known)).toBe(false);
  expect(isJump({ sequence: 1_006, observedAtMs: 0 }, known)).toBe(true);
  expect(isJump({ sequence: 1_015, observedAtMs: second }, known)).toBe(false);
  expect(isJump({ sequence: 1_016, observedAtMs: second }, known)).toBe(true);
});

test("a clock that went back allows no more than the burst", () => {
  expect(isJump({ sequence: 1_006, observedAtMs: -9_000 }, known)).toBe(true);
});

test("an instance that nobody knows yet may have run for as long as one lives", () => {
  const days = 400 * 24 * 3_600;
  expect(isJump({ sequence: days * 10 + 1_000, observedAtMs: 0 }, undefined)).toBe(false);
  expect(isJump({ sequence: days * 10 + 1_001, observedAtMs: 0 }, undefined)).toBe(true);
});

test("a jump contradicts, and silences nothing that the instance itself reports", () => {
  const jump = report({ unproven: "jump", sequence: 9_999, jumpedFrom: 5 });
  const twice = "TwoUnderOneName billing i1 by client";
  expect(said(withConsumers([consumer()], [report(), jump]))).toEqual(["contradicted", twice]);
  expect(said(withConsumers([consumer()], [report(), { ...jump, consumer: "else" }]))).toEqual(["adopted"]);
});

test("what proves nothing is kept apart from what does", () => {
  const keys = [report(), report({ unproven: "unsigned" }), report({ unproven: "jump" })].map(evidenceKey);
  expect(keys.map((key) => key.split("/")[0])).toEqual(["instance", "unproven", "jump"]);
});

test("alive and refused is cut off; silent or gone is not", () => {
  const standings = ["failing", "cutOff", "silent", "gone"] as const;
  expect(standings.filter((standing) => isCutOff({ standing }))).toEqual(["failing", "cutOff"]);
});
