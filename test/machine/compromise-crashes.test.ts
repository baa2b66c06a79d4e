import { World } from "../simulation/world.ts";
import { leakOfCurrent, secretArn } from "./compromise-story.ts";

const minute = 60_000;
let world: World;
afterEach(() => world.close());

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
