import type { Fault, FaultPlan } from "../../../providers/fake-faults.ts";
import { noFaults, type Surroundings } from "../../simulation/world/surroundings.ts";
import { World, type WorldOptions } from "../../simulation/world/world.ts";
import { incomingOf, leakOfCurrent, onlyKey, secretArn, untilPhase } from "./compromise-story.ts";

const minute = 60_000;
let world: World;
afterEach(() => world.close());

async function leakIn(options: WorldOptions = {}, story: Parameters<typeof leakOfCurrent>[1] = {}) {
  world = new World(options);
  await world.secret();
  await world.time.advance(3 * minute);
  const run = await world.compromise(await leakOfCurrent(world, story));
  return { key: await onlyKey(world, run), record: await world.incidentOf(run) };
}

/** Every look at the key's use; the proof of its death asks otherwise. */
const looksMeet =
  (fault: Fault): FaultPlan =>
  ({ operation }) =>
    operation === "usage" ? fault : undefined;

test("what the key did is asked while the key still exists, and passed on to the scoping", async () => {
  const { key, record } = await leakIn();

  expect(key.state).toBe("dead");
  expect(key.lastUse).toMatchObject({ sinceMs: record.detectedAtMs - 28 * 24 * 60 * minute });
  expect(key.lastUse?.unknown).toBeUndefined();
  expect(key.lastUse?.lastUsedAtMs).toBeGreaterThan(record.detectedAtMs - minute);
  expect(key.lastUse?.atMs).toBeLessThanOrEqual(key.revokeIntendedAtMs ?? 0);
  expect(world.scopeQuestions[0]?.keys[0]?.lastUse).toEqual(key.lastUse);
});

test.each([
  ["is refused", { kind: "answer", status: 403 }, "AdminCredentialRefused"],
  ["is throttled", { kind: "throttled", retryAfterS: 20 }, "ProviderThrottled"],
  ["is garbage", { kind: "garbage" }, "ProviderGarbled"],
] as const)("a look that %s is told as unknown, and containment goes on", async (_how, fault, unknown) => {
  const { key, record } = await leakIn({ provider: { faults: looksMeet(fault) } });

  expect(key.lastUse).toMatchObject({ unknown });
  expect(key.state).toBe("dead");
  expect((key.acceptedAtMs ?? 0) - record.detectedAtMs).toBeLessThan(3_000);
});

/** The provider answers everything at once but what a key did. */
const usageHangs: Surroundings = {
  ...noFaults,
  call: async ({ operation }, effect) => {
    if (operation.includes("/usage/")) await new Promise((resolve) => setTimeout(resolve, minute));
    return effect();
  },
};

test("a look that hangs is given up after two seconds, in which the replacement is made anyway", async () => {
  const { key, record } = await leakIn({ surroundings: usageHangs });

  expect(key.lastUse).toMatchObject({ unknown: "no answer in 2 s" });
  expect(key.state).toBe("dead");
  expect((key.acceptedAtMs ?? 0) - record.detectedAtMs).toBeLessThan(2_500);
});

test("a key that nothing has to be waited for is looked at for a second at most", async () => {
  world = new World({ surroundings: usageHangs, provider: { activateMs: 20_000 } });
  await world.secret();
  const rotation = world.start(secretArn);
  await untilPhase(world, "staged");
  const leaked = (await incomingOf(world))?.fingerprint ?? "";
  const run = await world.compromise({ identity: { kind: "fingerprint", values: [leaked] } });
  await world.finish(rotation);

  const { standing, state, lastUse, acceptedAtMs = 0 } = await onlyKey(world, run);
  expect({ standing, state }).toEqual({ standing: "incoming", state: "dead" });
  expect(lastUse).toMatchObject({ unknown: "no answer in 1 s" });
  expect(acceptedAtMs - (await world.incidentOf(run)).detectedAtMs).toBeLessThanOrEqual(1_100);
});

test("under switch-first the look is repeated when the key goes, because the first one has become old", async () => {
  const { key, record } = await leakIn({}, { exposure: "private" });

  expect(key.state).toBe("dead");
  expect(key.lastUse?.atMs).toBeLessThanOrEqual(key.revokeIntendedAtMs ?? 0);
  expect((key.revokeIntendedAtMs ?? 0) - (key.lastUse?.atMs ?? 0)).toBeLessThanOrEqual(minute);
  expect(record.timeline.map(({ what }) => what)).toContain("replacementAdopted");
});

const everythingTakesTime: Surroundings = {
  ...noFaults,
  call: async ({ port }, effect) => {
    await new Promise((resolve) => setTimeout(resolve, port === "provider" ? 100 : 8));
    return effect();
  },
};

test("with a provider that takes 100 ms for every call, the revoke is accepted within two seconds of the alert", async () => {
  const { key, record } = await leakIn({ surroundings: everythingTakesTime });

  expect(key.lastUse?.unknown).toBeUndefined();
  expect((key.acceptedAtMs ?? 0) - record.detectedAtMs).toBeLessThan(2_000);
});
