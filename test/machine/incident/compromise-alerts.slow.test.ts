import { syntheticIncident } from "../../../functions/alerts/synthetic-report.ts";
import { World } from "../../simulation/world/world.ts";

const minute = 60_000;
let world: World;
afterEach(() => world.close());

const unknown = { kind: "fingerprint" as const, values: [`sha256:${"1".repeat(64)}`] };

/** More than an hour of a dozen open incidents. */
describe("many alerts that call themselves a test", () => {
  test("neither counts towards triage nor ends up in it, so a drill ends nothing that is real", async () => {
    world = new World();
    const place = (n: number) => ({ kind: "location" as const, url: `https://example.com/${n}` });
    for (let n = 0; n < 14; n++) await world.raise({ sourceId: `t-${n}`, test: true, identity: place(n) });
    await world.raise({ sourceId: "real-0", identity: place(100) });
    const triage = "triage/inexact alerts";
    expect(await world.ledger.incidents.subject(triage)).toBeUndefined();

    for (let n = 1; n < 12; n++)
      await world.raise({ sourceId: `real-${n}`, verified: "unknown", identity: place(100 + n) });
    await world.time.advance(61 * minute);
    await world.raise({ sourceId: "drill-1", test: true, identity: unknown });

    const open = await world.ledger.incidents.incidents();
    expect(open.find(({ subject }) => subject === triage)).toMatchObject({ test: false });
    expect(await syntheticIncident("drill-1", world)).toMatchObject({
      test: true,
      alerts: [{ sourceId: "drill-1" }],
    });
  });

  test("opens nothing where ten did within the hour, adds no item, and says so in the log", async () => {
    world = new World();
    const place = (n: number) => ({ kind: "location" as const, url: `https://example.com/${n}` });
    const raise = (n: number) => world.raise({ sourceId: `t-${n}`, test: true, identity: place(n) });
    for (let n = 0; n < 10; n++) await raise(n);
    await world.time.advance(minute);
    const items = world.table.dump().length;

    expect(await raise(10)).toEqual([]);

    expect(world.table.dump()).toHaveLength(items);
    expect(world.logs).toContainEqual(
      expect.objectContaining({ step: "raise-alert", outcome: "tooManyTests" }),
    );
    await world.time.advance(60 * minute);
    expect(await raise(10)).toHaveLength(1);
  });
});
