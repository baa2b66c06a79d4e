import { ScopeWorld } from "./scope-world.ts";
import { questionOf, type ScoperWorld, scoperContract } from "./scoper-contract.ts";
import { simulatedEdges } from "./simulated-edges.ts";

describe("the simulator's", () => scoperContract(simulatedWorld));
describe("CloudTrail's", () => scoperContract(cloudTrailWorld));

test("both find the same where nobody has read or used anything, but for what they did not look at", async () => {
  const worlds = [simulatedWorld(), cloudTrailWorld()];

  const [ours, theirs] = await Promise.all(worlds.map(({ scoper }) => scoper.scope(questionOf())));

  expect(ours).toStrictEqual({ ...theirs, notChecked: ours?.notChecked });
  for (const { close } of worlds) close();
});

function simulatedWorld(): ScoperWorld {
  const { deps, line, close } = simulatedEdges();
  return { scoper: deps.scoper, loseHistory: () => line.breakNext("before"), close };
}

function cloudTrailWorld(): ScoperWorld {
  const world = new ScopeWorld();
  return {
    scoper: { scope: (question) => world.scope(question) },
    loseHistory: () => {
      world.refusesLookups = true;
    },
    close: () => undefined,
  };
}
