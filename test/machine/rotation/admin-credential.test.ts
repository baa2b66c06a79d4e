import { adminQuietMs } from "../../../core/own-credential.ts";
import type { FakeCall } from "../../../providers/fake-faults.ts";
import type { OpenAiFakeOptions } from "../../../providers/openai/fake.ts";
import { openaiAdmin } from "../../../providers/openai-admin/index.ts";
import { keyIn } from "../../../stores/value.ts";
import { secretArnOf } from "../../simulation/world/account.ts";
import { ownArn, worldWithOwnCredential } from "../../simulation/world/own-credential.ts";
import { pathOf } from "../history.ts";

const minuteMs = 60_000;
let opened: Awaited<ReturnType<typeof worldWithOwnCredential>>;
afterEach(() => opened.world.close());

async function open(provider?: OpenAiFakeOptions) {
  opened = await worldWithOwnCredential(provider);
  return opened;
}

/** Which of the admin keys the provider accepts, in the order of their making; the first is the one in use before. */
const accepted = () => opened.world.provider.adminKeys().map(({ isAccepted }) => isAccepted);

async function textInUse(): Promise<string> {
  return keyIn((await opened.world.store.current(ownArn)).text).reveal();
}

async function ends() {
  const { world } = opened;
  const run = await world.rotate(ownArn);
  const record = await world.ledger.rotation(ownArn, run.rotationId);
  // A key that was intended and never listed may still appear: the sweep waits for it.
  for (let sweeps = 0; sweeps < 2; sweeps++) {
    await world.time.run(world.invoke("sweep", { time: new Date(world.time.nowMs()).toISOString() }));
    await world.time.advance(30 * minuteMs);
  }
  const { keys } = await world.ledger.secret(ownArn);
  const { pending } = await world.store.versionsInUse(ownArn);
  const left = keys.map(({ state }) => state);
  return { run, outcome: record?.outcome, reason: record?.reason, left, pending };
}

/** This fault, at the nth call of one operation. */
function nth(operation: string, at: number, fault: "lostReply" | "dropped") {
  let seen = 0;
  return ({ operation: called }: FakeCall) => {
    if (called !== operation) return undefined;
    seen += 1;
    return seen === at ? ({ kind: fault } as const) : undefined;
  };
}

test("an admin key is replaced by one that has made, listed and deleted a key, and the former one is proven dead", async () => {
  const { world, keyId } = await open();
  const before = await textInUse();

  const { run, outcome, left, pending } = await ends();

  expect(outcome).toBe("rotated");
  expect(accepted()).toEqual([false, true, false]);
  expect(await textInUse()).not.toBe(before);
  expect(await textInUse()).toBe(world.provider.texts().get(world.provider.adminKeys()[1]?.keyId ?? ""));
  expect({ left, pending }).toEqual({ left: ["current"], pending: undefined });
  expect(world.provider.counters().byOperation).toMatchObject({ mintAdminKey: 2, revokeAdminKey: 2 });
  expect(pathOf(run.history)).toContain("ProveDead");
  expect((await world.ledger.keys(ownArn)).map((key) => key.keyId)).toContain(keyId);
  // Its new credential opens what it serves: an ordinary rotation of another secret works with it.
  expect((await world.rotate(secretArnOf("billing-key"))).outcome?.status).toBe("SUCCEEDED");
});

test("a rotation makes about as many calls as the provider's statement says", async () => {
  const { world } = await open();
  const { callsPerRotation = 0 } = openaiAdmin.facts({ adminCredential: ownArn });
  await world.rotate(ownArn);
  // Consumers of the other secret use their key meanwhile.
  const { use: _consumers, ...own } = world.provider.counters().byOperation;
  const calls = Object.values(own).reduce((sum, each) => sum + each, 0);
  expect(calls).toBeLessThanOrEqual(callsPerRotation);
  expect(calls).toBeGreaterThan(callsPerRotation / 2);
});

test("the former admin key lives until no function of Rekey's can work with it any more", async () => {
  const { world } = await open();
  const run = world.start(ownArn);
  await world.time.advance(adminQuietMs - minuteMs);
  expect(run.outcome).toBeUndefined();
  expect(accepted()).toEqual([true, true, false]);
  await world.finish(run);
  expect(accepted()).toEqual([false, true, false]);
});

test.each([
  ["make an admin key", "mintAdminKey"],
  ["delete an admin key", "revokeAdminKey"],
  ["list the keys of the project that it is to serve", "list"],
])("a new admin key that may not %s is rolled back, and the one in use stays", async (_right, operation) => {
  await open({ newAdminKeysMayNot: [operation] });
  const before = await textInUse();

  const { outcome, reason, left, pending } = await ends();

  expect({ outcome, left, pending }).toEqual({
    outcome: "rolledBack",
    left: ["current"],
    pending: undefined,
  });
  expect(reason).toContain("KeyRejected: the new admin credential cannot do what it is for");
  expect(accepted()).toEqual([
    true,
    ...accepted()
      .slice(1)
      .map(() => false),
  ]);
  expect(await textInUse()).toBe(before);
});

test.each([
  ["the answer to the trial's mint is lost", nth("mintAdminKey", 2, "lostReply")],
  ["the trial's mint never arrives", nth("mintAdminKey", 2, "dropped")],
  ["the answer to the trial's delete is lost", nth("revokeAdminKey", 1, "lostReply")],
  ["the trial's delete never arrives", nth("revokeAdminKey", 1, "dropped")],
])("if %s, the trial is made again and leaves no key behind", async (_story, faults) => {
  await open({ faults });
  const { outcome, left } = await ends();
  expect(outcome).toBe("rotated");
  expect(accepted().filter(Boolean)).toHaveLength(1);
  expect(left).toEqual(["current"]);
});

test("an alert about an admin key under policy replaces and revokes nothing: a person is paged", async () => {
  const { world, fingerprint } = await open();
  const before = await textInUse();

  const [incident] = await world.raise({ identity: { kind: "fingerprint", values: [fingerprint] } });
  await world.time.advance(30 * minuteMs);

  expect(accepted()).toEqual([true]);
  expect(await textInUse()).toBe(before);
  expect([...world.runs.values()].filter(({ input }) => input["secretArn"] === ownArn)).toEqual([]);
  expect(world.pages[0]).toMatchObject({
    reason: "needsPerson",
    runbook: "docs/runbooks/admin-credential.md",
  });
  if (incident === undefined) throw new Error("no incident was opened");
  expect(await world.incidentOf(incident)).toMatchObject({ plan: "person", keys: [{ role: "admin" }] });
});
