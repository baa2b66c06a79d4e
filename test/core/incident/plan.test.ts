import {
  type Breaker,
  belongsTo,
  claimBackMaxMs,
  clockFrom,
  cooldownMs,
  countInexact,
  deadlineOf,
  escalateAt,
  incidentWindows,
  isQuarantinable,
  isStronger,
  type PlanFacts,
  planFor,
  waitsForAccountUntil,
  whyNotClose,
} from "../../../core/incident/plan.ts";
import type { AlertSeen, IncidentPlan, IncidentRecord, KeyInScope } from "../../../core/incident/record.ts";

const minute = 60_000;
const receivedAtMs = 1_000 * minute;
const word = { by: "arn:aws:iam::111122223333:user/ada", reason: "seen on a forum", atMs: receivedAtMs };

type Row = readonly [title: string, facts: Partial<PlanFacts>, plan: IncidentPlan];
const seen = (exposure: AlertSeen["exposure"], verified: AlertSeen["verified"], source = "github") => ({
  alerts: [{ source, exposure, verified }],
});

const windows = { containByMs: 10 * minute, escalateAfterMs: 5 * minute };
const rotated = (plan?: "contain-first" | "switch-first") =>
  ({ mode: "rotate", incident: { ...windows, ...(plan && { plan }) } }) as const;
const watched = (plan?: "contain-first" | "switch-first") => ({ ...rotated(plan), mode: "index" }) as const;

const rows: readonly Row[] = [
  ["an unknown key, in public and live", { match: "none", ...seen("public", "live") }, "person"],
  [
    "a key of watched secrets only",
    { policies: [watched("contain-first")], ...seen("public", "live") },
    "person",
  ],
  [
    "an admin credential, though a person asks to contain it",
    { own: "the openai admin credential of billing-key", asked: { ...word, plan: "contain-first" } },
    "person",
  ],
  [
    "one of too many inexact alerts, in public and live",
    { isTriage: true, match: "hint", ...seen("public", "live") },
    "person",
  ],
  ["a hint, in public and live", { match: "hint", ...seen("public", "live") }, "replace-and-page"],
  ["a location, in public and live", { match: "location", ...seen("public", "live") }, "replace-and-page"],
  [
    "a hint, though a person asks",
    { match: "hint", asked: { ...word, plan: "contain-first" } },
    "replace-and-page",
  ],
  [
    "a person asks for switch-first",
    { asked: { ...word, plan: "switch-first" }, ...seen("public", "live") },
    "switch-first",
  ],
  [
    "a person asks for contain-first",
    { asked: { ...word, plan: "contain-first" }, ...seen("private", "unknown") },
    "contain-first",
  ],
  [
    "the policy says switch-first",
    { policies: [rotated("switch-first")], ...seen("public", "live") },
    "switch-first",
  ],
  [
    "the policy says contain-first",
    { policies: [rotated("contain-first")], ...seen("private", "unknown") },
    "contain-first",
  ],
  [
    "two policies that differ: the plan that cuts nobody off",
    { policies: [rotated("contain-first"), rotated("switch-first")], ...seen("public", "live") },
    "switch-first",
  ],
  [
    "a secret that is only watched has no say",
    { policies: [rotated(), watched("switch-first")], ...seen("public", "live") },
    "contain-first",
  ],
  ["in public and live", seen("public", "live"), "contain-first"],
  ["in public and untried", seen("public", "unknown"), "contain-first"],
  ["in public and dead", seen("public", "dead"), "contain-first"],
  ["in public by its provider id", { match: "keyId", ...seen("public", "live") }, "contain-first"],
  ["in private and live", seen("private", "live"), "switch-first"],
  ["in private and untried", seen("private", "unknown"), "switch-first"],
  ["nobody knows where, live", seen("unknown", "live"), "switch-first"],
  ["nobody knows where, untried", seen("unknown", "unknown"), "switch-first"],
  ["a person's report", seen("unknown", "unknown", "person"), "contain-first"],
  ["a person's report of a private place", seen("private", "unknown", "person"), "switch-first"],
  [
    "one public alert among private ones",
    { alerts: [...seen("private", "unknown").alerts, ...seen("public", "unknown").alerts] },
    "contain-first",
  ],
  ["nothing at all", { alerts: [] }, "switch-first"],
];

test.each(rows)("%s: the plan table", (_title, facts, plan) => {
  const choice = planFor({ match: "fingerprint", alerts: [], policies: [rotated()], ...facts });
  expect(choice.plan).toBe(plan);
  expect(choice.why).not.toBe("");
});

test("a plan says what it rests on", () => {
  expect(planFor({ match: "fingerprint", policies: [rotated()], ...seen("private", "live") }).why).toBe(
    "the key was seen in a private place, though it was seen to work",
  );
  expect(planFor({ match: "fingerprint", policies: [rotated()], ...seen("unknown", "unknown") }).why).toBe(
    "nobody saw the key in public",
  );
});

test("only a stronger plan replaces another", () => {
  const order: readonly IncidentPlan[] = ["person", "replace-and-page", "switch-first", "contain-first"];
  for (const [index, plan] of order.entries()) {
    expect(order.map((other) => isStronger(plan, other))).toEqual(order.map((_other, at) => at < index));
  }
});

describe("the clock", () => {
  test("runs from the reception when the sender says nothing", () => {
    expect(clockFrom({ receivedAtMs })).toEqual({
      detectedAtMs: receivedAtMs,
      deadlineAtMs: receivedAtMs + 15 * minute,
    });
  });

  test("runs from an earlier detection", () => {
    expect(clockFrom({ receivedAtMs, detectedAtMs: receivedAtMs - minute }).deadlineAtMs).toBe(
      receivedAtMs + 14 * minute,
    );
  });

  test("is not moved later by a sender", () => {
    expect(clockFrom({ receivedAtMs, detectedAtMs: receivedAtMs + 60 * minute }).detectedAtMs).toBe(
      receivedAtMs,
    );
  });

  test("believes a sender only so far back", () => {
    expect(clockFrom({ receivedAtMs, detectedAtMs: 0 }).detectedAtMs).toBe(
      receivedAtMs - Math.min(claimBackMaxMs, receivedAtMs),
    );
    expect(clockFrom({ receivedAtMs: 10 * claimBackMaxMs, detectedAtMs: 0 }).detectedAtMs).toBe(
      9 * claimBackMaxMs,
    );
  });

  test.each([
    ["five minutes after the opening", 0, 5],
    ["a minute before a near deadline", 12, 14],
    ["at once when the deadline is past", 40, 40],
  ])("escalates %s", (_title, openedAt, expected) => {
    const deadlineAtMs = receivedAtMs + 15 * minute;
    const openedAtMs = receivedAtMs + openedAt * minute;
    expect(escalateAt({ openedAtMs, deadlineAtMs, escalateAfterMs: 5 * minute })).toBe(
      receivedAtMs + expected * minute,
    );
  });
});

describe("calls of a provider account that may wait", () => {
  const ofCampaign = {
    campaignId: "c-1",
    plan: "person" as const,
    planAsked: { ...word, plan: "switch-first" as const },
    deadlineAtMs: receivedAtMs + 15 * minute,
  };
  test.each([
    ["of a campaign's switch-first, until two minutes before its deadline", {}, receivedAtMs + 13 * minute],
    [
      "also by the incident's own plan",
      { planAsked: undefined, plan: "switch-first" as const },
      receivedAtMs + 13 * minute,
    ],
    ["not while nobody has decided the plan", { planAsked: undefined }, undefined],
    ["not of an incident alone", { campaignId: undefined }, undefined],
    [
      "not of a key that is contained first",
      { planAsked: { ...word, plan: "contain-first" as const } },
      undefined,
    ],
    ["not after a person's contain-now", { containNow: word }, undefined],
  ])("%s", (_title, changes, untilMs) => {
    const facts = Object.entries({ ...ofCampaign, ...changes }).filter(([, value]) => value !== undefined);
    const record = Object.fromEntries(facts) as Parameters<typeof waitsForAccountUntil>[0];
    expect(waitsForAccountUntil(record)).toBe(untilMs);
  });
});

describe("a repeated alert", () => {
  const match = { by: "fingerprint" as const, text: "sha256:1" };
  const alert: AlertSeen = {
    ...{ source: "github", sourceId: "17", principal: "intake/github", receivedAtMs, match, where: [] },
    ...{ exposure: "unknown", verified: "unknown" },
  };
  const incident = (facts: Partial<IncidentRecord>) =>
    ({ status: "open", alerts: [], keys: [], match, ...facts }) as Parameters<typeof belongsTo>[0];

  test.each(["reported", "open", "contained", "needsPerson"] as const)(
    "joins an incident that is %s",
    (status) => {
      expect(belongsTo(incident({ status }), alert)).toBe(true);
    },
  );

  test("joins a closed incident within the cooldown, and opens one after it", () => {
    const closed = (agoMs: number) => incident({ status: "closed", closedAtMs: receivedAtMs - agoMs });
    expect(belongsTo(closed(cooldownMs - 1), alert)).toBe(true);
    expect(belongsTo(closed(cooldownMs), alert)).toBe(false);
  });

  test("says nothing about a false alarm, unless it is the very same alert", () => {
    const declared = incident({ status: "falseAlarm" });
    expect(belongsTo(declared, alert)).toBe(false);
    expect(belongsTo({ ...declared, alerts: [alert] }, alert)).toBe(true);
    expect(belongsTo({ ...declared, alerts: [{ ...alert, source: "report" }] }, alert)).toBe(false);
  });

  test.each(["closed", "falseAlarm"] as const)(
    "does not join an incident that is %s about a key nobody knew, when the key is known now",
    (status) => {
      const unknown = { by: "none" as const, text: "sha256:1" };
      const ended = incident({
        ...{ status, match: unknown, closedAtMs: receivedAtMs },
        alerts: [alert],
      });
      expect(belongsTo(ended, alert)).toBe(false);
      expect(belongsTo(ended, { ...alert, match: unknown })).toBe(true);
    },
  );
});

test("the breaker opens at the eleventh inexact alert of an hour, and closes when they get fewer", () => {
  let breaker: Breaker | undefined;
  const answers: boolean[] = [];
  for (let n = 0; n < 12; n++) {
    const counted = countInexact(breaker, receivedAtMs + n);
    breaker = counted.breaker;
    answers.push(counted.isOpen);
  }
  expect(answers).toEqual([...Array.from({ length: 10 }, () => false), true, true]);
  expect(countInexact(breaker, receivedAtMs + 60 * minute).isOpen).toBe(false);
});

describe("an incident cannot close", () => {
  const key = (facts: Partial<KeyInScope>): KeyInScope => ({
    ...{ keyId: "key-1", standing: "current", state: "waiting", probes: 0, refusals: 0 },
    ...facts,
  });

  test("while a key is neither dead nor waived", () => {
    const keys = [key({ state: "dead" }), key({ keyId: "key-2", state: "accepted" })];
    expect(whyNotClose({ status: "open", keys })).toEqual({
      reason: "KeyNotDead",
      detail: "neither dead nor waived: key-2 is accepted",
    });
  });

  test("while nobody has said which key it is", () => {
    expect(whyNotClose({ status: "open", keys: [] })?.reason).toBe("NothingInScope");
    const { keyId: _unknown, ...nameless } = key({ state: "needsPerson" });
    expect(whyNotClose({ status: "open", keys: [nameless] })?.detail).toBe(
      "neither dead nor waived: an unknown key is needsPerson",
    );
    expect(
      whyNotClose({ status: "open", keys: [{ ...nameless, fingerprint: "sha256:1" }] })?.detail,
    ).toContain("sha256:1");
  });

  test("unless each is dead or waived, or a person called it a false alarm", () => {
    const keys = [key({ state: "dead" }), key({ waiver: word })];
    expect(whyNotClose({ status: "open", keys })).toBeUndefined();
    expect(whyNotClose({ status: "falseAlarm", keys: [key({})] })).toBeUndefined();
  });
});

describe("the deadline", () => {
  const deadlineAtMs = receivedAtMs + 15 * minute;
  const key = (facts: Partial<KeyInScope>): KeyInScope => ({
    ...{ standing: "current", state: "waiting", probes: 0, refusals: 0 },
    ...facts,
  });
  const dead = (afterMs: number) => key({ state: "dead", deadAtMs: receivedAtMs + afterMs });
  const waived = key({ waiver: word });

  test.each([
    ["open", [], minute],
    ["missed", [], 16 * minute],
    ["open", [dead(minute), key({})], 2 * minute],
    ["missed", [dead(minute), key({})], 16 * minute],
    ["met", [dead(minute)], 20 * minute],
    ["missed", [dead(minute), dead(16 * minute)], 20 * minute],
    ["waived", [dead(minute), waived], 20 * minute],
  ] as const)("is %s", (kept, keys, afterMs) => {
    expect(deadlineOf({ status: "open", keys, deadlineAtMs }, receivedAtMs + afterMs)).toBe(kept);
  });

  test("means nothing to a false alarm", () => {
    expect(deadlineOf({ status: "falseAlarm", keys: [key({})], deadlineAtMs }, receivedAtMs)).toBe("none");
  });
});

test.each([
  ["yes", true, false, true],
  ["yes", false, true, false],
  ["ifScopesKnown", true, true, true],
  ["ifScopesKnown", true, false, false],
  ["no", true, true, false],
] as const)(
  "a quarantine %s, that contains: %s, of a key with scopes: %s is %s",
  (quarantine, contains, hasScopes, is) => {
    expect(isQuarantinable({ quarantine, quarantineContains: contains }, { hasScopes })).toBe(is);
  },
);

test("the windows are the strictest of the policies in scope, and never longer than the defaults", () => {
  const policy = (containByMs: number, escalateAfterMs: number) => ({
    incident: { containByMs, escalateAfterMs },
  });
  expect(incidentWindows([])).toEqual({ containByMs: 10 * minute, escalateAfterMs: 5 * minute });
  expect(incidentWindows([policy(8 * minute, 9 * minute), policy(20 * minute, 2 * minute)])).toEqual({
    containByMs: 8 * minute,
    escalateAfterMs: 2 * minute,
  });
});
