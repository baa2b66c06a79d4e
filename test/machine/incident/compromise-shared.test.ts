import type { FaultPlan } from "../../../providers/fake-faults.ts";
import { World } from "../../simulation/world/world.ts";
import { currentFingerprint, leakOfCurrent, secretArn } from "./compromise-story.ts";

const minute = 60_000;
const names = ["search-key", "mail-key"];
let world: World;
afterEach(() => world.close());

async function shareOneKey(): Promise<readonly string[]> {
  const { secretArn: first } = await world.secret();
  const others = [];
  for (const name of names) {
    others.push((await world.secret({ name, sharesKeyOf: first, consumers: [{ name }] })).secretArn);
  }
  return [first, ...others];
}

async function sweepTwice() {
  const swept = [];
  for (let sweeps = 0; sweeps < 2; sweeps++) {
    await world.time.advance(25 * minute);
    const time = new Date(world.time.nowMs()).toISOString();
    swept.push(await world.time.run(world.invoke("sweep", { time })));
  }
  return swept;
}

const keyNames = () => world.provider.state().map(({ name }) => name);

async function keysHandedOut(arns: readonly string[]) {
  const records = await Promise.all(arns.map((arn) => world.ledger.secret(arn)));
  return records.flatMap(({ keys }) =>
    keys.filter(({ state }) => state === "current").map(({ keyId }) => keyId),
  );
}

test.each([1, 2, 3])(
  "one key in three secrets: the reply to mint %d gets lost, and no other secret loses its new key",
  async (nth) => {
    world = new World({ provider: { faults: lostReplyTo(nth) } });
    const arns = await shareOneKey();
    const run = await world.compromise(await leakOfCurrent(world));

    const { status, secrets } = await world.incidentOf(run);
    expect(status).toBe("closed");
    expect(secrets.map(({ replacement }) => replacement)).toEqual(["adopted", "adopted", "adopted"]);
    expect(keyNames().filter((name) => name.startsWith("rekey/"))).toHaveLength(4);
    const fingerprints = await Promise.all(arns.map((arn) => currentFingerprint(world, arn)));
    expect(new Set(fingerprints).size).toBe(3);
    const inUse = await keysHandedOut(arns);
    expect(inUse).toHaveLength(3);
    expect(await sweepTwice()).toMatchObject(nothingFound);
    const listed = world.provider.state().filter(({ isListed, isAccepted }) => isListed && isAccepted);
    expect(listed.map(({ keyId }) => keyId).sort()).toEqual([...inUse].sort());
  },
);

const nothingFound = Array.from({ length: 2 }, () => ({ strays: 0, discarded: 0, unrecorded: 0, failed: 0 }));

function lostReplyTo(nth: number): FaultPlan {
  let mints = 0;
  return ({ operation }) => {
    if (operation !== "mint") return undefined;
    mints += 1;
    return mints === nth ? { kind: "lostReply" } : undefined;
  };
}

test("each secret's new key is named after a run of its own, which its status and its rotations show", async () => {
  world = new World();
  const arns = await shareOneKey();
  const run = await world.compromise(await leakOfCurrent(world));

  const { incidentId, secrets } = await world.incidentOf(run);
  const runs = secrets.map(({ rotationId }) => rotationId);
  expect(new Set(runs).size).toBe(3);
  for (const rotationId of runs) expect(rotationId).toMatch(new RegExp(`^${incidentId}-[0-9a-f]{8}-[0-9]+$`));
  expect(keyNames().filter((name) => name.startsWith("rekey/"))).toEqual(
    runs.map((rotationId) => `rekey/${rotationId}/1`),
  );
  for (const arn of arns) {
    const [rotation, ...others] = await world.ledger.rotations(arn);
    expect(rotation).toMatchObject({ outcome: "contained" });
    expect(runs).toContain(rotation?.rotationId);
    expect(others).toEqual([]);
  }
});

test("an incident that is taken up again names no second key like the first", async () => {
  let isDown = true;
  world = new World({
    provider: {
      faults: ({ operation }) => (isDown && operation === "mint" ? { kind: "lostReply" } : undefined),
    },
  });
  await world.secret();
  const story = await leakOfCurrent(world, { exposure: "private" });
  const [first] = await world.time.run(world.raise(story));
  if (first === undefined) throw new Error("nothing was started");
  await world.time.advance(10 * minute);
  first.stop("by hand");
  await world.finish(first);
  await world.time.advance(minute);
  expect((await world.incidentOf(first)).status).toBe("needsPerson");

  isDown = false;
  const again = await world.compromise({ ...story, sourceId: "seen again" });
  expect(again.executionArn).not.toBe(first.executionArn);
  expect((await world.incidentOf(again)).secrets[0]).toMatchObject({ replacement: "adopted" });
  expect(new Set(keyNames()).size).toBe(keyNames().length);
  await sweepTwice();
  const [inUse] = await keysHandedOut([secretArn]);
  expect(world.provider.state().flatMap(({ keyId, isListed }) => (isListed ? keyId : []))).toEqual([inUse]);
});
