import {
  declaredReaders,
  type ReadTerms,
  sayRead,
  type TriageItem,
  whyUnexpected,
  withRead,
} from "../../../core/adoption/unexpected-read.ts";

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`;
const billing = { name: "billing", roles: [role("billing")] };
const terms = (change: object = {}) => ({ consumers: [billing], ...change }) as unknown as ReadTerms;
const localTime = (_zone: string, atMs: number) => ({ weekday: 1, minute: atMs / 60_000 });
const readHours = { timezone: "UTC", open: [{ days: [1], fromMinute: 480, untilMinute: 1_080 }] };
const noon = 720 * 60_000;
const night = 60 * 60_000;

test.each<[string, object, readonly string[] | undefined]>([
  [
    "the roles of consumers and the readers",
    { readers: [role("backup")] },
    [role("billing"), role("backup")],
  ],
  ["no role at all: nothing can be compared", { consumers: [{ name: "billing" }] }, undefined],
  ["no consumer: nobody but the readers", { consumers: "none" }, []],
])("a policy declares %s", (_what, change, expected) => {
  const declared = declaredReaders(terms(change));
  expect(declared && [...declared]).toEqual(expected);
});

test.each<[string, string, object, number, string | undefined]>([
  ["a consumer's role is expected", "billing", {}, night, undefined],
  ["a role that is named nowhere is not", "other", {}, noon, "undeclaredPrincipal"],
  [
    "without any role in the policy nobody is asked",
    "other",
    { consumers: [{ name: "b" }] },
    noon,
    undefined,
  ],
  ["hours count only for a restricted secret", "billing", { readHours }, night, undefined],
  ["within the hours", "billing", { readHours, classification: "restricted" }, noon, undefined],
  ["outside of them", "billing", { readHours, classification: "restricted" }, night, "outsideHours"],
  ["restricted without hours", "billing", { classification: "restricted" }, night, undefined],
])("%s", (_what, name, change, atMs, expected) => {
  expect(whyUnexpected({ principal: role(name), atMs }, terms(change), localTime)).toBe(expected);
});

test("a day has one item: the same reader for the same reason is in it already, and at most twenty are", () => {
  const read = { principal: role("x"), why: "undeclaredPrincipal", versionId: "v1", atMs: 5 } as const;
  const first = withRead(undefined, "2026-11-30", read);
  expect(first).toEqual({ day: "2026-11-30", openedAtMs: 5, reads: [read] });
  expect(withRead(first, "2026-11-30", { ...read, atMs: 9 })).toBe(first);
  const night = { ...read, why: "outsideHours", atMs: 9 } as const;
  expect(withRead(first, "2026-11-30", night).reads).toEqual([read, night]);
  let full: TriageItem = first;
  for (let i = 0; i < 40; i++) full = withRead(full, "2026-11-30", { ...read, principal: role(`x${i}`) });
  expect(full.reads).toHaveLength(20);
});

test("says who read, and what was unexpected", () => {
  const read = { principal: role("x"), versionId: "v1", atMs: 5 };
  expect(sayRead({ ...read, why: "undeclaredPrincipal" })).toContain("names no such reader");
  expect(sayRead({ ...read, why: "outsideHours" })).toContain("outside the hours");
});
