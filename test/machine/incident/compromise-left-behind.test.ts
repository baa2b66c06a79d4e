import type { Policy } from "../../../core/policy.ts";
import { placeHold } from "../../../core/rotation/wait.ts";
import { World } from "../../simulation/world/world.ts";
import { effectsOf, leakOfCurrent, onlyKey, secretArn, untilPhase } from "./compromise-story.ts";

const minute = 60_000;
let world: World;
afterEach(() => world.close());

const isListed = (keyId: string) =>
  world.provider.state().some((key) => key.keyId === keyId && key.isListed && key.isAccepted);

async function firstKey(): Promise<string> {
  return (await world.ledger.secret(secretArn)).keys[0]?.keyId ?? "";
}

/** A rotation that has come to this phase loses the secret: the key that it made current leaks. */
async function takeOver(phase: string, edit: Partial<Policy> = {}): Promise<string> {
  const left = await firstKey();
  const rotation = world.start(secretArn);
  await untilPhase(world, phase);
  const policy = await world.ledger.policy(secretArn);
  if (policy) await world.ledger.putPolicy({ ...policy, ...edit });
  const run = await world.compromise(await leakOfCurrent(world));
  await world.finish(rotation);
  expect(await onlyKey(world, run)).toMatchObject({ state: "dead", standing: "current" });
  expect((await world.incidentOf(run)).status).toBe("closed");
  return left;
}

async function sweep() {
  const time = new Date(world.time.nowMs()).toISOString();
  return world.time.run(world.invoke("sweep", { time }));
}

test.each([
  ["promoted", "RevokeOwed"],
  ["revoked", "DeathUnproven"],
] as const)(
  "what a take-over leaves of a rotation that was %s is owed, and the next rotation pays it before it makes a key",
  async (phase, kind) => {
    world = new World({ propagation: { deadWindowMs: 120_000 } });
    await world.secret();
    const left = await takeOver(phase);
    expect(await world.ledger.debts()).toMatchObject([{ kind, keyId: left }]);
    expect(isListed(left)).toBe(phase === "promoted");
    world.effects.length = 0;

    const paying = await world.rotate(secretArn);

    expect(await world.ledger.rotation(secretArn, paying.rotationId)).toMatchObject({
      ...{ outcome: "rotated", retiringKeyId: left },
    });
    expect(effectsOf(world)).not.toContainEqual(expect.stringMatching(/^mint/));
    expect(effectsOf(world).filter((effect) => effect.startsWith("delete"))).toEqual(
      phase === "promoted" ? [`delete ${world.keyName(left)}`] : [],
    );
    expect(await world.ledger.debts()).toEqual([]);
    const { keys, run } = await world.ledger.secret(secretArn);
    expect(keys.map(({ state }) => state)).toEqual(["current"]);
    expect(run).toBeUndefined();
    expect(isListed(left)).toBe(false);
    expect(Object.values(await world.store.labels(secretArn)).flat()).not.toContain("REKEY_RETIRING");

    await world.rotate(secretArn);
    expect(effectsOf(world)).toContainEqual(expect.stringMatching(/^mint/));
  },
);

test("a sweep finds the left key even where nobody wrote the debt down, and has it paid", async () => {
  world = new World();
  await world.secret();
  const left = await takeOver("promoted");
  const [noted] = await world.ledger.debts();
  expect(noted).toMatchObject({ rotationId: "r-1" });
  await world.ledger.removeDebt({ secretArn, keyId: left, kind: "RevokeOwed" });
  await world.ledger.changeSecret(secretArn, (now) => placeHold(now, { by: "ops", reason: "busy" }));

  expect(await sweep()).toMatchObject({ resumed: 0, openDebt: 1 });
  expect(await world.ledger.debts()).toEqual([{ ...noted, sinceMs: world.time.nowMs() }]);
  await world.ledger.changeSecret(secretArn, ({ hold: _over, ...now }) => now);
  expect(await sweep()).toMatchObject({ resumed: 1 });
  await world.time.advance(10 * minute);

  expect(isListed(left)).toBe(false);
  expect(await world.ledger.debts()).toEqual([]);
  expect(await sweep()).toMatchObject({ resumed: 0, openDebt: 0, strays: 0, labels: 0 });
});

test("a consumer that still holds the left key keeps it alive, for as long as it does", async () => {
  world = new World();
  const slow = { name: "slow", refreshEveryMs: 40 * minute, maxStaleMs: 50 * minute, useEveryMs: minute };
  await world.secret({ consumers: [slow], policy: { overlapMs: 60 * minute } });
  const left = await takeOver("promoted", { overlapMs: 10 * minute });

  const early = await world.rotate(secretArn);
  expect(await world.ledger.rotation(secretArn, early.rotationId)).toMatchObject({
    ...{
      outcome: "needsHuman",
      retiringKeyId: left,
      reason: expect.stringMatching(/^AdoptionOverdue.*slow/),
    },
  });
  expect(isListed(left)).toBe(true);
  expect(await world.ledger.debts()).toMatchObject([{ kind: "RevokeOwed", keyId: left }]);

  await world.time.advance(30 * minute);
  const late = await world.rotate(secretArn);
  expect(await world.ledger.rotation(secretArn, late.rotationId)).toMatchObject({ outcome: "rotated" });
  expect(isListed(left)).toBe(false);
  expect(await world.ledger.debts()).toEqual([]);
});

test("a key that somebody put into AWSCURRENT is replaced first: nobody has proven it", async () => {
  world = new World();
  await world.secret();
  const left = await takeOver("promoted");
  const { keyId: byHand, secret } = world.provider.addKey({ name: "by hand" });
  world.store.setCurrent(secretArn, secret.reveal());
  await world.time.advance(minute);

  const first = await world.rotate(secretArn);
  expect(await world.ledger.rotation(secretArn, first.rotationId)).toMatchObject({
    ...{ outcome: "rotated", retiringKeyId: byHand },
  });
  expect(isListed(left)).toBe(true);
  const second = await world.rotate(secretArn);
  expect(await world.ledger.rotation(secretArn, second.rotationId)).toMatchObject({
    ...{ outcome: "rotated", retiringKeyId: left },
  });
  expect(isListed(left)).toBe(false);
});

test("a key that an incident revoked and could not see dead is owed once, as an unproven death", async () => {
  world = new World({ provider: { dieMs: 60 * minute }, propagation: { dieMs: 90 * minute } });
  await world.secret();
  const keyId = await firstKey();
  const story = await leakOfCurrent(world);
  const rotation = world.start(secretArn);
  await untilPhase(world, "promoted");
  rotation.stop("by hand");
  await world.time.advance(minute / 2);
  expect(await world.ledger.debts()).toMatchObject([{ kind: "RevokeOwed", keyId }]);

  const [run] = await world.time.run(world.raise(story));
  await untilPhase(world, "revoked");
  await world.ledger.changeSecret(secretArn, (now) => placeHold(now, { by: "ops", reason: "busy" }));
  run?.stop("by hand");
  await world.time.advance(minute / 2);

  const owed = { kind: "DeathUnproven" as const, keyId, secretArn };
  expect(await world.ledger.debts()).toContainEqual(expect.objectContaining(owed));
  expect(await sweep()).toMatchObject({ resumed: 0, openDebt: 1 });
  expect(await world.ledger.debts()).toMatchObject([owed]);
  await world.ledger.removeDebt(owed);
  expect(await sweep()).toMatchObject({ openDebt: 1 });
  const [again] = await world.ledger.debts();
  expect(again).toMatchObject(owed);

  // One of the kind that it no longer is: struck, and written anew with the age that it had.
  if (again === undefined) throw new Error("nothing is owed");
  await world.ledger.removeDebt(again);
  await world.ledger.putDebt({ ...again, kind: "RevokeOwed", sinceMs: 5 });
  expect(await sweep()).toMatchObject({ openDebt: 1 });
  expect(await world.ledger.debts()).toMatchObject([{ ...owed, sinceMs: 5 }]);
});
