import { sweep } from "../../functions/upkeep/sweep.ts";
import { type AdminWorld, arnOf, NOON_MS } from "../contract/admin-world.ts";
import { appliedWorld, rekey } from "./cli-world.ts";

const swept = (world: AdminWorld) => sweep.run({ time: NOON_MS }, world.depsOf("sweep"));

/** What somebody does in EventBridge Scheduler, by hand. */
function byHand({ schedules }: AdminWorld, what: "paused" | "missing" | "changed") {
  const [schedule] = schedules.stored.values();
  if (schedule === undefined) throw new Error("no schedule");
  if (what === "missing") schedules.stored.delete(schedule.name);
  if (what === "paused") schedules.stored.set(schedule.name, { ...schedule, isPaused: true });
  if (what === "changed") schedules.stored.set(schedule.name, { ...schedule, expression: "rate(300 days)" });
}

describe("a schedule that somebody", () => {
  test.each([
    ["paused", "its schedule is paused: somebody disabled it in EventBridge Scheduler"],
    ["missing", "its policy has a schedule, and EventBridge Scheduler has none"],
    ["changed", "its schedule in EventBridge Scheduler is not what its policy says"],
  ] as const)("left %s is seen by doctor, by the sweep, and then by status", async (what, text) => {
    const { world, file } = await appliedWorld();
    expect((await rekey(world, "status")).out).not.toContain(text);
    byHand(world, what);

    const doctor = await rekey(world, "doctor");
    expect(doctor).toMatchObject({ code: 1, out: expect.stringContaining(`billing-key: ${text}`) });
    expect(await swept(world)).toMatchObject({ schedulesOff: 1, failed: 0 });
    expect(world.logs).toContainEqual({
      ...{ step: "sweep", outcome: "scheduleOff", fault: what },
      ...{ secretArn: arnOf("billing-key"), name: "billing-key" },
    });
    expect((await rekey(world, "status")).out).toContain(text);

    const applied = await rekey(world, "apply", { files: { "rekey.yml": file } });
    if (what === "paused") {
      // A pause is somebody's wish: applying does not lift it, and does not hide it either.
      expect(applied.out).toMatch(new RegExp(`billing-key +unchanged +.*; ${text}`));
      const dry = await rekey(world, "apply --dry-run", { files: { "rekey.yml": file } });
      expect(dry.out).toContain(`billing-key: ${text}`);
      for (const { isPaused: _, ...schedule } of [...world.schedules.stored.values()])
        world.schedules.stored.set(schedule.name, schedule);
    }
    expect(await swept(world)).toMatchObject({ schedulesOff: 0 });
    expect((await rekey(world, "status")).out).not.toContain(text);
    expect((await rekey(world, "doctor")).out).not.toContain(text);
  });

  test("a dry run of the sweep counts and keeps nothing", async () => {
    const { world } = await appliedWorld();
    byHand(world, "paused");
    const found = await sweep.run({ time: NOON_MS, dryRun: true }, world.depsOf("sweep"));
    expect(found).toMatchObject({ outcome: "wouldSweep", schedulesOff: 1 });
    expect((await rekey(world, "status")).out).not.toContain("paused");
  });

  test("when the scheduler does not answer, the rest is swept", async () => {
    const { world } = await appliedWorld();
    const { StoreUnavailable } = await import("../../core/errors.ts");
    const list = () => Promise.reject(new StoreUnavailable("EventBridge Scheduler did not answer"));
    const deps = { ...world.depsOf("sweep"), schedules: { ...world.schedules, list } };
    expect(await sweep.run({ time: NOON_MS }, deps)).toMatchObject({
      outcome: "swept",
      secrets: 1,
      failed: 1,
    });
  });
});

test("lint and a dry run show the next three times at which a schedule fires", async () => {
  const { world, file } = await appliedWorld();
  const files = { "rekey.yml": file.replace("rotate: { every: 30d }", 'rotate: { cron: "0 3 1 */3 ? *" }') };
  const next = "2027-01-01 03:00:00Z, 2027-04-01 03:00:00Z, 2027-07-01 03:00:00Z";
  expect((await rekey(world, "lint", { files })).out).toContain(next);
  const dry = await rekey(world, "apply --dry-run", { files });
  expect(dry.out).toContain(`fires ${next}`);
  const [schedule] = world.schedules.stored.values();
  const first = new Date(schedule?.startAtMs ?? 0).toISOString().slice(0, 19).replace("T", " ");
  expect((await rekey(world, "lint", { files: { "rekey.yml": file } })).out).toContain(`${first}Z`);
});
