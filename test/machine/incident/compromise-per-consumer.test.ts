import { memberName } from "../../../events/policy-file/per-consumer.ts";
import { World } from "../../simulation/world/world.ts";
import { currentFingerprint, leakOfCurrent } from "./compromise-story.ts";

let world: World;
afterEach(() => world.close());

test("with a key for each consumer, a leak names the consumer whose key it was, and only that one moves", async () => {
  world = new World();
  const secretOf = (name: string) => world.secret({ name: memberName("ai", name), consumers: [{ name }] });
  const { secretArn: web } = await secretOf("web");
  const { secretArn: jobs } = await secretOf("jobs");
  const before = await currentFingerprint(world, jobs);

  const leak = { identity: { kind: "fingerprint" as const, values: [await currentFingerprint(world, web)] } };
  const run = await world.compromise(await leakOfCurrent(world, leak));

  const { status, secrets } = await world.incidentOf(run);
  expect(status).toBe("closed");
  expect(secrets).toMatchObject([{ name: "ai.web", replacement: "adopted", moved: [{ consumer: "web" }] }]);
  expect(await currentFingerprint(world, jobs)).toBe(before);
  expect((await world.ledger.secret(jobs)).run).toBeUndefined();
  expect(world.provider.state().filter(({ isAccepted }) => isAccepted)).toHaveLength(2);
});
