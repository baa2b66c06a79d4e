import { type BoundaryCall, noFaults, type Surroundings } from "../../simulation/world/surroundings.ts";
import { World } from "../../simulation/world/world.ts";
import { secretArn, sweepNow } from "../incident/compromise-story.ts";
import { calls } from "./story.ts";

const minute = 60_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
let world: World;
afterEach(() => world.close());

/** One function reads the labels only after a first rotation, and sleeps with what it read through a second one. */
function sleepsAround(fits: (call: BoundaryCall) => boolean, nth: number): Surroundings {
  let seen = 0;
  return {
    ...noFaults,
    call: async <Answer>(call: BoundaryCall, effect: () => Promise<Answer>) => {
      if (!fits(call)) return effect();
      seen += 1;
      if (seen !== nth) return effect();
      await pause(15 * minute);
      const answer = await effect();
      await pause(30 * minute);
      return answer;
    },
  };
}

async function twoRotations(): Promise<void> {
  for (const name of ["first", "second"]) {
    world.start(secretArn, name);
    await world.time.advance(20 * minute);
    expect((await world.ledger.rotation(secretArn, name))?.outcome).toBe("rotated");
  }
  await world.time.advance(10 * minute);
}

async function isLeftAlone(): Promise<void> {
  expect((await world.ledger.secret(secretArn)).frozen).toBeUndefined();
  expect(world.events.map(({ type }) => type)).not.toContain("SpentKeyIsCurrent");
}

test("an opening that sleeps while the version that it read is replaced freezes nothing", async () => {
  world = new World({ surroundings: sleepsAround(calls.of("open-rotation", "labels"), 1) });
  await world.secret({ policy: { consumers: "none" } });
  const input = { secretArn, rotationId: "asleep", executionArn: "arn:asleep", trigger: "test" };
  const asleep = world.invoke("open-rotation", { ...input, at: new Date(world.time.nowMs()).toISOString() });
  const ended = asleep.catch((error: unknown) => (error as Error).name);

  await twoRotations();

  expect(await ended).toBe("LedgerContended");
  await isLeftAlone();
});

test("a sweep that sleeps while the version that it read is replaced freezes nothing", async () => {
  world = new World({ surroundings: sleepsAround(calls.of("sweep", "labels"), 2) });
  await world.secret({ policy: { consumers: "none" } });
  const asleep = world.invoke("sweep", { time: new Date(world.time.nowMs()).toISOString() });

  await twoRotations();

  expect(await asleep).toMatchObject({ spent: 0 });
  await isLeftAlone();
  expect(await sweepNow(world)).toMatchObject({ spent: 0 });
});
