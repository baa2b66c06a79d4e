import { hadAlert, isRepeat } from "../../../core/incident/alerts.ts";
import { belongsTo } from "../../../core/incident/plan.ts";
import type { AlertSeen } from "../../../core/incident/record.ts";
import { appendAlert } from "../../../core/incident/transitions.ts";
import { incident, keyWith, match, minute, openedAtMs, word } from "./incident-world.ts";

const seen: AlertSeen = {
  ...{ source: "github", sourceId: "acme/shop#7", principal: "intake/github", receivedAtMs: openedAtMs },
  ...{ exposure: "unknown", verified: "unknown", match, where: ["https://example.com/a"] },
};
const later = (facts: Partial<AlertSeen>): AlertSeen => ({
  ...seen,
  receivedAtMs: openedAtMs + minute,
  ...facts,
});
const known = incident({ alerts: [seen], alertsSeen: 1 });

describe("a later alert of the same id", () => {
  test.each([
    ["is public now", { exposure: "public" }, { exposure: "public" }],
    ["was tried and works", { verified: "live" }, { verified: "live" }],
    [
      "names another place",
      { where: ["https://example.com/b"] },
      { where: [...seen.where, "https://example.com/b"] },
    ],
    [
      "says that it was detected earlier",
      { detectedAtMs: openedAtMs - minute },
      { detectedAtMs: openedAtMs - minute },
    ],
    ["says that it lay open earlier", { exposedAtMs: 1 }, { exposedAtMs: 1 }],
  ] as const)("that %s is merged into the first", (_, facts, merged) => {
    const next = appendAlert(known, later(facts));
    expect(next.alerts).toEqual([{ ...seen, ...merged }]);
    expect(next).toMatchObject({ alertsSeen: 1, seq: known.seq + 1 });
    expect(next.deadlineAtMs).toBeLessThanOrEqual(known.deadlineAtMs);
    expect(appendAlert(next, later(facts))).toBe(next);
  });

  test.each([
    ["says the same", {}],
    ["says less", { exposure: "unknown", where: [] }],
    ["was detected later", { detectedAtMs: openedAtMs + minute }],
  ] as const)("that %s changes nothing", (_, facts) => {
    const strong = incident({ alerts: [{ ...seen, exposure: "public", verified: "live", detectedAtMs: 1 }] });
    expect(appendAlert(strong, later({ verified: "dead", exposure: "private", ...facts }))).toBe(strong);
  });

  test("keeps no more places than an alert may have, and says nothing new with those beyond", () => {
    const where = Array.from({ length: 20 }, (_, n) => `https://example.com/${n}`);
    const full = appendAlert(known, later({ where }));
    expect(full.alerts[0]?.where).toHaveLength(10);
    expect(appendAlert(full, later({ where: ["https://example.com/99"] }))).toBe(full);
  });

  test("without places is compared by the rest, and one that is merged leaves the others as they are", () => {
    const { where: _none, ...nowhere } = later({});
    expect(isRepeat(known, nowhere)).toBe(true);
    expect(isRepeat(known, { ...nowhere, exposure: "public" })).toBe(false);
    const other = { ...seen, sourceId: "acme/shop#8" };
    const next = appendAlert({ ...known, alerts: [other, seen] }, later({ exposure: "public" }));
    expect(next.alerts).toEqual([other, { ...seen, exposure: "public" }]);
  });

  test("of which only the name is kept is news if no alert said that much", () => {
    const dropped = { ...known, alertsDropped: ["report 1"] };
    const again = later({ source: "report", sourceId: "1" });
    expect(hadAlert(dropped, again)).toBe(true);
    expect(isRepeat(dropped, again)).toBe(true);
    const open = { ...again, exposure: "public" as const };
    expect(isRepeat(dropped, open)).toBe(false);
    expect(appendAlert(dropped, open).alerts.at(-1)).toMatchObject({ sourceId: "1", exposure: "public" });
  });
});

describe("a key that a person decided about", () => {
  const decided = [
    [
      "waived",
      incident({
        alerts: [seen],
        status: "closed",
        closedAtMs: openedAtMs,
        keys: [keyWith({ waiver: word })],
      }),
    ],
    ["waived while the machine is at work", incident({ alerts: [seen], keys: [keyWith({ waiver: word })] })],
    ["called a false alarm", incident({ alerts: [seen], status: "falseAlarm", closedAtMs: openedAtMs })],
  ] as const;

  test.each(decided)("%s: the same report joins, one that says more opens anew", (_, record) => {
    expect(belongsTo(record, later({}))).toBe(true);
    expect(belongsTo(record, later({ exposure: "public" }))).toBe(false);
    expect(belongsTo(record, later({ verified: "live" }))).toBe(false);
    expect(belongsTo(record, later({ source: "gitguardian" }))).toBe(false);
    expect(belongsTo(record, later({ source: "person", sourceId: "ada/1" }))).toBe(false);
  });

  test("a key that was seen dead keeps its incident for the cooldown", () => {
    const dead = incident({
      alerts: [seen],
      status: "closed",
      closedAtMs: openedAtMs,
      keys: [keyWith({ state: "dead" })],
    });
    expect(belongsTo(dead, later({ exposure: "public" }))).toBe(true);
  });
});
