import { turnOf, whichAreAsked } from "../../../core/campaign/asked.ts";
import { campaignsAtWork, keyStanding } from "../../../core/campaign/board.ts";
import { duePage } from "../../../core/campaign/due-page.ts";
import { campaignKeys, campaignScope } from "../../../core/campaign/order.ts";
import {
  canariesEnd,
  failedKeys,
  figuresOf,
  isDone,
  progressOf,
  whyPause,
} from "../../../core/campaign/progress.ts";
import type { Campaign, CampaignKey } from "../../../core/campaign/record.ts";
import { whichStart } from "../../../core/campaign/waves.ts";
import { containBy } from "../../../core/incident/plan.ts";
import { campaign, candidate, incident, inScope, key, minute, moved, secret } from "./samples.ts";

describe("the order", () => {
  test("abused, then public, then most used, then by name; each account's last one is its canary", () => {
    const keys = campaignKeys([
      candidate("d"),
      candidate("c"),
      candidate("b", { instances: 3 }),
      candidate("p", { isPublic: true }),
      candidate("x", { isAbused: true }),
      candidate("h", { account: "other", person: "supply it" }),
      candidate("i", { account: "other" }),
    ]);
    expect(keys.map(({ name, wave, plan, why }) => [name, wave, plan, why])).toEqual([
      ["x", "abused", "contain-first", "there is evidence of abuse"],
      ["p", "rest", "switch-first", "it is public"],
      ["b", "rest", "switch-first", "3 instances hold it"],
      ["c", "rest", "switch-first", "no instance was seen with it"],
      ["d", "canary", "switch-first", "no instance was seen with it"],
      ["h", "people", "switch-first", "no instance was seen with it"],
      ["i", "canary", "switch-first", "no instance was seen with it"],
    ]);
    expect(keys.map(({ place }) => place)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test("what two people confirm has every key and plan, and does not depend on who is counted when", () => {
    const one = campaignKeys([candidate("a"), candidate("b", { instances: 3 })]);
    const other = campaignKeys([candidate("a", { instances: 5 }), candidate("b")]);
    expect(campaignScope(one)).toBe(campaignScope(other));
    const { fingerprint: _none, ...unknown } = candidate("a");
    expect(campaignScope(campaignKeys([unknown]))).toBe("arn:a  switch-first");
    expect(campaignScope(campaignKeys([candidate("a", { isAbused: true })]))).toContain("contain-first");
  });
});

describe("a wave", () => {
  const lap = { areCanariesOver: true, lapMs: 5_000, nowMs: 100_000 };
  const names = (keys: readonly CampaignKey[], over = lap) =>
    whichStart({ ...over, keys }).map(({ name }) => name);

  test("has one key of an account until its calls are answered, except those that a stranger uses", () => {
    const keys = [key("a"), key("b"), key("c", { account: "other" }), key("x", { wave: "abused" })];
    expect(names(keys)).toEqual(["a", "c", "x"]);
    expect(names([key("s", { startedAtMs: 98_000 }), key("a")])).toEqual([]);
    expect(names([key("r", { startedAtMs: 88_000 }), key("s", { startedAtMs: 94_000 }), key("a")])).toEqual([
      "a",
    ]);
  });

  test("makes up for looks that came late, and for no more than three of them", () => {
    const waiting = Array.from({ length: 9 }, (_, index) => key(`w${index}`));
    const first = key("s", { startedAtMs: 100_000 });
    const at = (nowMs: number, started = [first]) =>
      whichStart({ ...lap, nowMs, keys: [...started, ...waiting] }).length;
    expect([105_999, 106_000, 111_999, 112_000, 118_000].map((nowMs) => at(nowMs))).toEqual([0, 1, 1, 2, 3]);
    // Late once is late for one look: the key that is made up for counts from when it was due.
    const late = [first, key("t", { startedAtMs: 111_000 })];
    expect([111_999, 112_000, 118_000].map((nowMs) => at(nowMs, late))).toEqual([0, 1, 2]);
    expect(at(3_600_000)).toBe(3);
    expect(at(3_600_000, [])).toBe(1);
  });

  test("leaves a third of the account's calls to what is asked again, at a look each nine seconds", () => {
    const callsOfOne = 20.6;
    let keys: readonly CampaignKey[] = Array.from({ length: 100 }, (_, index) => key(`k${index}`));
    let nowMs = 0;
    for (; keys.some(({ startedAtMs }) => startedAtMs === undefined); nowMs += 9_000) {
      const now = new Set(names(keys, { ...lap, nowMs }));
      keys = keys.map((each) => (now.has(each.name) ? { ...each, startedAtMs: nowMs } : each));
    }
    const share = (100 * callsOfOne) / ((nowMs / 1_000) * 5);
    expect(share).toBeGreaterThan(0.6);
    expect(share).toBeLessThan(0.7);
  });

  test("has a key of a slower account less often", () => {
    const lately = { startedAtMs: 90_000, callsPerSecond: 2 };
    const slow = [key("r", lately), key("a", { callsPerSecond: 2 })];
    expect(names(slow)).toEqual([]);
    expect(names(slow, { ...lap, nowMs: 104_999 })).toEqual([]);
    expect(names(slow, { ...lap, nowMs: 105_000 })).toEqual(["a"]);
  });

  test("waits for the canaries, and starts nothing that has no fingerprint or has started", () => {
    const before = { ...lap, areCanariesOver: false };
    const keys = [key("a"), key("k", { wave: "canary" }), key("p", { wave: "people", account: "other" })];
    expect(names(keys, before)).toEqual(["k", "p"]);
    const { fingerprint: _none, ...unknown } = key("u");
    expect(names([unknown, key("s", { startedAtMs: 1 })])).toEqual([]);
  });

  test("has no more keys of one consumer than it can move at once", () => {
    const consumers = ["production/web"];
    const atWork = Array.from({ length: 25 }, (_, index) => key(`s${index}`, { consumers, startedAtMs: 1 }));
    expect(names([...atWork, key("a", { consumers, account: "other" })])).toEqual([]);
    const done = atWork.map((each) => ({ ...each, progress: moved }));
    expect(names([...done, key("a", { consumers, account: "other" })])).toEqual(["a"]);
    const over = atWork.map((each) => ({ ...each, progress: { ...moved, hasMoved: false, isOver: true } }));
    expect(names([...over, key("a", { consumers, account: "other" })])).toEqual(["a"]);
  });

  test("has no more keys of all accounts than Secrets Manager takes writes of", () => {
    const keys = Array.from({ length: 40 }, (_, index) => key(`k${index}`, { account: `a${index}` }));
    expect(names(keys)).toHaveLength(15);
  });
});

describe("how a key stands", () => {
  test("contained with its proof, replaced, moved", () => {
    const keys = [
      inScope({ state: "dead", deadAtMs: 7 }),
      inScope({ waiver: { by: "a", reason: "b", atMs: 9 } }),
    ];
    const secrets = [secret({ replacement: "adopted" })];
    const certificate = { path: "p", sha256: "s", keyid: "k" };
    const record = incident({ status: "closed", keys, secrets, certificate });
    expect(progressOf({}, record, 0)).toEqual({
      ...{ containedAtMs: 9, isReplaced: true, refusedInstances: 0, hasMoved: true, isOver: true },
      certificate: { path: "p", sha256: "s" },
    });
    const other = incident({
      keys: [inScope({ state: "dead" })],
      secrets: [secret({ replacement: "promoted" })],
    });
    expect(progressOf({}, other, 1)).toMatchObject({ isReplaced: true, hasMoved: false, isOver: false });
    expect(progressOf({}, incident({ keys: [], secrets: [] }), 0)).toMatchObject({ isReplaced: false });
  });

  test.each([
    ["no replacement in a: it failed", { secrets: [secret({ replacement: "failed" })] }],
    [
      "no replacement in a: QuotaReached",
      { secrets: [secret({ replacement: "failed", failure: "QuotaReached" })] },
    ],
    ["supply a key: rekey supply a", { secrets: [secret({ supplyWanted: true })] }],
    ["it cannot be contained by machine: no call", { keys: [inScope({ blocked: { why: "no call" } })] }],
    ["the machine stopped working on it", { status: "needsPerson" as const }],
    ["timed out", { status: "needsPerson" as const, reason: "timed out" }],
  ])("a person is needed: %s", (why, changes) => {
    expect(progressOf({}, incident(changes), 0)).toMatchObject({ person: why, failure: why });
  });

  test("what was known beforehand is no failure, and ends with the replacement", () => {
    const person = "rekey supply a";
    expect(progressOf({ person }, incident({ secrets: [] }), 0)).toMatchObject({ person });
    expect(progressOf({ person }, incident({}), 0).failure).toBeUndefined();
    expect(
      progressOf({ person }, incident({ secrets: [secret({ replacement: "adopted" })] }), 0).person,
    ).toBeUndefined();
    const contained = incident({ keys: [inScope({ state: "dead", deadAtMs: 3 })] });
    expect(progressOf({ person }, contained, 0)).toMatchObject({ person, isOver: true, containedAtMs: 3 });
  });

  test("a blocked key that is dead needs nobody", () => {
    const keys = [inScope({ state: "dead", deadAtMs: 1, blocked: { why: "x" } })];
    expect(progressOf({}, incident({ keys }), 0).person).toBeUndefined();
  });
});

describe("the canaries", () => {
  const canary = key("k", { wave: "canary", progress: moved });
  test("end when all have moved, or after three minutes", () => {
    const at = (nowMs: number) => ({ openedAtMs: 0, nowMs });
    expect(canariesEnd([canary, key("a")], at(1))).toBe("canariesMoved");
    expect(canariesEnd([canary, key("j", { wave: "canary" })], at(1))).toBeUndefined();
    expect(canariesEnd([canary, key("j", { wave: "canary" })], at(3 * minute))).toBe("canariesSlow");
  });
});

describe("it pauses itself", () => {
  const bad = (name: string, changes: Partial<CampaignKey> = {}) =>
    key(name, { startedAtMs: 1, progress: { ...moved, failure: "QuotaReached" }, ...changes });
  const fresh = { failuresAccepted: 0 };
  const after = { failuresAccepted: 0, canariesEndedAtMs: 1 };

  test("at the first failed canary, and afterwards at the third failed key", () => {
    expect(whyPause(fresh, [bad("k", { wave: "canary" })])).toBe("a canary failed: k: QuotaReached");
    expect(whyPause(fresh, [key("a"), key("b", { progress: moved })])).toBeUndefined();
    expect(whyPause(after, [bad("a"), bad("b", { wave: "canary" })])).toBeUndefined();
    expect(whyPause(after, [bad("a"), bad("b"), bad("c")])).toBe("a: QuotaReached, and 2 more");
    expect(whyPause({ ...after, failuresAccepted: 1 }, [bad("a"), bad("b"), bad("c")])).toBeUndefined();
  });

  test("also for refused requests of consumers", () => {
    const refused = key("k", { wave: "canary", progress: { ...moved, refusedInstances: 2 } });
    expect(whyPause(fresh, [refused])).toContain("2 instances have requests refused with the replacement");
    expect(failedKeys([refused, key("a"), key("b", { progress: moved })])).toBe(1);
  });
});

describe("which keys are asked how they stand", () => {
  const started = (count: number, progress?: CampaignKey["progress"]) =>
    Array.from({ length: count }, (_, index) =>
      key(`k${index}`, { place: index + 1, incidentId: `i${index}`, ...(progress && { progress }) }),
    );
  const askedIn = (keys: readonly CampaignKey[], turns: readonly number[]) =>
    turns.map((turn) => whichAreAsked(keys, turn).length);

  test("all that are open, while there are no more than a hundred", () => {
    expect(whichAreAsked([...started(100), key("not started")], 7)).toHaveLength(100);
    const over = { ...moved, isOver: true, containedAtMs: 1, certificate: { path: "p", sha256: "s" } };
    expect(whichAreAsked(started(3, over), 7)).toEqual([]);
    expect(whichAreAsked(started(3, { ...moved, isOver: true }), 7)).toHaveLength(3);
  });

  test("of more, a hundred in each turn, and every one in as many turns as hundreds", () => {
    const keys = started(950);
    const turns = Array.from({ length: 10 }, (_, index) => turnOf(minute, index));
    expect(askedIn(keys, turns)).toEqual(turns.map(() => 95));
    expect(new Set(turns.flatMap((turn) => whichAreAsked(keys, turn)))).toEqual(new Set(keys));
  });

  test("every one too, if a call ends after its first look", () => {
    const keys = started(2_000);
    const turns = Array.from({ length: 20 }, (_, index) => turnOf(index * minute, 0));
    expect(new Set(turns.flatMap((turn) => whichAreAsked(keys, turn)))).toEqual(new Set(keys));
  });

  test("a contained one whose consumers moved in each fourth", () => {
    expect(askedIn(started(4, { ...moved, containedAtMs: 1 }), [0, 1, 2, 3])).toEqual([1, 1, 1, 1]);
    expect(askedIn(started(4, { ...moved, containedAtMs: 1, hasMoved: false }), [0])).toEqual([4]);
  });
});

test("it is done when every key is contained, and what is missing waits for people", () => {
  const over = { ...moved, isOver: true };
  expect(isDone([key("a", { incidentId: "i", progress: { ...over, containedAtMs: 1 } })])).toBe(true);
  expect(isDone([key("a", { incidentId: "i", progress: over })])).toBe(false);
  expect(isDone([key("a", { incidentId: "i", progress: moved })])).toBe(false);
  expect(isDone([key("a")])).toBe(false);
  expect(isDone([key("a", { incidentId: "i" })])).toBe(false);
  const { fingerprint: _none, ...unknown } = key("u");
  expect(isDone([unknown])).toBe(true);
});

describe("people hear of it", () => {
  const told = (reason: Campaign["pages"][number]["reason"], atMs: number, needPeople = 0) => ({
    ...{ reason, atMs, needPeople, delivered: ["sns"] },
  });
  const figures = { ...figuresOf([]), keys: 5, contained: 1 };

  test("once that it has begun, again if no channel took it", () => {
    expect(duePage(campaign(), 1)).toBe("opened");
    expect(duePage(campaign({ pages: [{ ...told("opened", 0), delivered: [] }] }), 1)).toBe("opened");
    expect(duePage(campaign({ pages: [told("opened", 0)] }), 1)).toBeUndefined();
  });

  test("each time that it paused itself, and not when a person paused it", () => {
    const pages = [told("opened", 0)];
    const paused = { why: "x", by: "rekey", atMs: 5 };
    expect(duePage(campaign({ pages, paused }), 6)).toBe("paused");
    expect(duePage(campaign({ pages: [...pages, told("paused", 6)], paused }), 7)).toBeUndefined();
    expect(duePage(campaign({ pages, paused: { ...paused, by: "ada" } }), 6)).toBeUndefined();
  });

  test("of the deadline every ten minutes while keys are open", () => {
    const pages = [told("opened", 0)];
    expect(duePage(campaign({ pages, figures }), 13 * minute)).toBeUndefined();
    expect(duePage(campaign({ pages, figures }), 14 * minute)).toBe("deadline");
    const again = [...pages, told("deadline", 14 * minute)];
    expect(duePage(campaign({ pages: again, figures }), 15 * minute)).toBeUndefined();
    expect(duePage(campaign({ pages: again, figures }), 24 * minute)).toBe("deadline");
    expect(duePage(campaign({ pages, figures: { ...figures, contained: 5 } }), 14 * minute)).toBeUndefined();
  });

  test("of the list for people when it has grown, at most every three minutes", () => {
    const pages = [told("opened", 0)];
    const grown = { ...figures, needPeople: 2 };
    expect(duePage(campaign({ pages, figures: grown }), 4 * minute)).toBe("needPeople");
    const listed = [...pages, told("needPeople", minute, 1)];
    expect(duePage(campaign({ pages: listed, figures: grown }), 2 * minute)).toBeUndefined();
    expect(duePage(campaign({ pages: listed, figures: grown }), 4 * minute)).toBe("needPeople");
  });
});

test("a key that is started late gives its consumers less time, and at least a minute", () => {
  const times = { openedAtMs: 0, containByMs: 10 * minute };
  const of = (openedAtMs: number, campaignId?: string) =>
    containBy({
      ...times,
      openedAtMs,
      campaign: { deadlineAtMs: 15 * minute, ...(campaignId && { campaignId }) },
    });
  expect(of(8 * minute)).toBe(18 * minute);
  expect(of(0, "c-1")).toBe(10 * minute);
  expect(of(8 * minute, "c-1")).toBe(13 * minute);
  expect(of(14 * minute, "c-1")).toBe(15 * minute);
});

describe("the board", () => {
  test("a campaign that is not done stands for its incidents, a done one does not", () => {
    const incident = (incidentId: string, campaignId?: string) => ({
      incidentId,
      ...(campaignId !== undefined && { campaignId }),
    });
    const every = [campaign(), campaign({ campaignId: "c-2", status: "done" })];
    const incidents = [incident("of-none"), incident("told", "c-1"), incident("of-done", "c-2")];

    const board = campaignsAtWork(every, incidents);

    expect(board.campaigns.map(({ campaignId }) => campaignId)).toEqual(["c-1"]);
    expect(board.incidents.map(({ incidentId }) => incidentId)).toEqual(["of-none", "of-done"]);
  });

  test.each<[string, Pick<Partial<CampaignKey>, "startedAtMs" | "progress">]>([
    ["waits for its turn", {}],
    ["begun", { startedAtMs: 0 }],
    ["begun", { startedAtMs: 0, progress: { ...moved, isReplaced: false } }],
    ["replaced, its consumers move", { startedAtMs: 0, progress: moved }],
    ["the provider refused", { startedAtMs: 0, progress: { ...moved, failure: "the provider refused" } }],
    ["contained 1970-01-01 00:01:00Z", { startedAtMs: 0, progress: { ...moved, containedAtMs: minute } }],
  ])("says of a key: %s", (said, stands) => {
    expect(keyStanding(stands)).toBe(said);
  });
});
