import { noFaults, type Surroundings } from "../../simulation/world/surroundings.ts";
import { World } from "../../simulation/world/world.ts";
import {
  currentFingerprint,
  effectsOf,
  incomingOf,
  leakOfCurrent,
  onlyKey,
  secretArn,
  untilPhase,
} from "./compromise-story.ts";

let world: World;
afterEach(() => world.close());

test("a rotation that waits for its consumers is fenced off, and its healthy incoming key stays current", async () => {
  world = new World();
  await world.secret();
  const leaked = await currentFingerprint(world);
  const rotation = world.start(secretArn);
  await untilPhase(world, "promoted");
  const incoming = await incomingOf(world);
  world.effects.length = 0;
  const run = await world.compromise({ identity: { kind: "fingerprint", values: [leaked] } });

  expect(await onlyKey(world, run)).toMatchObject({ state: "dead", standing: "retiring" });
  expect(effectsOf(world)).not.toContainEqual(expect.stringMatching(/^mint/));
  expect(await currentFingerprint(world)).toBe(incoming?.fingerprint);
  expect(await world.finish(rotation)).toMatchObject({ status: "SUCCEEDED" });
  expect(rotation.history.at(-2)?.state).toBe("Superseded");
  expect(rotation.history.at(-1)?.timestamp).toBeLessThanOrEqual(
    (await world.incidentOf(run)).openedAtMs ?? 0,
  );
  expect(await world.ledger.rotation(secretArn, rotation.rotationId)).toMatchObject({
    outcome: "superseded",
  });
});

test("an incident waits for no approval, freeze or other secret, and its timeline says so", async () => {
  world = new World();
  const freeze = [{ fromMs: 0, untilMs: world.time.nowMs() + 30 * 86_400_000, reason: "the sale" }];
  await world.secret({ policy: { approve: "before-promote", freeze, after: "staging/other" } });
  const story = await leakOfCurrent(world);
  const rotation = world.start(secretArn);
  await untilPhase(world, "proven");
  await world.time.advance(5_000);
  expect(rotation.history.at(-1)?.state).toBe("AwaitPromotion");
  const run = await world.compromise(story);

  expect(await onlyKey(world, run)).toMatchObject({ state: "dead" });
  expect(effectsOf(world).filter((effect) => effect.startsWith("mint"))).toEqual(["mint k2"]);
  const { timeline, openedAtMs = 0 } = await world.incidentOf(run);
  const said = timeline.find(({ what }) => what === "termsIgnored");
  expect(said?.detail).toBe(
    "billing-key: this incident waits for no approval, change window, freeze or other secret",
  );
  expect(timeline.find(({ what }) => what === "dead")?.atMs).toBeLessThan(openedAtMs + 15 * 60_000);
  await world.finish(rotation);
  expect(rotation.history.at(-2)?.state).toBe("Superseded");
});

test("a rotation that has only staged its key passes it on: no third key is made", async () => {
  world = new World({ provider: { activateMs: 5_000 } });
  await world.secret();
  const story = await leakOfCurrent(world);
  const rotation = world.start(secretArn);
  await untilPhase(world, "staged");
  const incoming = await incomingOf(world);
  const run = await world.compromise(story);

  expect(effectsOf(world).filter((effect) => effect.startsWith("mint"))).toEqual(["mint k2"]);
  expect(await currentFingerprint(world)).toBe(incoming?.fingerprint);
  expect((await world.incidentOf(run)).secrets[0]).toMatchObject({ reused: true, replacement: "adopted" });
  await world.finish(rotation);
});

test("a rotation in the middle of its revoke loses the secret, and the leaked current key is replaced", async () => {
  world = new World({ propagation: { deadWindowMs: 120_000 } });
  await world.secret();
  const retiring = (await world.ledger.secret(secretArn)).keys[0]?.keyId;
  const rotation = world.start(secretArn);
  await untilPhase(world, "revoked");
  const run = await world.compromise(await leakOfCurrent(world));

  const { keyId, state } = await onlyKey(world, run);
  expect(keyId).not.toBe(retiring);
  expect(state).toBe("dead");
  expect((await world.incidentOf(run)).secrets[0]).toMatchObject({
    standing: "current",
    replacement: "adopted",
  });
  expect(await world.ledger.debts()).toMatchObject([{ kind: "DeathUnproven", keyId: retiring }]);
  await world.finish(rotation);
});

test("a revoke that was recorded and not answered is finished by the incident, for the same key", async () => {
  world = new World();
  await world.secret();
  const leaked = await currentFingerprint(world);
  const rotation = world.start(secretArn);
  await untilPhase(world, "promoted");
  world.provider.inject(...Array.from({ length: 3 }, () => ({ kind: "dropped" as const, on: "revoke" })));
  await untilPhase(world, "revoking");
  const run = await world.compromise({ identity: { kind: "fingerprint", values: [leaked] } });

  expect(await onlyKey(world, run)).toMatchObject({ state: "dead", standing: "retiring" });
  expect(effectsOf(world).filter((effect) => effect.startsWith("mint"))).toEqual(["mint k2"]);
  expect(await world.ledger.debts()).toEqual([]);
  expect((await world.finish(rotation)).status).toBe("SUCCEEDED");
  expect((await world.rotate(secretArn)).outcome?.status).toBe("SUCCEEDED");
});

test("an incoming key that leaks before it is current is taken out of the rotation and contained", async () => {
  world = new World({ provider: { activateMs: 20_000 } });
  await world.secret();
  const before = await currentFingerprint(world);
  const rotation = world.start(secretArn);
  await untilPhase(world, "staged");
  const leaked = await incomingOf(world);
  const run = await world.compromise({
    identity: { kind: "fingerprint", values: [leaked?.fingerprint ?? ""] },
  });

  expect(await onlyKey(world, run)).toMatchObject({
    keyId: leaked?.keyId,
    standing: "incoming",
    state: "dead",
  });
  expect(await currentFingerprint(world)).toBe(before);
  expect(Object.values(await world.store.labels(secretArn)).flat()).toEqual(["AWSCURRENT"]);
  expect(await world.finish(rotation)).toMatchObject({ status: "SUCCEEDED" });
  expect((await world.rotate(secretArn)).outcome?.status).toBe("SUCCEEDED");
});

test("a leaked key that is not active yet is not dead because the provider refuses it", async () => {
  const dieMs = 50_000;
  const quick = { deadProbes: 3, deadWindowMs: 4_000, probeEveryMs: 2_000 };
  const propagation = { activateMs: 30_000, dieMs, ...quick };
  world = new World({ provider: { activateMs: 20_000, dieMs }, propagation });
  await world.secret();
  world.start(secretArn);
  await untilPhase(world, "staged");
  const leaked = (await incomingOf(world))?.fingerprint ?? "";
  const run = await world.compromise({ identity: { kind: "fingerprint", values: [leaked] } });

  // Refused from the first probe on, then accepted, then refused for good.
  const { acceptedAtMs = 0, deadAtMs = 0, ...key } = await onlyKey(world, run);
  expect(key).toMatchObject({ standing: "incoming", state: "dead" });
  expect(deadAtMs - acceptedAtMs).toBeGreaterThanOrEqual(dieMs);
});

test.each(["promoting", "promoted"] as const)(
  "a key that leaks while its promotion sleeps in phase %s is replaced, and AWSPENDING is in nobody's way",
  async (phase) => {
    let isAsleep = false;
    const surroundings: Surroundings = {
      ...noFaults,
      call: async (call, effect) => {
        const { operation, given, invocation } = call;
        const { label, to } = (given[0] ?? {}) as { readonly label?: string; readonly to?: string };
        const isLast = operation === "moveLabel" && label === "AWSPENDING" && to === undefined;
        const isNext = phase === "promoted" ? isLast : label === "AWSCURRENT";
        if (isAsleep || invocation.functionName !== "promote-version" || !isNext) return effect();
        isAsleep = true;
        const answer = phase === "promoted" ? undefined : await effect();
        await new Promise((resolve) => setTimeout(resolve, 20 * 60_000));
        return answer ?? effect();
      },
    };
    world = new World({ surroundings });
    await world.secret();
    world.start(secretArn);
    await untilPhase(world, phase);
    const { fingerprint = "" } = (await incomingOf(world)) ?? {};
    const run = await world.compromise({ identity: { kind: "fingerprint", values: [fingerprint] } });

    expect(await onlyKey(world, run)).toMatchObject({ state: "dead", standing: "current" });
    expect((await world.incidentOf(run)).secrets).toMatchObject([{ replacement: "adopted" }]);
  },
);

test("one key in three secrets is replaced in each of them and revoked once", async () => {
  world = new World();
  const { secretArn: first } = await world.secret();
  const others = [];
  for (const name of ["search-key", "mail-key"]) {
    others.push((await world.secret({ name, sharesKeyOf: first, consumers: [{ name }] })).secretArn);
  }
  const run = await world.compromise(await leakOfCurrent(world));

  expect(effectsOf(world).filter((effect) => effect.startsWith("mint"))).toEqual([
    "mint k2",
    "mint k3",
    "mint k4",
  ]);
  expect(effectsOf(world).filter((effect) => effect.startsWith("delete"))).toEqual(["delete k1"]);
  const { secrets, status } = await world.incidentOf(run);
  expect(secrets.map(({ replacement }) => replacement)).toEqual(["adopted", "adopted", "adopted"]);
  expect(status).toBe("closed");
  const fingerprints = await Promise.all([first, ...others].map((arn) => currentFingerprint(world, arn)));
  expect(new Set(fingerprints).size).toBe(3);
});

test("a third key that the provider's limit refuses is made once containment has freed the slot", async () => {
  world = new World({ provider: { keysMax: 2 } });
  await world.secret();
  world.provider.addKey({ name: "somebody else's" });
  const run = await world.compromise(await leakOfCurrent(world));

  const effects = effectsOf(world).filter((effect) => /^(?:mint|delete)/.test(effect));
  expect([...new Set(effects)]).toEqual(["mint: 400", "delete k1", "mint k3"]);
  expect((await world.incidentOf(run)).secrets[0]).toMatchObject({ replacement: "adopted" });
});

test("what was to be appended opens where it comes first, and only for a key that is surely ours", async () => {
  world = new World();
  await world.secret();
  const story = await leakOfCurrent(world, { sourceId: "first", exposure: "private" });
  const news = { ...story, sourceId: "second", exposure: "public", kind: "append" } as const;
  const unknown = { kind: "fingerprint" as const, values: [`sha256:${"0".repeat(64)}`] };
  const elsewhere = { kind: "location" as const, url: "https://example.com/somewhere" };
  for (const identity of [unknown, elsewhere])
    expect(await world.raise({ ...news, identity, sourceId: "nowhere" })).toEqual([]);

  const [run] = await world.raise(news);
  if (run === undefined) throw new Error("nothing was started");
  await world.raise(story);
  await world.finish(run);

  const { alerts, plan, status } = await world.incidentOf(run);
  expect(alerts.map(({ sourceId }) => sourceId)).toEqual(["second", "first"]);
  expect({ plan, status }).toEqual({ plan: "contain-first", status: "closed" });
  const receivedAtMs = world.time.nowMs() + 24 * 3_600_000;
  expect(await world.raise({ ...news, sourceId: "third", receivedAtMs })).toEqual([]);
});

test("the same alert again, late and out of order, is one incident", async () => {
  world = new World();
  await world.secret();
  const story = await leakOfCurrent(world, { sourceId: "first" });
  const later = { ...story, sourceId: "second", kind: "append" as const };
  const runs = (await Promise.all([world.raise(story), world.raise(story)])).flat();
  await world.raise(later);
  const run = runs[0];
  if (run === undefined) throw new Error("nothing was started");
  await world.finish(run);
  await world.raise({ ...story, sourceId: "third", exposure: "private" });
  await world.raise(later);

  expect(new Set(runs.map(({ executionArn }) => executionArn)).size).toBe(1);
  expect([...world.runs.values()].filter(({ machine }) => machine === "compromise")).toHaveLength(1);
  expect(effectsOf(world).filter((effect) => effect.startsWith("delete"))).toEqual(["delete k1"]);
  const { alerts } = await world.incidentOf(run);
  expect(alerts.map(({ sourceId }) => sourceId)).toEqual(["first", "second", "third"]);
});

test("a second leak, of another key, is never taken for a repeat of the first", async () => {
  world = new World();
  await world.secret();
  const first = await world.compromise(await leakOfCurrent(world));
  const second = await world.compromise(await leakOfCurrent(world));

  expect(second.executionArn).not.toBe(first.executionArn);
  expect((await onlyKey(world, second)).state).toBe("dead");
});
