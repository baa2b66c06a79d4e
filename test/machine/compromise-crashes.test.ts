import { StoreUnavailable } from "../../core/errors.ts";
import { type BoundaryCall, noFaults, type Surroundings } from "../simulation/surroundings.ts";
import { World } from "../simulation/world.ts";
import { leakOfCurrent, secretArn, untilPhase } from "./compromise-story.ts";
import { calls } from "./story.ts";

const minute = 60_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
let world: World;
afterEach(() => world.close());

const takesSecret = (call: BoundaryCall) =>
  call.invocation.functionName === "open-incident" && calls.writes("SECRET")(call);

/** The first call that fits meets its fate; `effect` does what it would have done. */
function first(
  fits: (call: BoundaryCall) => boolean,
  fate: (effect: () => Promise<unknown>) => Promise<unknown>,
): Surroundings {
  let isOver = false;
  return {
    ...noFaults,
    call: async <Answer>(call: BoundaryCall, effect: () => Promise<Answer>) => {
      if (isOver || !fits(call)) return effect();
      isOver = true;
      return (await fate(effect)) as Answer;
    },
  };
}

async function sweep(): Promise<unknown> {
  const time = new Date(world.time.nowMs()).toISOString();
  return world.time.run(world.invoke("sweep", { time }));
}

test("the sweep makes up for a replacement that failed, and does not take its dead key for somebody's hand", async () => {
  let isRefusing = true;
  const refused = { kind: "answer" as const, status: 403, code: "insufficient_permissions" };
  world = new World({
    provider: { faults: ({ operation }) => (operation === "mint" && isRefusing ? refused : undefined) },
  });
  await world.secret();
  await world.compromise(await leakOfCurrent(world));
  isRefusing = false;

  expect(await sweep()).toMatchObject({ spent: 0, resumed: 1 });
  await world.time.advance(10 * minute);

  const record = await world.ledger.secret(secretArn);
  expect(record.frozen).toBeUndefined();
  expect(record.keys.map(({ state }) => state)).toEqual(["intended", "current"]);
  expect(await world.ledger.debts()).toEqual([]);
});

test("an opening that sleeps through its whole incident does not take the secret once more", async () => {
  const sleeps = first(takesSecret, async (effect) => {
    await pause(30 * minute);
    return effect();
  });
  world = new World({ surroundings: sleeps });
  await world.secret();
  const run = await world.compromise(await leakOfCurrent(world));
  expect(await world.incidentOf(run)).toMatchObject({ status: "closed" });

  await world.time.advance(30 * minute);
  const { lease, run: left, keys } = await world.ledger.secret(secretArn);
  expect({ lease, left }).toEqual({ lease: undefined, left: undefined });
  expect(keys.map(({ state }) => state)).toEqual(["current"]);
});

test("an opening that dies when it has taken the secret leaves the revoke that is owed on the list", async () => {
  const loses = first(takesSecret, async (effect) => {
    await effect();
    throw new StoreUnavailable("the answer got lost");
  });
  world = new World({ surroundings: loses });
  await world.secret();
  const [retiring] = (await world.ledger.secret(secretArn)).keys;
  const rotation = world.start(secretArn);
  await untilPhase(world, "promoted");
  const run = await world.compromise(await leakOfCurrent(world));
  await world.finish(rotation);

  expect(await world.incidentOf(run)).toMatchObject({ status: "closed" });
  expect(await world.ledger.debts()).toMatchObject([{ kind: "RevokeOwed", keyId: retiring?.keyId }]);
});
