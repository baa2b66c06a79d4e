import { incidentFacts } from "../../../core/incident/facts.ts";
import { incidentLimits } from "../../../core/incident/limits.ts";
import { acknowledge, orderPlan, whyNotAcknowledge, whyNotPlan } from "../../../core/incident/orders.ts";
import { belongsTo } from "../../../core/incident/plan.ts";
import type { AlertSeen, IncidentRecord, KeyInScope, PageSent } from "../../../core/incident/record.ts";
import {
  addToTimeline,
  appendAlert,
  changeKey,
  changeSecretInScope,
  endWaits,
  identify,
  isExecutionOf,
  isPast,
  keyInScope,
  mayOpen,
  refOf,
  staleWaits,
  storeIncidentWait,
  strengthen,
  takenUp,
} from "../../../core/incident/transitions.ts";
import {
  clockTurn,
  containTurn,
  giveUpAfterMs,
  headStartMs,
  isLeftToConsumers,
  triageSubject,
  whyNotContain,
} from "../../../core/incident/turns.ts";
import { incident, keyWith, match, minute, openedAtMs, secretWith, word } from "./incident-world.ts";

function turnOf(facts: Partial<IncidentRecord>, afterMs = 0, key = facts.keys?.[0] ?? keyWith()) {
  const turn = containTurn(incident(facts), key, openedAtMs + afterMs);
  return turn.turn === "wait" && turn.untilMs !== undefined
    ? `wait ${(turn.untilMs - openedAtMs) / 1000} s`
    : turn.turn;
}

describe("containment's turn", () => {
  test.each<[string, Partial<IncidentRecord>, number, string]>([
    ["gives a replacement that is coming its head start", {}, 0, "wait 10 s"],
    ["then waits for nothing", {}, headStartMs, "contain"],
    [
      "waits for nothing when it is promoted",
      { secrets: [secretWith({ replacement: "promoted" })] },
      0,
      "contain",
    ],
    ["waits for nothing when it failed", { secrets: [secretWith({ replacement: "failed" })] }, 0, "contain"],
    [
      "does not wait for one that waits for the slot",
      { secrets: [secretWith({ slotTries: 1 })] },
      0,
      "contain",
    ],
    [
      "waits for every secret",
      { secrets: [secretWith({ replacement: "promoted" }), secretWith()] },
      0,
      "wait 10 s",
    ],
  ])("under contain-first it %s", (_title, facts, afterMs, turn) => {
    expect(turnOf(facts, afterMs)).toBe(turn);
  });

  test.each<[string, Partial<IncidentRecord>, number, string]>([
    [
      "waits for consumers until containBy",
      { secrets: [secretWith({ replacement: "recovering" })] },
      0,
      "wait 600 s",
    ],
    ["contains when everybody moved", { secrets: [secretWith({ replacement: "adopted" })] }, 0, "contain"],
    [
      "contains where nobody is handed the key",
      { secrets: [secretWith({ replacement: "notNeeded" })] },
      0,
      "contain",
    ],
    ["contains at containBy whatever they did", {}, 10 * minute, "contain"],
    [
      "asks a person when a replacement failed",
      { secrets: [secretWith({ replacement: "failed" })] },
      20 * minute,
      "wait",
    ],
    [
      "obeys a person's order",
      { containNow: word, secrets: [secretWith({ replacement: "failed" })] },
      0,
      "contain",
    ],
  ])("under switch-first it %s", (_title, facts, afterMs, turn) => {
    expect(turnOf({ plan: "switch-first", ...facts }, afterMs)).toBe(turn);
  });

  test.each(["person", "replace-and-page"] as const)("under %s it waits for a person's order", (plan) => {
    expect(turnOf({ plan }, 60 * minute)).toBe("wait");
    expect(turnOf({ plan, containNow: word })).toBe("contain");
  });

  test("an inexact match never contains by itself, whatever the plan", () => {
    expect(turnOf({ match: { by: "hint", text: "sk-...1234" } }, 60 * minute)).toBe("wait");
  });

  test.each<[string, Partial<KeyInScope>, string]>([
    ["accepted", { state: "accepted" }, "prove"],
    ["in the middle of its revoke", { state: "revoking" }, "contain"],
    ["in the middle of its quarantine", { state: "quarantining" }, "contain"],
    ["to be revoked by hand", { state: "needsPerson", byHand: true }, "prove"],
    ["unknown", { state: "needsPerson" }, "wait"],
    ["waived, whatever it was when it was", { state: "needsPerson", byHand: true, waiver: word }, "over"],
    ["waived", { waiver: word }, "over"],
    ["dead", { state: "dead" }, "over"],
    ["quarantined", { state: "quarantined", revokeAtMs: openedAtMs + minute }, "wait 60 s"],
    ["quarantined, and soaked", { state: "quarantined", revokeAtMs: openedAtMs }, "contain"],
    ["quarantined, nobody knows until when", { state: "quarantined" }, "contain"],
  ])("for a key that is %s", (_title, facts, turn) => {
    expect(turnOf({ keys: [keyWith(facts)] })).toBe(turn);
  });

  test("a quarantined key is revoked as soon as everybody moved", () => {
    const keys = [keyWith({ state: "quarantined", revokeAtMs: openedAtMs + minute })];
    expect(turnOf({ keys, secrets: [secretWith({ replacement: "adopted" })] })).toBe("contain");
  });

  test("a person's order also moves a key that waits for a person", () => {
    expect(turnOf({ keys: [keyWith({ state: "needsPerson" })], containNow: word })).toBe("contain");
  });

  test("a wait for a person says what stands in the way of this key, and else why the plan is what it is", () => {
    const whyOf = (facts: Partial<KeyInScope>) =>
      containTurn(incident(), keyWith({ state: "needsPerson", ...facts }), openedAtMs);
    expect(whyOf({ blocked: { why: "the provider refuses" } })).toMatchObject({
      why: "the provider refuses",
    });
    expect(whyOf({})).toMatchObject({ why: "seen in public" });
  });

  test("a time that was never written down is now: no head start, no time to move, and no giving up", () => {
    const { openedAtMs: _o, takenUpAtMs: _t, containByMs: _c, ...timeless } = incident();
    const turnAt = (plan: IncidentRecord["plan"], nowMs: number) =>
      containTurn({ ...timeless, plan }, keyWith(), nowMs).turn;
    expect(turnAt("switch-first", openedAtMs)).toBe("contain");
    expect(turnAt("contain-first", openedAtMs + giveUpAfterMs + 1)).toBe("wait");
    expect(clockTurn({ ...timeless, ...quiet }, openedAtMs + giveUpAfterMs + 1).turn).toBe("escalate");
  });

  test("a key without an id waits for a person, even after an order", () => {
    const { keyId: _unknown, ...nameless } = keyWith();
    expect(turnOf({ containNow: word }, 0, nameless)).toBe("wait");
    expect(whyNotContain(incident({ containNow: word }), nameless)).toBe(
      "the key's id at the provider is not known",
    );
    expect(refOf(nameless)).toBe("unknown");
    expect(refOf({ fingerprint: "sha256:1" })).toBe("sha256:1");
  });

  test("ends with the incident, and after a week", () => {
    expect(turnOf({ status: "falseAlarm" })).toBe("over");
    expect(turnOf({ status: "closed" })).toBe("over");
    expect(turnOf({}, giveUpAfterMs + 1)).toBe("giveUp");
  });

  describe("under switch-first, with a key that AWSCURRENT holds again,", () => {
    const places = [
      { secretArn: "arn:1", versionId: "v1" },
      { secretArn: "arn:2", versionId: "v2" },
    ];
    const currentAgain = { places, lookAgainAtMs: openedAtMs + minute };
    const facts = { plan: "switch-first", secrets: [secretWith({ replacement: "adopted" })] } as const;

    const states = ["waiting", "quarantining", "quarantined", "revoking"] as const;
    test.each(states)("waits for the next look where it is %s", (state) => {
      const keys = [keyWith({ state, currentAgain })];
      expect(turnOf({ ...facts, keys })).toBe("wait 60 s");
      expect(turnOf({ ...facts, keys }, minute)).toBe("contain");
      expect(turnOf({ ...facts, keys, containNow: word })).toBe("contain");
    });

    test("names each secret, and pages", () => {
      const keys = [keyWith({ currentAgain })];
      const why =
        "the current version of billing, arn:2 holds the compromised key again: somebody put it back";
      const record = incident({ ...facts, keys });
      expect(containTurn(record, keys[0] ?? keyWith(), openedAtMs)).toMatchObject({ why });
      expect(clockTurn(record, openedAtMs)).toMatchObject({ page: { reason: "needsPerson", why } });
    });
  });

  test.each<[string, Partial<IncidentRecord>, number, boolean]>([
    ["before containBy", {}, 10 * minute - 1, true],
    ["from containBy on", {}, 10 * minute, false],
    ["under contain-first", { plan: "contain-first" }, 0, false],
    ["when a person says now", { containNow: word }, 0, false],
  ])("only on suspicion a key is left to its consumers: %s", (_when, facts, afterMs, isLeft) => {
    const record = incident({ plan: "switch-first", ...facts });
    expect(isLeftToConsumers(record, openedAtMs + afterMs)).toBe(isLeft);
    const { containByMs: _unset, ...timeless } = record;
    expect(isLeftToConsumers(timeless, openedAtMs)).toBe(false);
  });

  test("only an exact match or a person's order lets an adapter act", () => {
    const hint = { by: "hint" as const, text: "sk-...1234" };
    expect(whyNotContain(incident(), keyWith())).toBeUndefined();
    expect(whyNotContain(incident({ match: hint }), keyWith())).toBe("the key is known by a hint only");
    expect(whyNotContain(incident({ match: hint, containNow: word }), keyWith())).toBeUndefined();
  });
});

function clock(facts: Partial<IncidentRecord>, afterMs = 0): string {
  const turn = clockTurn(incident(facts), openedAtMs + afterMs);
  if (turn.turn === "escalate") return `${turn.page.severity} ${turn.page.reason}`;
  if (turn.turn === "over" || turn.untilMs === undefined) return turn.turn;
  return `wait ${(turn.untilMs - openedAtMs) / minute} min`;
}

/** What was told of an incident in this state, at this time. */
function paged(facts: Partial<IncidentRecord>, afterMs = 0): PageSent {
  const turn = clockTurn(incident(facts), openedAtMs + afterMs);
  if (turn.turn !== "escalate") throw new Error("nobody would be told");
  return { atMs: openedAtMs, ...turn.page, delivered: ["sns"], failed: [] };
}

const quiet = { pages: [paged({})] };
const accepted = keyWith({ state: "accepted", acceptedAtMs: openedAtMs, dieMs: 10 * minute });

const seenAlert: AlertSeen = {
  ...{ source: "github", sourceId: "17", principal: "intake/github", receivedAtMs: openedAtMs + minute },
  ...{ exposure: "public", verified: "live", match, where: [] },
};

test("an incident that a person had decided before says so on its first page", () => {
  const decidedBefore = { ...word, incidentId: "i-0", what: "falseAlarm" as const };
  const turn = clockTurn(incident({ decidedBefore }), openedAtMs);
  expect(turn).toMatchObject({ turn: "escalate", page: { reason: "opened", severity: "page" } });
  expect(turn.turn === "escalate" && turn.page.why).toMatch(
    /^reported again, though .*; plan contain-first: seen in public$/,
  );
});

test("an incident that only waits because its sender is over the limit pages at once", () => {
  const limited = { plan: "switch-first", planWhy: "over the limit", secrets: [] } as const;
  const alerts = [{ ...seenAlert, overLimit: true as const }];
  expect(clockTurn(incident({ ...limited, alerts }), openedAtMs)).toEqual({
    turn: "escalate",
    page: { reason: "limited", severity: "page", why: "over the limit" },
  });
  expect(clock({ ...limited, alerts: [seenAlert] })).toBe("wait 5 min");
  expect(clock({ ...limited, alerts, plan: "contain-first" })).toBe("wait 5 min");
});

describe("pages after the deadline", () => {
  const told = (atMinutes: number): PageSent => ({
    ...{ atMs: openedAtMs + atMinutes * minute, reason: "deadlinePassed", severity: "page" },
    ...{ why: "the key will not be proven dead before the deadline", delivered: ["sns"], failed: [] },
  });
  const needed = { ...told(1), reason: "needsPerson" as const, why: "no" };
  const all = [
    ...quiet.pages,
    needed,
    { ...told(5), ...paged(quiet, 5 * minute), atMs: openedAtMs + 5 * minute },
  ];
  const clockAt = (facts: Partial<IncidentRecord>, atMinutes: number) =>
    clock({ keys: [keyWith({ blocked: { why: "no" } })], ...facts }, atMinutes * minute);

  test("come though people were paged before, and again every five minutes", () => {
    expect(clockAt({ pages: all }, 14)).toBe("page deadlinePassed");
    const pages = [...all, told(14)];
    expect(clockAt({ pages }, 15)).toBe("wait 19 min");
    expect(clockAt({ pages }, 19)).toBe("page deadlinePassed");
    expect(clockAt({ pages: [...pages, told(19)] }, 20)).toBe("wait 24 min");
    expect(clockAt({ pages: [...pages, told(74)] }, 75)).toBe("wait 79 min");
    expect(clockAt({ pages: [...pages, told(75)] }, 76)).toBe("wait 105 min");
    expect(clockAt({ pages: [...pages, told(120)] }, 121)).toBe("wait 150 min");
    expect(clockAt({ pages: [...pages, told(1_455)] }, 1_456)).toBe("wait 1575 min");
    expect(clockAt({ pages: [...pages, told(3_000)] }, 3_001)).toBe("wait 3120 min");
  });

  test("pause for ten minutes after an acknowledgement, and a new reason pages all the same", () => {
    const pages = [...all, told(14), told(19)];
    const heard = acknowledge(incident({ pages }), { ...word, atMs: openedAtMs + 20 * minute });
    expect(clockAt({ ...heard, keys: [keyWith({ blocked: { why: "no" } })] }, 24)).toBe("wait 30 min");
    expect(clockAt({ ...heard, keys: [keyWith({ blocked: { why: "no" } })] }, 30)).toBe(
      "page deadlinePassed",
    );
    expect(clockAt({ ...heard, keys: [keyWith({ blocked: { why: "another" } })] }, 21)).toBe(
      "page needsPerson",
    );
    expect(heard.timeline.at(-1)).toMatchObject({ what: "acknowledged", by: "ada" });
  });

  test("say how late it is and that nobody answered", () => {
    const turn = clockTurn(
      incident({ pages: [...all, told(14)], keys: [keyWith({ blocked: { why: "no" } })] }),
      openedAtMs + 25 * minute,
    );
    expect(turn).toMatchObject({
      page: { why: expect.stringMatching(/^urgent: .* 10 min ago.* nobody has acknowledged/) },
    });
  });

  test("an acknowledgement is refused where nobody was paged, or the incident is over", () => {
    expect(whyNotAcknowledge(incident())).toMatchObject({ reason: "NothingToAcknowledge" });
    expect(whyNotAcknowledge(incident({ pages: all, status: "closed" }))).toMatchObject({
      reason: "IncidentOver",
    });
    expect(whyNotAcknowledge(incident({ pages: all }))).toBeUndefined();
  });
});

describe("the clock", () => {
  test.each<[string, Partial<IncidentRecord>, number, string]>([
    ["notifies when production is contained first", {}, 0, "notify opened"],
    [
      "says nothing at the opening elsewhere",
      { secrets: [secretWith({ environment: "dev" })] },
      0,
      "wait 5 min",
    ],
    ["waits for the escalation", quiet, 0, "wait 5 min"],
    ["pages when nothing was accepted by then", quiet, 5 * minute, "page notAccepted"],
    [
      "notifies when it is accepted and dying in time",
      { ...quiet, keys: [accepted] },
      5 * minute,
      "notify notYetDead",
    ],
    [
      "pages when it dies later than it should",
      { ...quiet, keys: [accepted] },
      11 * minute,
      "page notYetDead",
    ],
    [
      "pages a minute before the deadline, also when people were paged before",
      {
        pages: [
          ...quiet.pages,
          paged({ ...quiet, keys: [accepted] }, 5 * minute),
          { ...paged({ ...quiet, keys: [accepted] }, 11 * minute), atMs: openedAtMs + 5 * minute },
        ],
        keys: [{ ...accepted, dieMs: 30 * minute }],
      },
      14 * minute,
      "page deadlinePassed",
    ],
    ["is over when every key is dead", { keys: [keyWith({ state: "dead" })] }, 0, "over"],
    ["is over at a false alarm", { status: "falseAlarm" }, 0, "over"],
    ["is over after a week", {}, giveUpAfterMs + 1, "over"],
    ["pages for a person's plan at once", { plan: "person" }, 0, "page needsPerson"],
    ["pages for an inexact match at once", { plan: "replace-and-page" }, 0, "page needsPerson"],
    [
      "pages when the breaker opens",
      { plan: "person", subject: triageSubject, keys: [] },
      0,
      "page breakerOpen",
    ],
    [
      "pages when a step cannot go on",
      { ...quiet, keys: [keyWith({ blocked: { why: "no" } })] },
      0,
      "page needsPerson",
    ],
    [
      "pages when a replacement fails",
      { ...quiet, secrets: [secretWith({ replacement: "failed" })] },
      0,
      "page replacementFailed",
    ],
    [
      "pages when a key has to be supplied",
      { ...quiet, secrets: [secretWith({ supplyWanted: true })] },
      0,
      "page needsPerson",
    ],
    ["pages for a hold", { ...quiet, secrets: [secretWith({ held: "ada: freeze" })] }, 0, "page held"],
  ])("%s", (_title, facts, afterMs, turn) => {
    expect(clock(facts, afterMs)).toBe(turn);
  });

  test("tells a reason once, and again only if no channel took it", () => {
    const page = paged({ plan: "person" });
    expect(clock({ plan: "person", pages: [page] })).toBe("wait 5 min");
    expect(clock({ plan: "person", pages: [{ ...page, delivered: [] }] })).toBe("page needsPerson");
  });

  test("tells of a second, different step that needs a person, and of no repeat of the first", () => {
    const pages = [...quiet.pages, paged({ plan: "person" })];
    const blocked = (error: string, why: string) => ({
      containNow: word,
      keys: [keyWith({ blocked: { why: `${error}: ${why}`, error } })],
    });
    expect(clock({ ...blocked("PolicyInvalid", "no policy reaches k1"), pages })).toBe("page needsPerson");

    const down = blocked("ProviderUnavailable", "503 after 1 s");
    pages.push(paged({ ...down, pages }));
    expect(clock({ ...blocked("ProviderUnavailable", "500 after 9 s"), pages })).toBe("wait 5 min");
    expect(clock({ ...blocked("AdminCredentialRefused", "401"), pages })).toBe("page needsPerson");
  });

  test("tells of every secret that has no replacement", () => {
    const failed = secretWith({ replacement: "failed" });
    const first = { ...quiet, secrets: [failed] };
    const pages = [...quiet.pages, paged(first)];
    const second = { pages, secrets: [failed, { ...failed, name: "search-key" }] };
    expect(clock({ pages, secrets: [failed] })).toBe("wait 5 min");
    expect(clock(second)).toBe("page replacementFailed");
    // Nobody but Rekey reads a credential of its own.
    const own = { ...quiet, keys: [keyWith({ role: "admin" })], secrets: [failed] };
    expect(clock(own)).not.toBe("page replacementFailed");
  });

  test("pages for a flood as it doubles and when some of it is in public, and announces no page that cannot come", () => {
    const flood = (count: number, exposure: AlertSeen["exposure"] = "private") => ({
      ...{ plan: "person" as const, subject: triageSubject, keys: [], secrets: [] },
      alerts: Array.from({ length: count }, (_, at) => ({ ...seenAlert, sourceId: `${at}`, exposure })),
    });
    const pages = [paged(flood(1))];
    expect(clock({ ...flood(1), pages })).toBe("wait");
    expect(clock({ ...flood(2), pages })).toBe("page breakerOpen");

    pages.push(paged({ ...flood(4), pages }));
    expect(clock({ ...flood(7), pages }, 20 * minute)).toBe("wait");
    expect(clock({ ...flood(8), pages })).toBe("page breakerOpen");
    expect(clock({ ...flood(7, "public"), pages })).toBe("page breakerOpen");
  });

  test("a person's order ends the question, not the clock", () => {
    expect(clock({ plan: "replace-and-page", containNow: word })).toBe("wait 5 min");
  });

  test("goes on for an incident that names no key, and announces no page about keys that are not there", () => {
    expect(clock({ ...quiet, keys: [] })).toBe("wait");
    expect(clock({ ...quiet, keys: [] }, 20 * minute)).toBe("wait");
  });

  test("asks nobody about a stuck key that a person has waived", () => {
    const waived = keyWith({
      blocked: { why: "PolicyInvalid: no policy reaches k1", error: "PolicyInvalid" },
      waiver: word,
    });
    expect(clock({ ...quiet, containNow: word, keys: [waived, keyWith({ keyId: "k2" })] })).toBe(
      "wait 5 min",
    );
  });

  test("has nothing more to say before the deadline once everything was said", () => {
    const pages = [...quiet.pages, paged(quiet, 5 * minute)];
    expect(clock({ pages }, 12 * minute)).toBe("wait 14 min");
  });

  test("says what a failed replacement means under each plan", () => {
    const secrets = [secretWith({ replacement: "failed", failure: "QuotaReached" })];
    const why = (plan: IncidentRecord["plan"]) => {
      const turn = clockTurn(incident({ ...quiet, plan, secrets }), openedAtMs);
      return turn.turn === "escalate" ? turn.page.why : "";
    };
    expect(why("contain-first")).toContain("so it is contained");
    expect(why("switch-first")).toContain("until you say so");
  });
});

describe("what happens to the record", () => {
  const alert = seenAlert;

  test("an alert is added once, and only makes the clock stricter", () => {
    const later = appendAlert(incident(), { ...alert, detectedAtMs: openedAtMs + 60 * minute });
    expect(later).toMatchObject({ seq: 4, deadlineAtMs: openedAtMs + 15 * minute });
    expect(appendAlert(later, alert)).toBe(later);
    const reasoned = appendAlert(later, { ...alert, sourceId: "19", reason: "it was on a slide" });
    expect(reasoned.timeline.at(-1)?.detail).toMatch(/: it was on a slide$/);
    const earlier = appendAlert(later, {
      ...alert,
      sourceId: "18",
      detectedAtMs: openedAtMs - minute,
      exposedAtMs: 5,
    });
    expect(earlier).toMatchObject({ deadlineAtMs: openedAtMs + 14 * minute, exposedAtMs: 5 });
    expect(earlier.alerts).toHaveLength(2);
  });

  test("an alert that makes the deadline earlier makes the escalation earlier too, and never before it came", () => {
    const claims = (agoMs: number) => ({
      ...alert,
      receivedAtMs: openedAtMs,
      detectedAtMs: openedAtMs - agoMs,
    });
    const waiting = incident({ escalateAtMs: openedAtMs + 5 * minute });
    expect(appendAlert(waiting, claims(0)).escalateAtMs).toBe(openedAtMs + 5 * minute);
    expect(appendAlert(waiting, claims(12 * minute)).escalateAtMs).toBe(openedAtMs + 2 * minute);
    expect(appendAlert(waiting, claims(60 * minute)).escalateAtMs).toBe(openedAtMs);
    const { openedAtMs: _not, ...reported } = waiting;
    expect(appendAlert(reported, claims(60 * minute)).escalateAtMs).toBe(openedAtMs + 5 * minute);
  });

  describe("a flood of alerts about one key", () => {
    const numbered = (n: number, facts: Partial<AlertSeen> = {}): AlertSeen => ({
      ...{ ...alert, sourceId: `n${n}`, exposure: "private", verified: "unknown" },
      ...facts,
    });
    const flood = (count: number, from = incident()) =>
      Array.from({ length: count }, (_, n) => numbered(n)).reduce(appendAlert, from);
    const names = ({ alerts }: IncidentRecord) => alerts.map(({ sourceId }) => sourceId);

    test("leaves the newest, the first, and the first of each that the plan depends on", () => {
      const open = appendAlert(flood(150), numbered(900, { exposure: "public" }));
      expect(open.alerts.some(({ exposure }) => exposure === "public")).toBe(true);
      const person = appendAlert(open, numbered(901, { source: "person", exposure: "unknown" }));
      const live = appendAlert(person, numbered(902, { verified: "live" }));
      const later = Array.from({ length: 150 }, (_, n) => numbered(1_000 + n)).reduce(appendAlert, live);

      expect(later).toMatchObject({ alertsSeen: 303 });
      expect(later.alerts).toHaveLength(incidentLimits.alerts);
      expect(names(later).slice(0, 4)).toEqual(["n0", "n900", "n901", "n902"]);
      expect(names(later).at(-1)).toBe("n1149");
    });

    test("knows a repeat of each of its last 540, and changes nothing for it", () => {
      const record = flood(540);
      for (let n = 0; n < 540; n += 1) expect(appendAlert(record, numbered(n))).toBe(record);
      expect(belongsTo({ ...record, status: "falseAlarm" }, numbered(300))).toBe(true);
      expect(flood(1_100).alertsDropped).toHaveLength(500);
    });

    test("is counted in full, so people hear when it doubles", () => {
      const triage = incident({ plan: "person", subject: triageSubject, keys: [], secrets: [] });
      const turn = clockTurn(flood(1_100, triage), openedAtMs);
      expect(turn).toMatchObject({ page: { why: expect.stringContaining(": 1024 or more so far") } });
      const { alertsSeen: _uncounted, ...before } = flood(30);
      expect(appendAlert(before, numbered(100)).alertsSeen).toBe(31);
    });
  });

  test("an exact alert makes an inexact match exact", () => {
    const hinted = incident({ match: { by: "hint", text: "sk-...1234" } });
    expect(appendAlert(hinted, alert).match.by).toBe("fingerprint");
    expect(appendAlert(incident(), { ...alert, match: hinted.match }).match.by).toBe("fingerprint");
  });

  test("a plan only gets stronger", () => {
    const weak = incident({ plan: "switch-first" });
    expect(strengthen(weak, { plan: "contain-first", why: "public" }, 1)).toMatchObject({
      plan: "contain-first",
      seq: 4,
    });
    expect(strengthen(weak, { plan: "replace-and-page", why: "hint" }, 1)).toBe(weak);
  });

  test("states only go forward, so a late repeat undoes nothing", () => {
    expect(isPast(keyWith({ state: "accepted" }), "revoking")).toBe(true);
    expect(isPast(keyWith({ state: "revoking" }), "revoking")).toBe(false);
    expect(isPast(keyWith({ state: "waiting" }), "quarantined")).toBe(false);
  });

  test("a change is of one key or secret, and leaves the others as they are", () => {
    const other = keyWith({ keyId: "k2" });
    const changed = changeKey(incident({ keys: [keyWith(), other] }), "k1", (key) => ({ ...key, probes: 9 }));
    expect(changed.keys).toEqual([keyWith({ probes: 9 }), other]);
    expect(keyInScope(changed, "k2")).toBe(other);
    expect(keyInScope(changed, "k3")).toBeUndefined();
    const search = secretWith({ secretArn: "arn:2" });
    const record = incident({ secrets: [secretWith(), search] });
    expect(changeSecretInScope(record, "arn:2", (secret) => ({ ...secret, held: "ada" })).secrets).toEqual([
      secretWith(),
      { ...search, held: "ada" },
    ]);
  });

  test("a wait is stored only by who has seen the last change, and is stale after the next one", () => {
    const wait = { waiter: "clock", token: "t1", seenSeq: 3 };
    expect(storeIncidentWait(incident(), { ...wait, seenSeq: 2 })).toBe("decideAgain");
    const waiting = storeIncidentWait(incident({ waits: [{ ...wait, token: "t0" }] }), wait);
    if (waiting === "decideAgain") throw new Error("it was not stored");
    expect(waiting.waits).toEqual([wait]);
    expect(staleWaits(waiting)).toEqual([]);
    const changed = addToTimeline(waiting, { atMs: 1, what: "note", detail: "look" });
    expect(staleWaits(changed)).toEqual([wait]);
    expect(endWaits(changed, new Set(["t1"])).waits).toEqual([]);
    expect(endWaits(changed, new Set(["t9"]))).toBe(changed);
  });
});

describe("the figures", () => {
  test("are there once every key has them", () => {
    const dead = keyWith({ state: "dead", acceptedAtMs: openedAtMs + 1_000, deadAtMs: openedAtMs + 4_000 });
    const secrets = [secretWith({ replacement: "adopted", adoptedAtMs: openedAtMs + 3_000 })];
    const reports = [{ atMs: 1, path: "reports/i-1.md", when: "scoped" as const }];
    expect(incidentFacts(incident({ keys: [dead], secrets, reports }))).toEqual({
      ...{ incidentId: "i-1", plan: "contain-first", detectedToRevokeMs: 1_000, detectedToDeadMs: 4_000 },
      ...{ deadlineMs: 15 * minute, escalated: false, outageMs: 2_000, reportPath: "reports/i-1.md" },
    });
    const open = incidentFacts(incident({ keys: [dead, keyWith()], pages: [paged(quiet, 5 * minute)] }));
    expect(open).toMatchObject({ escalated: true, outageMs: 0 });
    expect(open).not.toHaveProperty("detectedToDeadMs");
    expect(incidentFacts(incident({ keys: [] }))).not.toHaveProperty("detectedToRevokeMs");
  });

  test("a key that was dead before is no outage of ours, and a quarantine begins one", () => {
    const secrets = [
      secretWith({ replacement: "adopted", adoptedAtMs: openedAtMs + 3_000 }),
      secretWith({ replacement: "notNeeded" }),
    ];
    const gone = keyWith({ state: "dead", goneBefore: true, acceptedAtMs: openedAtMs, deadAtMs: openedAtMs });
    expect(incidentFacts(incident({ keys: [gone], secrets })).outageMs).toBe(0);
    const quarantined = keyWith({ state: "quarantined", quarantinedAtMs: openedAtMs + 500 });
    expect(incidentFacts(incident({ keys: [quarantined], secrets }))).toMatchObject({
      outageMs: 2_500,
      detectedToRevokeMs: 500,
    });
  });
});

describe("taking an incident up", () => {
  test.each<[string, Partial<IncidentRecord>, Partial<IncidentRecord>]>([
    ["counts the first start", { status: "reported", starts: 0 }, { status: "reported", starts: 1 }],
    ["repeats a start that was counted", { status: "reported", starts: 1 }, { starts: 1 }],
    ["starts again where the machine gave up", { status: "needsPerson" }, { status: "reported", starts: 2 }],
    ["leaves one that is at work alone", { status: "open" }, { status: "open", starts: 1 }],
    ["leaves one that is over alone", { status: "closed" }, { status: "closed", starts: 1 }],
  ])("%s", (_title, facts, expected) => {
    expect(takenUp(incident(facts))).toMatchObject(expected);
  });

  test("only the execution of the last start is at work on it", () => {
    expect(isExecutionOf(incident(), "arn:aws:states:::execution:rekey:i-1")).toBe(true);
    expect(isExecutionOf(incident({ starts: 2 }), "arn:aws:states:::execution:rekey:i-1")).toBe(false);
    expect(isExecutionOf(incident({ starts: 2 }), "arn:aws:states:::execution:rekey:i-1-2")).toBe(true);
  });

  test.each(["reported", "open", "contained"] as const)("it may open one that is %s", (status) => {
    expect(mayOpen(incident({ status }), "arn:aws:states:::execution:rekey:i-1")).toBe(true);
    expect(mayOpen(incident({ status, starts: 2 }), "arn:aws:states:::execution:rekey:i-1")).toBe(false);
  });

  test.each(["closed", "falseAlarm", "needsPerson"] as const)("it opens none that is %s", (status) => {
    expect(mayOpen(incident({ status }), "arn:aws:states:::execution:rekey:i-1")).toBe(false);
  });
});

describe("a key that a later alert says more of", () => {
  const unknownKey = {
    standing: "unknown" as const,
    state: "needsPerson" as const,
    blocked: { why: "nobody knows it" },
  };
  const unknown: Partial<IncidentRecord> = {
    ...{ match: { by: "none" as const, text: "sha256:1" }, plan: "person" as const },
    ...{ executionArn: "arn:old", openedBy: "arn:old", containByMs: openedAtMs },
    keys: [{ fingerprint: "sha256:1", probes: 0, refusals: 0, ...unknownKey }],
  };
  const found = { match, keys: [keyWith({ standing: "unplaced" })], atMs: openedAtMs + minute };

  test("opens the incident again, on its old clock, and leaves the old machine to be stopped", () => {
    const before = incident(unknown);
    const { executionArn, openedAtMs: opened, containByMs, ...now } = identify(before, found);
    expect([executionArn, opened, containByMs]).toEqual([undefined, undefined, undefined]);
    expect(now).toMatchObject({
      ...{ status: "reported", staleExecutionArn: "arn:old", starts: 2, waits: [] },
      ...{ match, keys: found.keys, deadlineAtMs: before.deadlineAtMs, seq: before.seq + 1 },
    });
  });

  test("needs no other machine where none is at work, or one has yet to open it", () => {
    const ended = identify(incident({ ...unknown, status: "needsPerson", starts: 0 }), found);
    expect(ended).toMatchObject({ status: "reported", starts: 1 });
    expect(ended.staleExecutionArn).toBeUndefined();
    const starting = identify(incident({ ...unknown, status: "reported" }), found);
    expect(starting).toMatchObject({ executionArn: "arn:old", keys: found.keys });
    const { executionArn: _none, ...unstarted } = incident(unknown);
    expect(identify(unstarted, found).staleExecutionArn).toBeUndefined();
  });

  test.each<[string, Partial<IncidentRecord>, Partial<typeof found>]>([
    ["was known before", { match }, {}],
    ["is still unknown", {}, { match: { by: "none" as const, text: "x" } } as never],
    ["is none in particular", {}, { keys: [] }],
    ["belongs to triage", { keys: [] }, {}],
    ["is being contained by hand", { keys: [keyWith({ state: "needsPerson", byHand: true })] }, {}],
    ["is being revoked", { keys: [keyWith({ state: "revoking" })] }, {}],
    ["was a false alarm", { status: "falseAlarm" }, {}],
  ])("changes nothing when it %s", (_how, facts, less) => {
    const record = incident({ ...unknown, ...facts });
    expect(identify(record, { ...found, ...less })).toBe(record);
  });

  test("is paged as if nothing had been paged before", () => {
    const pages = [...quiet.pages, paged(quiet, 5 * minute)];
    expect(clock({ pages }, 6 * minute)).not.toBe("page notAccepted");
    expect(clock({ pages, identifiedAtMs: openedAtMs + minute }, 6 * minute)).toBe("notify opened");
  });
});

describe("a plan asked for with a second report", () => {
  const order = { plan: "contain-first" as const, word, containByMs: openedAtMs };

  test("becomes the incident's, in the person's name", () => {
    expect(whyNotPlan(incident(), "contain-first")).toBeUndefined();
    expect(orderPlan(incident({ plan: "switch-first" }), order)).toMatchObject({
      ...{ plan: "contain-first", planWhy: "ordered by ada: sure" },
      planAsked: { ...word, plan: "contain-first" },
    });
    expect(orderPlan(incident(), { ...order, plan: "switch-first" })).toMatchObject({ plan: "switch-first" });
  });

  test.each<[string, Partial<IncidentRecord>, string]>([
    ["the incident is over", { status: "closed" }, "IncidentOver"],
    ["the key is not known exactly", { match: { by: "hint", text: "sk-...1" } }, "NotExact"],
  ])("is refused when %s", (_when, facts, reason) => {
    expect(whyNotPlan(incident(facts), "contain-first")).toMatchObject({ reason });
    expect(whyNotPlan(incident(facts), "switch-first")).toMatchObject({ reason });
  });
});
