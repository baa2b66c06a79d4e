import { intakeChains } from "../../../audit/intake-log.ts";
import { StoreUnavailable } from "../../../core/errors.ts";
import { aliasesOf } from "../../../events/fingerprint.ts";
import { indexSecrets } from "../../../functions/key-index/index-secrets.ts";
import { World } from "../../simulation/world/world.ts";
import { calls } from "../rotation/story.ts";
import { effectsOf, first, leakOfCurrent, onlyKey, ordered } from "./compromise-story.ts";

const minute = 60_000;
let world: World;
afterEach(() => world.close());

const unknown = { kind: "fingerprint" as const, values: [`sha256:${"1".repeat(64)}`] };

async function audited(): Promise<readonly unknown[]> {
  const chains = intakeChains.map((id) => world.table.query({ kind: "AUDIT", id }));
  const records = (await Promise.all(chains)).flat();
  return records.map(({ body }) => body);
}

describe("an alert that calls itself a test", () => {
  test("starts nothing when it is about a key of ours, warns people, and the log names its sender", async () => {
    world = new World();
    await world.secret();

    expect(await world.raise(await leakOfCurrent(world, { source: "report", test: true }))).toEqual([]);
    await world.time.advance(20 * minute);

    expect(effectsOf(world)).toEqual(["notify: testOfRealKey"]);
    expect(await world.ledger.incidents.incidents()).toEqual([]);
    expect(await audited()).toMatchObject([
      { action: "TestOfRealKey", actor: "intake/report", detail: { sourceId: "finding-1" } },
    ]);
    expect(world.pages).toMatchObject([
      {
        reason: "testOfRealKey",
        severity: "notify",
        test: false,
        why: expect.stringContaining("intake/report"),
      },
    ]);
    expect(world.pages[0]?.steps.join()).toContain("rekey compromise");
  });

  test("warns once an hour about one key, however many such alerts come", async () => {
    world = new World();
    await world.secret();
    for (const sourceId of ["a", "b", "c"])
      await world.raise(await leakOfCurrent(world, { sourceId, test: true }));
    expect(world.pages).toHaveLength(1);

    await world.time.advance(61 * minute);
    await world.raise(await leakOfCurrent(world, { sourceId: "d", test: true }));
    expect(world.pages).toHaveLength(2);
  });

  test("does not make a test of the alert that comes after it, nor of an incident that is open", async () => {
    world = new World();
    await world.secret();
    await world.raise(await leakOfCurrent(world, { sourceId: "test", test: true }));

    const run = await world.compromise(await leakOfCurrent(world));
    await world.raise(await leakOfCurrent(world, { sourceId: "test again", test: true }));

    const record = await world.incidentOf(run);
    expect(record).toMatchObject({ test: false, alerts: [{ sourceId: "finding-1" }] });
    expect((await onlyKey(world, run)).state).toBe("dead");
    expect(world.pages.map(({ test }) => test)).not.toContain(true);
  });

  test("leaves a real alert about the same unknown key its own incident, which pages for real", async () => {
    world = new World();
    await world.raise({ identity: unknown, sourceId: "test", test: true });
    await world.time.advance(minute);
    await world.raise({ identity: unknown, sourceId: "real" });
    await world.time.advance(minute);

    const incidents = await world.ledger.incidents.incidents();
    expect(incidents.map(({ test, alerts }) => [test, alerts.map(({ sourceId }) => sourceId)])).toEqual(
      expect.arrayContaining([
        [true, ["test"]],
        [false, ["real"]],
      ]),
    );
    expect(world.pages.map(({ test, reason }) => [test, reason])).toEqual([
      [true, "needsPerson"],
      [false, "needsPerson"],
    ]);
  });
});

describe("alerts that name no key exactly, in a flood", () => {
  const place = (n: number) => ({ kind: "location" as const, url: `https://example.com/${n}` });
  const subjects = async () => (await world.ledger.incidents.incidents()).map(({ subject }) => subject);

  test("send one that is public and live to an incident of its own, which pages", async () => {
    world = new World();
    for (let n = 0; n < 11; n += 1)
      await world.raise({ sourceId: `flood-${n}`, verified: "unknown", identity: place(n) });
    await world.time.advance(minute);
    const before = world.pages.length;

    const live = { exposure: "public" as const, verified: "live" as const };
    await world.raise({ sourceId: "real", identity: place(100), ...live });
    await world.time.advance(minute);

    expect(await subjects()).toContain("unmatched/https://example.com/100");
    expect(world.pages.length).toBeGreaterThan(before);
  });

  test("of one source do not send another source's to the triage incident", async () => {
    world = new World();
    for (let n = 0; n < 11; n += 1)
      await world.raise({
        sourceId: `flood-${n}`,
        source: "trufflehog",
        verified: "unknown",
        identity: place(n),
      });

    await world.raise({ sourceId: "real", source: "github", verified: "unknown", identity: place(100) });

    expect(await subjects()).toContain("unmatched/https://example.com/100");
  });
});

describe("a key that nobody knew when it was first reported", () => {
  /** The index of this world has the SHA-256 alone; a source that names another alias is not understood yet. */
  async function reportedByAlias() {
    world = new World();
    const { secretArn } = await world.secret();
    const { sha1 } = aliasesOf((await world.store.read(secretArn)).text);
    const story = { identity: { kind: "fingerprint" as const, values: [sha1] } };
    const [run] = await world.raise(story);
    if (run === undefined) throw new Error("nothing was started");
    await world.time.advance(3 * minute);
    expect(await world.incidentOf(run)).toMatchObject({ plan: "person", status: "open" });
    await world.time.run(indexSecrets.run({ own: [] }, world.depsOutside("index-secrets")));
    return { story, run };
  }

  test("is contained by the same incident, on its first clock, once it is indexed and reported again", async () => {
    const { story, run } = await reportedByAlias();
    const { incidentId, deadlineAtMs } = await world.incidentOf(run);

    const again = await world.compromise(story);

    expect(run.outcome?.status).toBe("ABORTED");
    expect(await world.incidentOf(again)).toMatchObject({
      ...{ incidentId, deadlineAtMs, plan: "contain-first", status: "closed" },
      keys: [{ state: "dead", standing: "current" }],
      secrets: [{ replacement: "adopted" }],
    });
    expect(world.pages.map(({ reason }) => reason)).toEqual(["needsPerson", "opened"]);
  });

  test("has one machine, however often and in whatever order the alert is delivered", async () => {
    const { story, run } = await reportedByAlias();

    await Promise.all([world.raise(story), world.raise(story)]);
    await world.time.advance(30 * minute);

    const runs = [...world.runs.values()].filter(({ machine }) => machine === "compromise");
    expect(runs.map(({ outcome }) => outcome?.status)).toEqual(["ABORTED", "SUCCEEDED"]);
    expect(await world.incidentOf(run)).toMatchObject({ status: "closed", keys: [{ state: "dead" }] });
  });

  test("is known by its place first, and by the key itself when the same alert comes again", async () => {
    world = new World();
    await world.secret();
    const where = ["https://github.com/acme/shop/security/secret-scanning/7"];
    const alert = { source: "github" as const, sourceId: "acme/shop#7", where };
    const [run] = await world.raise({ ...alert, identity: { kind: "location", url: where[0] ?? "" } });
    if (run === undefined) throw new Error("nothing was started");
    await world.time.advance(minute);

    const again = await world.compromise({ ...alert, ...(await leakOfCurrent(world)), ...alert });

    expect((await world.incidentOf(again)).incidentId).toBe((await world.incidentOf(run)).incidentId);
    expect(await world.ledger.incidents.incidents()).toHaveLength(1);
    expect((await onlyKey(world, again)).state).toBe("dead");
  });
});

test.each(["made", "found current"] as const)(
  "a live key that a rotation has %s is known by its id after a hand took it out of the secret's item",
  async (how) => {
    world = new World();
    const { secretArn } = await world.secret({ policy: { retain: how === "found current" } });
    const [before] = (await world.ledger.secret(secretArn)).keys;
    await world.rotate(secretArn);
    const { keys } = await world.ledger.secret(secretArn);
    const made = keys.find(({ state }) => state === "current");
    const keyId = (how === "made" ? made?.keyId : before?.keyId) ?? "";
    await world.ledger.changeSecret(secretArn, ({ run: _over, ...record }) => ({ ...record, keys: [] }));
    const hand = world.provider.addKey({ name: "made by hand" });
    world.store.setCurrent(secretArn, hand.secret.reveal());

    const [run] = await world.raise({ identity: { kind: "keyId", provider: "openai", keyId } });
    if (run === undefined) throw new Error("nothing was started");
    // No living key of this account can be called beside it, so it has to be refused for longer.
    await world.time.advance(45 * minute);
    expect(await onlyKey(world, run)).toMatchObject({ keyId, state: "dead", standing: "retired" });
    expect(world.effects).toContain(`delete ${world.keyName(keyId)}`);
  },
);

describe("a flood of alerts about one key", () => {
  test("of any size leaves the incident able to revoke the key and to take every order", async () => {
    world = new World();
    await world.secret();
    const leak = await leakOfCurrent(world, { exposure: "public" });
    const where = Array.from({ length: 20 }, (_, n) => `${n}${"\u20ac".repeat(298)}`);
    const [run] = await world.raise(leak);
    for (let n = 0; n < 130; n++)
      await world.raise({ ...leak, sourceId: `${n}${"\u20ac".repeat(250)}`, where });
    await world.time.advance(15 * minute);

    if (run === undefined) throw new Error("nothing was started");
    const record = await world.incidentOf(run);
    expect((await onlyKey(world, run)).state).toBe("dead");
    expect(record.alertsSeen).toBe(131);
    const note = { command: "incident-note", incident: record.incidentId, reason: "still writable" };
    expect(await ordered(world, note)).toMatchObject({ outcome: "noted" });
  });
});

describe("a key that lives and is reported again after a person's decision", () => {
  async function decided(order: "waive" | "false-alarm") {
    world = new World();
    await world.secret();
    const private_ = await leakOfCurrent(world, { exposure: "private", verified: "unknown" });
    const [run] = await world.raise(private_);
    if (run === undefined) throw new Error("nothing was started");
    await world.time.advance(5_000);
    const { incidentId } = await world.incidentOf(run);
    await ordered(world, {
      command: `incident-${order}`,
      incident: incidentId,
      reason: "it looked harmless",
    });
    return { incidentId, alert: private_ };
  }

  test.each([
    ["waive", "the same alert, now public", { exposure: "public" }],
    ["waive", "another source", { source: "github", sourceId: "acme/shop#1" }],
    ["waive", "a person", { source: "person", sourceId: "ada/1" }],
    ["false-alarm", "the same alert, now verified", { verified: "live" }],
    ["false-alarm", "a person", { source: "person", sourceId: "ada/1" }],
  ] as const)(
    "after %s, by %s: it opens again with a page, a clock and what was decided",
    async (order, _, said) => {
      const { incidentId, alert } = await decided(order);
      await world.time.advance(20 * minute);

      const [run] = await world.raise({ ...alert, ...said });
      await world.time.advance(40 * minute);

      if (run === undefined) throw new Error("nothing was started");
      const again = await world.incidentOf(run);
      expect(again.incidentId).not.toBe(incidentId);
      expect(again.decidedBefore).toMatchObject({ incidentId, reason: "it looked harmless" });
      expect(again.keys).toMatchObject([{ state: "dead" }]);
      expect(world.pages).toContainEqual(
        expect.objectContaining({ incidentId: again.incidentId, severity: "page", reason: "opened" }),
      );
    },
  );

  test("the very same alert stays where the decision was made", async () => {
    const { alert } = await decided("waive");
    await world.raise(alert);
    expect(await world.ledger.incidents.incidents()).toHaveLength(1);
  });
});

test("an alert that comes again and says public makes the plan stronger, and the key is dead long before containBy", async () => {
  world = new World();
  await world.secret({ policy: { consumers: "none" } });
  const leak = await leakOfCurrent(world, { exposure: "private", verified: "unknown" });
  const [run] = await world.raise(leak);
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(1_000);
  const before = await world.incidentOf(run);

  await world.raise({ ...leak, exposure: "public", verified: "live", where: ["https://example.com/paste"] });
  const after = await world.incidentOf(run);

  expect([before.plan, after.plan]).toEqual(["switch-first", "contain-first"]);
  expect(after.alerts).toMatchObject([
    { exposure: "public", verified: "live", where: ["https://example.com/paste"] },
  ]);
  expect(after.deadlineAtMs).toBe(before.deadlineAtMs);
});

test("what an alert says and the plan that follows from it are one write", async () => {
  let isCutOff = false;
  const dies = first(
    (call) =>
      isCutOff && calls.writes("INCIDENT")(call) && "alerts" in (call.given[0] as { body: object }).body,
    async (effect) => {
      await effect();
      throw new StoreUnavailable("the table did not answer");
    },
  );
  world = new World({ surroundings: dies });
  await world.secret({ policy: { consumers: "none" } });
  const leak = await leakOfCurrent(world, { exposure: "private", verified: "unknown" });
  const [run] = await world.raise(leak);
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(1_000);

  isCutOff = true;
  await expect(world.raise({ ...leak, exposure: "public", verified: "live" })).rejects.toThrow(
    "did not answer",
  );

  expect(await world.incidentOf(run)).toMatchObject({
    alerts: [{ exposure: "public", verified: "live" }],
    plan: "contain-first",
  });
});
