import { World } from "../../simulation/world/world.ts";
import { leakOfCurrent, ordered, pagesOf } from "./compromise-story.ts";

const minute = 60_000;
let world: World;
afterEach(() => world.close());

test("a revoke that is refused for three hours pages at the deadline and on, and pauses when somebody answers", async () => {
  world = new World({
    provider: { faults: ({ operation }) => (operation === "revoke" ? { kind: "dropped" } : undefined) },
  });
  await world.secret();
  const [run] = await world.raise(await leakOfCurrent(world));
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(40 * minute);
  const late = () => pagesOf(world).flatMap(([page, at = 0]) => (page === "page deadlinePassed" ? [at] : []));
  const unheard = late();
  expect(unheard[0]).toBe(14);
  expect(unheard.length).toBeGreaterThanOrEqual(4);

  const { incidentId } = await world.incidentOf(run);
  const answer = await ordered(world, { command: "incident-ack", incident: incidentId, reason: "on it" });
  expect(answer).toMatchObject({ outcome: "acknowledged" });
  await world.time.advance(9 * minute);
  expect(late()).toEqual(unheard);
  await world.time.advance(140 * minute);
  expect(late().length).toBeGreaterThan(unheard.length + 3);
  expect(world.pages.at(-1)?.why).toContain("acknowledged, and nothing has changed");
});
