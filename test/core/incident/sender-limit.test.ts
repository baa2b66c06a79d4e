import { decisionOf } from "../../../core/incident/orders.ts";
import {
  type ContainedUnseen,
  countUnseen,
  decisionText,
  mayContain,
  planFor,
} from "../../../core/incident/plan.ts";
import { incident, keyWith, word } from "./incident-world.ts";

const limit = { keysPerHour: 2 };
const hour = 3_600_000;

function countedAt(times: readonly (readonly [subject: string, atMs: number])[]): readonly boolean[] {
  let counted: ContainedUnseen | undefined;
  return times.map(([subject, atMs]) => {
    const answer = countUnseen(counted, { subject, atMs, limit });
    counted = answer.counted;
    return answer.isOver;
  });
}

test("a sender that has had as many keys contained as it may is over its limit", () => {
  expect(
    countedAt([
      ["a", 0],
      ["b", 1],
      ["c", 2],
    ]),
  ).toEqual([false, false, true]);
});

test("a repeat about a key takes nothing from the limit", () => {
  expect(
    countedAt([
      ["a", 0],
      ["a", 1],
      ["b", 2],
      ["a", 3],
    ]),
  ).toEqual([false, false, false, false]);
});

test("the count starts again after an hour, and not before", () => {
  expect(
    countedAt([
      ["a", 0],
      ["b", 0],
      ["c", hour - 1],
    ]),
  ).toEqual([false, false, true]);
  expect(
    countedAt([
      ["a", 0],
      ["b", 0],
      ["c", hour],
    ]),
  ).toEqual([false, false, false]);
});

test("a flood of keys makes the count no larger than two hundred", () => {
  const subjects = Array.from({ length: 200 }, (_, index) => `k${index}`);
  const { counted, isOver } = countUnseen({ sinceMs: 0, subjects }, { subject: "more", atMs: 1, limit });
  expect([counted.subjects.length, isOver]).toEqual([200, true]);
});

const billing = { name: "billing-key", secretArn: "arn:aws:secretsmanager:eu-west-1:1:secret:billing" };

test.each<[boolean, readonly string[] | undefined]>([
  [true, undefined],
  [true, ["billing-key"]],
  [true, [billing.secretArn]],
  [true, ["search", "billing-*"]],
  [false, ["billing"]],
  [false, ["search-*"]],
  [false, []],
])("may contain: %s, with the secrets %j", (may, secrets) => {
  expect(mayContain({ keysPerHour: 3, secrets }, billing)).toBe(may);
});

test("a sender over its limit cuts nobody off: consumers are switched first", () => {
  const policies = [{ mode: "rotate" as const, incident: { containByMs: 1, escalateAfterMs: 1 } }];
  const seen = { source: "github", exposure: "public" as const, verified: "live" as const };
  const planOf = (overLimit?: true) =>
    planFor({ match: "keyId", policies, alerts: [{ ...seen, ...(overLimit && { overLimit }) }] });
  expect(planOf()).toMatchObject({ plan: "contain-first" });
  expect(planOf(true)).toMatchObject({ plan: "switch-first" });
});

describe("what a person decided before", () => {
  const called = { atMs: 5, what: "falseAlarm" as const, detail: "a test key" };

  test("is the waiver of a key that was let live", () => {
    const before = decisionOf(incident({ keys: [keyWith({ waiver: word })] }));
    expect(before).toEqual({ ...word, incidentId: "i-1", what: "waived" });
    expect(before && decisionText(before)).toBe("i-1 was waived by ada: sure");
  });

  test("is the false alarm, with who called it", () => {
    const before = decisionOf(incident({ status: "falseAlarm", timeline: [{ ...called, by: "ada" }] }));
    expect(before).toMatchObject({ what: "falseAlarm", by: "ada", reason: "a test key", atMs: 5 });
    expect(before && decisionText(before)).toBe("i-1 was called a false alarm by ada: a test key");
  });

  test("is nothing while nobody decided, or after it was taken back", () => {
    expect(decisionOf(incident())).toBeUndefined();
    expect(decisionOf(incident({ timeline: [called] }))).toBeUndefined();
    expect(decisionOf(incident({ status: "falseAlarm" }))).toBeUndefined();
  });

  test("is a person's, where an old record does not say whose", () => {
    expect(decisionOf(incident({ status: "falseAlarm", timeline: [called] }))?.by).toBe("a person");
  });
});
