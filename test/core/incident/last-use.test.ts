import { isUseWanted, laterUse, usedBeforeSince, usedSince } from "../../../core/incident/last-use.ts";
import type { IncidentRecord, KeyInScope } from "../../../core/incident/record.ts";

const minute = 60_000;
const key: KeyInScope = {
  ...{ keyId: "k1", standing: "current", state: "waiting" },
  ...{ probes: 0, refusals: 0 },
};
const seen = { atMs: 100, sinceMs: 0, requests: 7 };

test("a key is looked at once, and again when what was seen has become old", () => {
  expect(isUseWanted(key, 100)).toBe(true);
  expect(isUseWanted({ ...key, lastUse: seen }, 100 + minute)).toBe(false);
  expect(isUseWanted({ ...key, lastUse: seen }, 101 + minute)).toBe(true);
});

test("a key whose revoke is recorded, or that nobody could name, is not looked at", () => {
  expect(isUseWanted({ ...key, revokeIntendedAtMs: 50 }, 100)).toBe(false);
  const { keyId: _unknown, ...unnamed } = key;
  expect(isUseWanted(unnamed, 100)).toBe(false);
});

test("a look that saw nothing takes nothing away from an earlier one", () => {
  const failed = { atMs: 200, sinceMs: 0, unknown: "no answer in 1 s" };
  const again = { atMs: 300, sinceMs: 0, requests: 9 };
  expect(laterUse(seen, undefined)).toBe(seen);
  expect(laterUse(seen, failed)).toBe(seen);
  expect(laterUse(seen, again)).toBe(again);
  expect(laterUse(failed, again)).toBe(again);
  expect(laterUse(undefined, failed)).toBe(failed);
  expect(laterUse(failed, { ...failed, atMs: 300 })).toMatchObject({ atMs: 300 });
});

test("it is asked for from the exposure on, or for the 90 days before the detection; for 28 where time is short", () => {
  const incident = { detectedAtMs: 100 * 24 * 60 * minute } as IncidentRecord;
  expect(usedSince(incident)).toBe(10 * 24 * 60 * minute);
  expect(usedSince({ ...incident, exposedAtMs: 5 })).toBe(5);
  expect(usedBeforeSince(incident)).toBe(72 * 24 * 60 * minute);
  expect(usedBeforeSince({ ...incident, exposedAtMs: 5 })).toBe(5);
});
