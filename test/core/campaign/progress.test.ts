import { campaignKeys } from "../../../core/campaign/order.ts";
import {
  canariesEnd,
  failedKeys,
  figuresOf,
  isDone,
  progressOf,
  whyPause,
  whyPersonNow,
} from "../../../core/campaign/progress.ts";
import type { CampaignKey } from "../../../core/campaign/record.ts";
import { candidate, incident, inScope, key, minute, moved, secret } from "./samples.ts";

const dead = inScope({ state: "dead", deadAtMs: 7 });

describe("a key of a campaign is contained", () => {
  test("when every key of its incident is, and not before", () => {
    expect(progressOf({}, incident({ keys: [dead, inScope()] }), 0)).not.toHaveProperty("containedAtMs");
    expect(progressOf({}, incident({ keys: [] }), 0)).not.toHaveProperty("containedAtMs");
    const later = inScope({ state: "dead", deadAtMs: 9 });
    expect(progressOf({}, incident({ keys: [later, dead] }), 0).containedAtMs).toBe(9);
  });
});

describe("a key of a campaign is replaced", () => {
  const promoted = secret({ replacement: "promoted" });
  const adopted = secret({ replacement: "adopted" });
  const { fence: _none, ...untouched } = secret({ replacement: "pending" });

  test("when each secret that the incident changes has its new key", () => {
    const of = (secrets: readonly ReturnType<typeof secret>[]) => progressOf({}, incident({ secrets }), 0);
    expect(of([promoted, secret()])).toMatchObject({ isReplaced: false, hasMoved: false });
    expect(of([promoted, adopted])).toMatchObject({ isReplaced: true, hasMoved: false });
    expect(of([adopted, secret({ replacement: "notNeeded" })])).toMatchObject({ hasMoved: true });
    expect(of([adopted, untouched])).toMatchObject({ isReplaced: true, hasMoved: true });
    expect(of([untouched])).toMatchObject({ isReplaced: false, hasMoved: false });
  });

  test("has only what is known of it", () => {
    expect(Object.keys(progressOf({}, incident({}), 0)).toSorted()).toEqual([
      ...["hasMoved", "isOver", "isReplaced", "refusedInstances"],
    ]);
  });
});

describe("nothing more happens by itself", () => {
  test("once the incident is over, waits for a person, or is contained and lacks one", () => {
    const isOver = (changes: Parameters<typeof incident>[0]) => progressOf({}, incident(changes), 0).isOver;
    expect(isOver({})).toBe(false);
    expect(isOver({ status: "needsPerson" })).toBe(true);
    expect(isOver({ keys: [dead], secrets: [secret({ replacement: "promoted" })] })).toBe(false);
    expect(isOver({ keys: [dead], secrets: [secret({ replacement: "failed" })] })).toBe(true);
    expect(isOver({ secrets: [secret({ replacement: "failed" })] })).toBe(false);
  });
});

describe("a person is asked", () => {
  test("until each of the secrets has the key that the person brought", () => {
    const person = "rekey supply a";
    const of = (secrets: readonly ReturnType<typeof secret>[]) =>
      progressOf({ person }, incident({ secrets }), 0).person;
    const adopted = secret({ replacement: "adopted" });
    const { fence: _none, ...foreign } = adopted;
    expect(of([adopted])).toBeUndefined();
    expect(of([adopted, secret()])).toBe(person);
    expect(of([foreign])).toBe(person);
    expect(of([])).toBe(person);
  });

  test("for no key that came, and for nothing that is blocked and settled all the same", () => {
    const supplied = secret({ supplyWanted: true, replacement: "promoted" });
    expect(progressOf({}, incident({ secrets: [supplied] }), 0).person).toBeUndefined();
    const failed = [supplied, secret({ name: "b", replacement: "failed" })];
    expect(progressOf({}, incident({ secrets: failed }), 0).person).toBe("no replacement in b: it failed");
    expect(progressOf({}, incident({ keys: [inScope()] }), 0).person).toBeUndefined();
    expect(progressOf({}, incident({ reason: "slow" }), 0).person).toBeUndefined();
  });

  test("by the order while it has no incident, and by what became of it afterwards", () => {
    const person = "rekey supply a";
    expect(whyPersonNow(key("a", { person }))).toBe(person);
    expect(whyPersonNow(key("a", { person, incidentId: "i-1" }))).toBeUndefined();
    expect(whyPersonNow(key("a", { person, progress: moved }))).toBeUndefined();
    expect(
      whyPersonNow(key("a", { person, incidentId: "i-1", progress: { ...moved, person: "look" } })),
    ).toBe("look");
  });
});

test("the figures count what the keys say", () => {
  const keys = [
    key("a", { startedAtMs: 1, progress: { ...moved, containedAtMs: 9, refusedInstances: 2 } }),
    key("b", { startedAtMs: 1, progress: { ...moved, containedAtMs: 5, failure: "x", person: "x" } }),
    key("c", { startedAtMs: 1, progress: { ...moved, isReplaced: false, refusedInstances: 1 } }),
    key("d", { person: "rekey supply d" }),
    key("e"),
  ];
  expect(figuresOf(keys)).toStrictEqual({
    ...{ keys: 5, started: 3, contained: 2, replaced: 2, needPeople: 2, failed: 1 },
    ...{ refusedInstances: 3, lastContainedAtMs: 9 },
  });
  expect(figuresOf([])).not.toHaveProperty("lastContainedAtMs");
});

test("the canaries are waited for since the campaign opened", () => {
  const keys = [key("k", { wave: "canary" })];
  const at = (nowMs: number) => canariesEnd(keys, { openedAtMs: minute, nowMs });
  expect([at(4 * minute - 1), at(4 * minute)]).toEqual([undefined, "canariesSlow"]);
});

describe("a campaign pauses itself", () => {
  const bad = (name: string, changes: Partial<CampaignKey> = {}) =>
    key(name, { startedAtMs: 1, progress: { ...moved, failure: "QuotaReached" }, ...changes });
  const fresh = { failuresAccepted: 0 };

  test("at the first failure while a canary is among the failed ones, and says how many more", () => {
    expect(whyPause(fresh, [bad("a"), bad("b")])).toBeUndefined();
    expect(whyPause(fresh, [bad("a"), bad("k", { wave: "canary" })])).toBe(
      "a canary failed: a: QuotaReached, and 1 more",
    );
  });

  test("at one in twenty of the started keys, where that is more than three", () => {
    const started = (count: number) =>
      Array.from({ length: count }, (_, index) => key(`s${index}`, { startedAtMs: 1 }));
    const failed = (count: number) => Array.from({ length: count }, (_, index) => bad(`b${index}`));
    expect(whyPause(fresh, [...started(76), ...failed(4)])).toContain("and 3 more");
    expect(whyPause(fresh, [...started(77), ...failed(4)])).toBeUndefined();
    expect(whyPause(fresh, [key("not started"), ...started(76), ...failed(4)])).toContain("and 3 more");
  });

  test("for no key that did not fail", () => {
    const keys = [key("a"), key("b", { progress: moved }), bad("c")];
    expect(failedKeys(keys)).toBe(1);
    expect(whyPause(fresh, keys)).toBeUndefined();
  });
});

test("it is done when every one of its keys is", () => {
  const over = { ...moved, isOver: true, containedAtMs: 1 };
  expect(isDone([key("a", { progress: over }), key("b", { progress: moved })])).toBe(false);
  expect(isDone([key("a", { progress: { ...over, isOver: false } })])).toBe(false);
  const { fingerprint: _none, ...unknown } = key("u", { incidentId: "i-1" });
  expect(isDone([unknown])).toBe(false);
});

describe("the canaries of an order", () => {
  const waves = (candidates: Parameters<typeof campaignKeys>[0]) =>
    Object.fromEntries(campaignKeys(candidates).map(({ name, wave }) => [name, wave]));

  test("are no keys that are abused or that wait for a person", () => {
    expect(
      waves([
        candidate("a"),
        candidate("p", { person: "supply it" }),
        candidate("x", { account: "other", isAbused: true }),
        candidate("y", { account: "other", instances: 1 }),
      ]),
    ).toEqual({ a: "canary", p: "people", x: "abused", y: "canary" });
  });

  test("are ten at most", () => {
    const many = Array.from({ length: 12 }, (_, index) => candidate(`k${index}`, { account: `a${index}` }));
    expect(Object.values(waves(many)).filter((wave) => wave === "canary")).toHaveLength(10);
  });

  test("keep why a person is needed, and name nobody where none is", () => {
    const [a, b] = campaignKeys([candidate("a"), candidate("b", { person: "supply it" })]);
    expect(a).not.toHaveProperty("person");
    expect(b?.person).toBe("supply it");
  });
});
