import { parse } from "yaml";
import { type AdminWorld, adminWorld, fileWith } from "./admin-world.ts";

/** As the command line does: each request handles a part, and goes on where the last one stopped. */
async function applyInRounds(world: AdminWorld, file: string) {
  const reached: string[] = [];
  for (let isOver = false; !isOver; ) {
    const files = [{ path: "rekey.yml", data: parse(file) }];
    const { answer } = await world.send({ command: "apply", files, reached });
    const secrets = answer["secrets"] as readonly { readonly secretArn: string; readonly outcome: string }[];
    const done = secrets.filter(({ outcome }) => outcome !== "notReached");
    expect(done).not.toEqual([]);
    reached.push(...done.map(({ secretArn }) => secretArn));
    isOver = answer.outcome === "applied";
  }
}

test("300 secrets are adopted without one rotation, and a second look at them asks the provider nothing", async () => {
  const world = adminWorld();
  const names = Array.from({ length: 300 }, (_, n) => `key-${n}`);
  for (const name of names) world.secret(name);
  const file = fileWith({ secrets: Object.fromEntries(names.map((name) => [name, ""])) });
  await applyInRounds(world, file);
  expect(world.executions.started).toEqual([]);
  const starts = new Set([...world.schedules.stored.values()].map(({ startAtMs }) => startAtMs));
  expect(starts.size).toBe(300);
  const { calls } = world.provider.counters();
  await applyInRounds(world, file);
  expect(world.provider.counters().calls).toBe(calls);
}, 30_000);
