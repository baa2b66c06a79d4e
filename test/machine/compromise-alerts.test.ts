import { syntheticIncident } from "../../functions/synthetic-leak.ts";
import { World } from "../simulation/world.ts";
import { effectsOf, leakOfCurrent, onlyKey } from "./compromise-story.ts";

const minute = 60_000;
let world: World;
afterEach(() => world.close());

const unknown = { kind: "fingerprint" as const, values: [`sha256:${"1".repeat(64)}`] };

async function audited(): Promise<readonly unknown[]> {
  const records = await world.table.query({ kind: "AUDIT", id: "intake" });
  return records.map(({ body }) => body);
}

describe("an alert that calls itself a test", () => {
  test("starts nothing when it is about a key of ours, and the log names its sender", async () => {
    world = new World();
    await world.secret();

    expect(await world.raise(await leakOfCurrent(world, { source: "report", test: true }))).toEqual([]);
    await world.time.advance(20 * minute);

    expect(effectsOf(world)).toEqual([]);
    expect(await world.ledger.incidents.incidents()).toEqual([]);
    expect(await audited()).toMatchObject([
      { action: "TestOfRealKey", actor: "intake/report", detail: { sourceId: "finding-1" } },
    ]);
  });

  test("does not make a test of the alert that comes after it, nor of an incident that is open", async () => {
    world = new World();
    await world.secret();
    await world.raise(await leakOfCurrent(world, { sourceId: "test", test: true }));

    const run = await world.compromise(await leakOfCurrent(world));
    await world.raise(await leakOfCurrent(world, { sourceId: "test again", test: true }));

    const record = await world.incidentOf(run);
    expect(record).toMatchObject({ test: false, alerts: [{ sourceId: "finding-1" }] });
    expect((await onlyKey(world, run)).state).toBe("dead");
    expect(world.pages.map(({ test }) => test)).not.toContain(true);
  });

  test("leaves a real alert about the same unknown key its own incident, which pages for real", async () => {
    world = new World();
    await world.raise({ identity: unknown, sourceId: "test", test: true });
    await world.time.advance(minute);
    await world.raise({ identity: unknown, sourceId: "real" });
    await world.time.advance(minute);

    const incidents = await world.ledger.incidents.incidents();
    expect(incidents.map(({ test, alerts }) => [test, alerts.map(({ sourceId }) => sourceId)])).toEqual(
      expect.arrayContaining([
        [true, ["test"]],
        [false, ["real"]],
      ]),
    );
    expect(world.pages.map(({ test, reason }) => [test, reason])).toEqual([
      [true, "needsPerson"],
      [false, "needsPerson"],
    ]);
  });

  test("neither counts towards triage nor ends up in it, so a drill ends nothing that is real", async () => {
    world = new World();
    const place = (n: number) => ({ kind: "location" as const, url: `https://example.com/${n}` });
    for (let n = 0; n < 14; n++) await world.raise({ sourceId: `t-${n}`, test: true, identity: place(n) });
    await world.raise({ sourceId: "real-0", identity: place(100) });
    const triage = "triage/inexact alerts";
    expect(await world.ledger.incidents.subject(triage)).toBeUndefined();

    for (let n = 1; n < 12; n++) await world.raise({ sourceId: `real-${n}`, identity: place(100 + n) });
    await world.raise({ sourceId: "drill-1", test: true, identity: unknown });

    const open = await world.ledger.incidents.incidents();
    expect(open.find(({ subject }) => subject === triage)).toMatchObject({ test: false });
    expect(await syntheticIncident("drill-1", world)).toMatchObject({
      test: true,
      alerts: [{ sourceId: "drill-1" }],
    });
  });
});
