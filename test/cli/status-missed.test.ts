import { queuedMaxMs } from "../../core/rotation/native.ts";
import { openRotation } from "../../functions/rotation/open-rotation.ts";
import { settleRotation } from "../../functions/rotation/settle-rotation.ts";
import { type AdminWorld, arnOf, NOON_MS } from "../contract/admin-world.ts";
import { appliedWorld, rekey } from "./cli-world.ts";

const secretArn = arnOf("billing-key");

function runNamed(rotationId: string, at = NOON_MS) {
  const executionArn = `arn:aws:states:eu-west-1:111122223333:execution:rekey-rotation:${rotationId}`;
  return { secretArn, rotationId, executionArn, at };
}

async function open(world: AdminWorld, rotationId: string) {
  return openRotation.run({ ...runNamed(rotationId), trigger: "schedule" }, world.depsOf("open-rotation"));
}

async function stateIn(world: AdminWorld): Promise<Readonly<Record<string, unknown>>> {
  const shown = (await rekey(world, "status --json")).json()["secrets"];
  return (shown as readonly Readonly<Record<string, unknown>>[])[0] ?? {};
}

test("a rotation that failed before it opened is shown until another one opens", async () => {
  const { world } = await appliedWorld();
  const failure = {
    Error: "KeyShared",
    Cause: JSON.stringify({ errorType: "KeyShared", errorMessage: "key k is also held by another secret" }),
  };
  await settleRotation.run({ ...runNamed("r-1"), failure }, world.depsOf("settle-rotation"));
  const state = await stateIn(world);
  expect(state).toMatchObject({ tone: "bad", wants: { tone: "warn", order: { words: ["rotate"] } } });
  expect(state["state"]).toMatch(/^the last rotation could not begin: KeyShared: key k is also held/);
  // Told once more by a machine that repeats its step, it is the same.
  await settleRotation.run({ ...runNamed("r-1"), failure }, world.depsOf("settle-rotation"));
  expect(await stateIn(world)).toEqual(state);

  await open(world, "r-2");
  expect(await stateIn(world)).not.toMatchObject({ state: expect.stringContaining("could not begin") });
});

test("what the native button asked for is shown while it is queued, also beside what is in its way", async () => {
  const { world } = await appliedWorld();
  const queued = { token: "00000000-0000-4000-8000-000000000001", atMs: NOON_MS };
  const hold = { by: "arn:aws:iam::111122223333:user/ada", reason: "a launch" };
  await world.ledger.changeSecret(secretArn, (record) => ({ ...record, queued, hold }));
  expect(await stateIn(world)).toMatchObject({
    state:
      "on hold by ada: a launch; Secrets Manager asked for a rotation: " +
      "it begins once nothing is in its way, until 2026-11-23 12:00:00Z",
  });
  const old = { ...queued, atMs: NOON_MS - queuedMaxMs };
  await world.ledger.changeSecret(secretArn, (record) => ({ ...record, queued: old }));
  expect(await stateIn(world)).toMatchObject({ state: "on hold by ada: a launch" });
});

test("a rotation that waits for its turn at the provider's account is shown until it has begun", async () => {
  const { world } = await appliedWorld();
  const before = (await stateIn(world))["state"];
  const turn = { rotationId: "r-9", account: "main", atMs: NOON_MS + 3_600_000 };
  await world.ledger.changeSecret(secretArn, (record) => ({ ...record, turn }));
  expect(await stateIn(world)).toMatchObject({
    state: `${before}; waits for its turn at account main, at about 2026-11-22 13:00:00Z`,
  });
  expect(await rekey(world, ["watch", "r-9"])).toMatchObject({
    err: expect.stringContaining("r-9 waits for its turn at account main, at about 2026-11-22 13:00:00Z"),
  });
  await world.ledger.changeSecret(secretArn, (record) => ({
    ...record,
    turn: { ...turn, atMs: NOON_MS - 3_600_000 },
  }));
  expect(await stateIn(world)).toMatchObject({ state: before });
  // A run that was skipped when its turn had come is told of as such.
  await world.ledger.changeSecret(secretArn, (record) => ({
    ...record,
    turn: { ...turn, rotationId: "r-1" },
  }));
  await open(world, "r-1");
  expect((await stateIn(world))["state"]).not.toContain("waits for its turn");
});

test("a rotation that met a stop is shown as missed; one that met another rotation is not", async () => {
  const { world } = await appliedWorld();
  expect((await rekey(world, ["stop", "--all", "--reason", "something looks wrong"])).code).toBe(0);
  expect(await open(world, "r-1")).toMatchObject({ outcome: "skipped" });
  expect(await stateIn(world)).toMatchObject({
    tone: "warn",
    state: expect.stringMatching(/^the last rotation did not begin: Stopped: /),
  });
  await world.ledger.changeRotation({ secretArn, rotationId: "r-1" }, (stored) => {
    if (stored === undefined) throw new Error("the run is not recorded");
    return { ...stored, reason: "Busy: r-0 holds the secret" };
  });
  expect(await stateIn(world)).toMatchObject({ tone: "good", state: "current" });
});
