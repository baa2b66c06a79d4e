import fc from "fast-check";
import {
  containNow,
  falseAlarm,
  isRestoreDue,
  orderPlan,
  switchFirst,
  takeNote,
  undoableKeys,
  undoQuarantine,
  waive,
  whyContained,
  whyNotContainNow,
  whyNotFalseAlarm,
  whyNotPlan,
  whyNotSwitchFirst,
  whyNotUndoQuarantine,
  whyNotWaive,
  withdrawContainNow,
} from "../../../core/incident/orders.ts";
import { isSettled } from "../../../core/incident/plan.ts";
import type {
  AlertSeen,
  ContainmentState,
  IncidentRecord,
  IncidentStatus,
  KeyInScope,
} from "../../../core/incident/record.ts";
import { incident, keyWith, openedAtMs, word } from "./incident-world.ts";

const numRuns = 300;
const later = { by: "bob", reason: "surer still", atMs: openedAtMs + 1 };
const hint = { by: "hint" as const, text: "sk-...1234" };
const ours = keyWith({ secretArn: "arn:1" });
const { keyId: _unknown, ...nameless } = keyWith({ fingerprint: "sha256:1" });

const statuses: readonly IncidentStatus[] = [
  ...(["reported", "open", "contained", "closed", "needsPerson", "falseAlarm"] as const),
];
const states: readonly ContainmentState[] = [
  ...(["waiting", "quarantining", "quarantined", "revoking", "accepted", "dead", "needsPerson"] as const),
];
const anyKey = fc
  .record({
    keyId: fc.constantFrom("k1", "k2", "k3"),
    state: fc.constantFrom(...states),
    isWaived: fc.boolean(),
  })
  .map(({ isWaived, ...facts }) => keyWith({ ...facts, ...(isWaived && { waiver: word }) }));
const anyIncident = fc
  .record({
    status: fc.constantFrom(...statuses),
    keys: fc.uniqueArray(anyKey, { selector: ({ keyId }) => keyId, maxLength: 3 }),
    match: fc.constantFrom(hint, { by: "fingerprint" as const, text: "sha256:1" }),
  })
  .map(incident);

function refused(
  facts: Partial<IncidentRecord>,
  why: (record: IncidentRecord) => { reason: string } | undefined,
) {
  return why(incident(facts))?.reason ?? "allowed";
}

function last({ timeline }: IncidentRecord) {
  return timeline.at(-1);
}

describe("every order of a person", () => {
  const words: readonly (readonly [string, (record: IncidentRecord) => IncidentRecord])[] = [
    ["note", (record) => takeNote(record, word)],
    ["waiver", (record) => waive(record, { ref: "k1", word })],
    ["contain now", (record) => containNow(record, word)],
    ["switch first", (record) => switchFirst(record, { word, containByMs: openedAtMs })],
    ["undone quarantine", (record) => undoQuarantine(record, { ref: "k1", word })],
    ["false alarm", (record) => falseAlarm(record, word)],
  ];

  test.each(words)(
    "(%s) is on the timeline with its person, and wakes who waits; or it changes nothing",
    (_, say) => {
      fc.assert(
        fc.property(anyIncident, (record) => {
          const next = say(record);
          if (next === record) return;
          expect(next.seq).toBe(record.seq + 1);
          expect(last(next)).toMatchObject({
            by: "ada",
            atMs: word.atMs,
            detail: expect.stringContaining("sure"),
          });
        }),
        { numRuns },
      );
    },
  );

  test.each(words)("(%s) never makes a key look more dead than it was seen", (_, say) => {
    fc.assert(
      fc.property(anyIncident, (record) => {
        const dead = (each: IncidentRecord) => each.keys.filter(({ state }) => state === "dead").length;
        expect(dead(say(record))).toBe(dead(record));
      }),
      { numRuns },
    );
  });

  test("of those that change what happens is refused once the incident is over, and a note is not", () => {
    for (const status of ["closed", "falseAlarm"] as const) {
      const over = { status, keys: [keyWith({ state: "quarantined" })] };
      expect(refused(over, (record) => whyNotWaive(record, "k1"))).toBe("IncidentOver");
      expect(refused(over, whyNotContainNow)).toBe("IncidentOver");
      expect(refused(over, whyNotSwitchFirst)).toBe("IncidentOver");
      expect(refused(over, whyNotUndoQuarantine)).toBe("IncidentOver");
      expect(takeNote(incident(over), word).notes).toEqual([{ by: "ada", text: "sure", atMs: openedAtMs }]);
    }
    expect(refused({ status: "closed" }, whyNotFalseAlarm)).toBe("IncidentOver");
    expect(whyNotContainNow(incident({ status: "closed" }))).toEqual({
      reason: "IncidentOver",
      detail: "incident i-1 is over (closed)",
      hint: "add to it with `rekey incident note i-1`",
    });
    expect(whyNotContainNow(incident({ status: "falseAlarm" }))?.detail).toContain("(a false alarm)");
  });

  test("is kept up to 200 notes, the newest ones", () => {
    let record = incident();
    for (let n = 1; n <= 205; n += 1) record = takeNote(record, { ...word, reason: `n${n}` });
    expect(record.notes).toHaveLength(200);
    expect([record.notes[0]?.text, record.notes.at(-1)?.text]).toEqual(["n6", "n205"]);
  });
});

describe("a waiver", () => {
  test("takes the responsibility and leaves what was seen of the key", () => {
    const waived = waive(incident({ keys: [keyWith({ state: "accepted" })] }), { ref: "k1", word });

    expect(waived.keys).toEqual([keyWith({ state: "accepted", waiver: word })]);
    expect(waived.keys.every(isSettled)).toBe(true);
    expect(last(waived)).toMatchObject({ what: "waived", keyId: "k1" });
  });

  test("may be of a key that only its fingerprint names", () => {
    const waived = waive(incident({ keys: [nameless] }), { ref: "sha256:1", word });
    expect(waived.keys[0]?.waiver).toEqual(word);
    expect(last(waived)).not.toHaveProperty("keyId");
  });

  test.each<[string, Partial<IncidentRecord>, string]>([
    ["of a key that is in scope and not dead is taken", {}, "allowed"],
    ["of a key that nobody named is refused", { keys: [keyWith({ keyId: "k2" })] }, "UnknownKey"],
    [
      "of a dead key is refused: there is nothing to answer for",
      { keys: [keyWith({ state: "dead" })] },
      "AlreadyDead",
    ],
  ])("%s", (_, facts, answer) => {
    expect(refused(facts, (record) => whyNotWaive(record, "k1"))).toBe(answer);
  });

  test("of an unknown key is answered with the keys that there are", () => {
    expect(whyNotWaive(incident(), "k9")?.detail).toBe("no key k9 is in scope of this incident (k1)");
    expect(whyNotWaive(incident({ keys: [] }), "k9")?.detail).toContain("(none)");
  });
});

describe("contain now", () => {
  test.each<[string, Partial<IncidentRecord>, string]>([
    ["is taken while a key is neither dead nor waived", { keys: [ours] }, "allowed"],
    [
      "has nothing to do when each is",
      { keys: [keyWith({ state: "dead" }), keyWith({ waiver: word })] },
      "NothingToContain",
    ],
    ["cannot say what to revoke when no id is known", { keys: [nameless] }, "KeyUnknown"],
    ["cannot either when no key is known at all", { keys: [] }, "KeyUnknown"],
    ["is taken for the keys that are known", { keys: [nameless, ours] }, "allowed"],
    ["cannot be carried out where no policy reaches the provider", { keys: [keyWith()] }, "NoPolicy"],
    [
      "cannot be carried out where the provider has no call that revokes",
      { keys: [{ ...ours, byHand: true }] },
      "ByHand",
    ],
    [
      "nor where something else is in its way",
      { keys: [{ ...ours, byHand: true, blocked: { why: "the account is closed" } }] },
      "ByHand",
    ],
    ["is no answer to a leaked credential of our own", { keys: [{ ...ours, role: "admin" }] }, "RekeysOwn"],
    [
      "nor to a signing secret of the intake",
      { keys: [{ ...ours, role: "intake", what: "the secret of github" }] },
      "RekeysOwn",
    ],
    [
      "is not taken for a key that is dead already",
      { keys: [nameless, keyWith({ state: "dead" })] },
      "KeyUnknown",
    ],
  ])("%s", (_, facts, answer) => {
    expect(refused(facts, whyNotContainNow)).toBe(answer);
  });

  test.each<[Partial<KeyInScope>, string]>([
    [{ account: "main", provider: "openai" }, "no policy covers main, so"],
    [{ provider: "groq" }, "no policy covers an account of groq with it, so"],
    [{}, "no policy covers its provider, so"],
  ])("names the policy that is missing", (facts, detail) => {
    const { provider: _, account: __, ...key } = keyWith();
    expect(whyNotContainNow(incident({ keys: [{ ...key, ...facts }] }))?.detail).toContain(detail);
  });

  test("an order that is given twice keeps the first person's name", () => {
    const once = containNow(incident(), word);
    expect(once.containNow).toEqual(word);
    expect(last(once)).toMatchObject({ what: "planChanged", detail: "contain now: sure" });
    expect(containNow(once, later)).toBe(once);
  });
});

describe("switch first", () => {
  test.each<[string, Partial<IncidentRecord>, string]>([
    ["is taken while the key can be used again", {}, "allowed"],
    ["is taken while it is only quarantined", { keys: [keyWith({ state: "quarantined" })] }, "allowed"],
    ["comes too late for a revoke under way", { keys: [keyWith({ state: "revoking" })] }, "TooLate"],
    ["comes too late for a dead key", { keys: [keyWith({ state: "dead" })] }, "TooLate"],
    ["has no sense where containment waits in any case", { match: hint }, "NotExact"],
    ["has none either for a key that nobody knows", { match: { by: "none", text: "" } }, "NotExact"],
  ])("%s", (_, facts, answer) => {
    expect(refused(facts, whyNotSwitchFirst)).toBe(answer);
  });

  test("says why containment waits in any case", () => {
    const detail = (match: IncidentRecord["match"]) => whyNotSwitchFirst(incident({ match }))?.detail;
    expect(detail(hint)).toBe("the key is known by a hint only: containment waits for you in any case");
    expect(detail({ by: "none", text: "" })).toMatch(/^the key matches nothing that Rekey knows: /);
  });

  test("is allowed exactly when some open key's containment can still be undone", () => {
    const canWait = (key: KeyInScope) =>
      !isSettled(key) && ["waiting", "needsPerson", "quarantining", "quarantined"].includes(key.state);
    fc.assert(
      fc.property(anyIncident, (record) => {
        const isOpen = record.status !== "closed" && record.status !== "falseAlarm";
        const isAllowed = isOpen && record.match.by === "fingerprint" && record.keys.some(canWait);
        expect(whyNotSwitchFirst(record) === undefined).toBe(isAllowed);
      }),
      { numRuns },
    );
  });

  test("takes back a contain-now order, and gives consumers until its time", () => {
    const asked = switchFirst(containNow(incident(), word), { word: later, containByMs: openedAtMs + 9 });

    expect(asked).toMatchObject({
      ...{ plan: "switch-first", containByMs: openedAtMs + 9 },
      planAsked: { ...later, plan: "switch-first" },
      planWhy: "ordered by bob: surer still",
    });
    expect(asked).not.toHaveProperty("containNow");
    expect(last(asked)?.detail).toBe("from contain-first to switch-first: surer still");
  });
});

describe("a plan that is asked for with a second report", () => {
  const plans = ["contain-first", "switch-first"] as const;
  const byPerson = { plan: "person" as const, planWhy: "only watched" };

  test.each(plans)("(%s) is refused for a credential of our own, whatever else is known", (plan) => {
    for (const role of ["admin", "intake", "githubToken", "pagerdutyKey", "slackWebhook"] as const) {
      const facts = { ...byPerson, keys: [{ ...ours, role }] };
      expect(refused(facts, (record) => whyNotPlan(record, plan))).toBe("RekeysOwn");
      expect(refused({ ...facts, match: hint }, (record) => whyNotPlan(record, plan))).toBe("RekeysOwn");
    }
  });

  test.each(plans)("(%s) is refused for a key that no rotated secret holds: contain-now it is", (plan) => {
    expect(whyNotPlan(incident(byPerson), plan)).toEqual({
      reason: "NotRotated",
      detail: "Rekey rotates no secret that holds this key, so no plan contains it",
      hint: "order it with `rekey incident contain-now i-1`",
    });
  });

  test("is left to the opening where nobody has looked at the secrets yet", () => {
    const { openedAtMs: _not, ...reported } = incident({ ...byPerson, status: "reported" });
    for (const plan of plans) expect(whyNotPlan(reported, plan)).toBeUndefined();
  });

  test("may still give the consumers of a watched key time, once a person has said contain-now", () => {
    expect(whyNotPlan(containNow(incident(byPerson), word), "switch-first")).toBeUndefined();
  });

  test.each([{ exposure: "public" as const }, { verified: "live" as const }])(
    "that spares a key which others have (%j) is given by an order about its incident, not with a report",
    (told) => {
      const alert: AlertSeen = {
        ...{ source: "report", sourceId: "1", principal: "intake/report", receivedAtMs: openedAtMs },
        ...{ exposure: "unknown", verified: "unknown", match: incident({}).match, where: [] },
      };
      const grave = incident({ alerts: [{ ...alert, ...told }] });
      expect(whyNotPlan(grave, "switch-first")).toEqual({
        reason: "PublicOrSeenWorking",
        detail: "the key is public, or was seen to work",
        hint: "order it with `rekey incident switch-first i-1`",
      });
      expect(whyNotPlan(grave, "contain-first")).toBeUndefined();
    },
  );

  test("is taken for a key that Rekey rotates", () => {
    for (const plan of plans) expect(refused({}, (record) => whyNotPlan(record, plan))).toBe("allowed");
    const order = { plan: "contain-first" as const, word, containByMs: openedAtMs };
    expect(orderPlan(incident({ plan: "switch-first" }), order)).toMatchObject({ plan: "contain-first" });
  });
});

describe("undoing a quarantine", () => {
  const quarantined = keyWith({
    state: "quarantined",
    quarantinedAtMs: openedAtMs,
    revokeAtMs: openedAtMs + 9,
  });

  test("is written down before the provider is asked, and nothing revokes the key as quarantined after it", () => {
    const undone = undoQuarantine(incident({ keys: [quarantined] }), { ref: "k1", word });

    const times = { quarantinedAtMs: openedAtMs, undoneAtMs: word.atMs };
    expect(undone.keys).toEqual([keyWith({ state: "waiting", ...times })]);
    expect(last(undone)).toMatchObject({ what: "quarantineUndone", keyId: "k1" });
    expect(undoQuarantine(undone, { ref: "k1", word })).toBe(undone);
  });

  test("counts for a call that is under way: its function finds that it was undone", () => {
    const { quarantinedAtMs: _not, revokeAtMs: _yet, ...key } = quarantined;
    const undone = undoQuarantine(incident({ keys: [{ ...key, state: "quarantining" }] }), {
      ref: "k1",
      word,
    });

    const times = { quarantinedAtMs: word.atMs, undoneAtMs: word.atMs };
    expect(undone.keys).toEqual([keyWith({ state: "waiting", ...times })]);
    expect(undoableKeys(undone)).toEqual(undone.keys);
  });

  test("is asked of the provider again for a while, unless the key was waived", () => {
    const undone = undoQuarantine(incident({ keys: [quarantined] }), { ref: "k1", word });
    const [key = quarantined] = undone.keys;
    const isDueAt = (nowMs: number, of: KeyInScope = key) => isRestoreDue(of, { nowMs, forMs: 100 });
    expect([isDueAt(word.atMs), isDueAt(word.atMs + 99), isDueAt(word.atMs + 100)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(isDueAt(word.atMs, { ...key, waiver: word })).toBe(false);
    expect(isDueAt(word.atMs, quarantined)).toBe(false);
    expect(isDueAt(word.atMs, keyWith({}))).toBe(false);
  });

  test("takes an order to contain back where consumers cannot move first", () => {
    const ordered = incident({ containNow: word, match: hint });
    expect(withdrawContainNow(ordered)).toEqual(incident({ match: hint }));
  });

  test("may be asked again while it was perhaps not done", () => {
    const undone = undoQuarantine(incident({ keys: [quarantined] }), { ref: "k1", word });
    expect(undoableKeys(undone)).toEqual(undone.keys);
    expect(undoableKeys(incident())).toEqual([]);
  });

  test.each<[string, ContainmentState, string]>([
    ["a quarantined key is restored", "quarantined", "allowed"],
    ["a key that nobody disabled has nothing to restore", "waiting", "NothingQuarantined"],
    ["a revoke under way cannot be undone", "revoking", "TooLate"],
    ["an accepted revoke cannot be undone", "accepted", "TooLate"],
    ["a dead key stays dead", "dead", "TooLate"],
  ])("%s", (_, state, answer) => {
    expect(refused({ keys: [keyWith({ state })] }, whyNotUndoQuarantine)).toBe(answer);
  });
});

test("a key is contained for the plan's reason, or for that of the person who ordered it", () => {
  const record = incident({ planWhy: "proven public" });
  expect(whyContained(record)).toBe("proven public");
  expect(whyContained(containNow(record, word))).toBe(`contain now, ordered by ${word.by}: ${word.reason}`);
});

describe("a false alarm", () => {
  test.each<[IncidentStatus, boolean]>([
    ["open", false],
    ["contained", false],
    ["reported", true],
    ["needsPerson", true],
  ])(
    "ends an incident that is %s; the machine, where one is at work, says when",
    (status, isClosedAtOnce) => {
      const ended = falseAlarm(incident({ status }), word);
      expect(ended).toMatchObject({ status: "falseAlarm", reason: "sure" });
      expect("closedAtMs" in ended).toBe(isClosedAtOnce);
      expect(falseAlarm(ended, later)).toBe(ended);
      expect(whyNotFalseAlarm(ended)).toBeUndefined();
    },
  );

  test("is refused of nothing that is still open", () => {
    for (const status of statuses.filter((each) => each !== "closed")) {
      expect(refused({ status }, whyNotFalseAlarm)).toBe("allowed");
    }
  });
});
