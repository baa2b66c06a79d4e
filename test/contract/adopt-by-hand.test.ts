import { parse } from "yaml";
import { supersededMax } from "../../core/rotation/superseded.ts";
import { adopt } from "../../functions/admin/apply/adopt.ts";
import { openRotation } from "../../functions/rotation/open-rotation.ts";
import { openaiFake } from "../../providers/openai/fake.ts";
import { type AdminWorld, adminWorld, arnOf, fileWith, NOON_MS } from "./admin-world.ts";

const secretArn = arnOf("billing-key");

async function apply(world: AdminWorld, secret = "billing-key") {
  const file = parse(fileWith({ secrets: { [secret]: "" } }));
  return (await world.send({ command: "apply", files: [{ path: "rekey.yml", data: file }], prune: true }))
    .answer["secrets"];
}

/** Somebody makes a key at the provider and puts it into the secret with the console. */
function rotateByHand(world: AdminWorld, name = "by hand"): void {
  world.store.setCurrent(secretArn, world.provider.addKey({ name }).secret.reveal());
}

async function applied(): Promise<AdminWorld> {
  const world = adminWorld();
  world.secret("billing-key");
  await apply(world);
  return world;
}

test("a superseded key stays in the item when the key put there by hand is adopted", async () => {
  const world = await applied();
  const [before] = (await world.ledger.secret(secretArn)).keys;
  rotateByHand(world);

  expect(await apply(world)).toMatchObject([{ outcome: "updated" }]);

  const { keys } = await world.ledger.secret(secretArn);
  expect(keys).toMatchObject([
    { keyId: before?.keyId, state: "retiring" },
    { name: "by hand", state: "current" },
  ]);
});

test("it keeps the policy of a secret that left the file, for without one nobody could revoke it", async () => {
  const world = await applied();
  world.secret("other");
  rotateByHand(world);
  await apply(world);

  expect(await apply(world, "other")).toMatchObject([
    { name: "other", outcome: "created" },
    { name: "billing-key", outcome: "kept", reason: expect.stringContaining("superseded key") },
  ]);
});

test("changes outside Rekey that are faster than rotations are refused in the end, and no key is forgotten", async () => {
  const world = await applied();
  for (let hands = 0; hands < supersededMax; hands++) {
    rotateByHand(world, `by hand ${hands}`);
    expect(await apply(world)).toMatchObject([{ outcome: "updated" }]);
  }
  const full = (await world.ledger.secret(secretArn)).keys;
  expect(full).toHaveLength(supersededMax + 1);
  rotateByHand(world, "once more");

  expect(await apply(world)).toMatchObject([
    { outcome: "failed", error: "NeedsHuman", reason: expect.stringContaining("would be one more") },
  ]);
  expect((await world.ledger.secret(secretArn)).keys).toEqual(full);
});

test("an adoption that slept while a rotation came and went changes nothing", async () => {
  const world = await applied();
  rotateByHand(world);
  const policy = await world.ledger.policy(secretArn);
  if (policy === undefined) throw new Error("the secret has no policy");
  const { store } = world.deps;
  const read: typeof store.read = async (...asked) => {
    await world.ledger.changeSecret(secretArn, (record) => ({ ...record, fence: record.fence + 1 }));
    return store.read(...asked);
  };
  const { keys } = await world.ledger.secret(secretArn);

  expect(await adopt({ policy, atMs: NOON_MS }, { ...world.deps, store: { ...store, read } })).toEqual({
    how: "busy",
  });

  expect((await world.ledger.secret(secretArn)).keys).toEqual(keys);
});

describe("a rotation by a team's own Lambda", () => {
  const open = (world: AdminWorld, rotationId: string) =>
    openRotation.run(
      openRotation.input.parse({
        ...{ secretArn, rotationId, executionArn: `arn:aws:states:::execution:rotation:${rotationId}` },
        ...{ trigger: "schedule", at: new Date(NOON_MS).toISOString() },
      }),
      world.depsOf("open-rotation"),
    );

  test("is not adopted if the declared account does not list the new key, and nothing changes", async () => {
    const world = await applied();
    const { keys } = await world.ledger.secret(secretArn);
    const elsewhere = openaiFake({ now: () => NOON_MS });
    // Stand-ins number their keys, and this one's first has the text of the other one's first.
    elsewhere.addKey({ name: "first" });
    const theirs = elsewhere.addKey({ name: "another account's" });
    world.store.setCurrent(secretArn, theirs.secret.reveal());

    await expect(open(world, "r-1")).rejects.toThrow(
      /the provider lists no key that could be the current one/,
    );
    expect(await apply(world)).toMatchObject([{ outcome: "failed" }]);

    expect((await world.ledger.secret(secretArn)).keys).toEqual(keys);
  });

  test("is adopted if it does, and the old key is left to the gate of a later run", async () => {
    const world = await applied();
    const [before] = (await world.ledger.secret(secretArn)).keys;
    rotateByHand(world, "made by the team's Lambda");
    expect(await apply(world)).toMatchObject([{ outcome: "updated" }]);

    // Nobody has proven the key that the Lambda made, so a rotation replaces that one first.
    expect(await open(world, "r-1")).toMatchObject({ outcome: "opened", next: "MintKey" });

    const { keys } = await world.ledger.secret(secretArn);
    expect(keys).toMatchObject([
      { keyId: before?.keyId, state: "retiring" },
      { name: "made by the team's Lambda" },
    ]);
    const known = world.provider.state().filter(({ isAccepted }) => isAccepted);
    expect(known.map(({ keyId }) => keyId)).toContain(before?.keyId);
  });
});
