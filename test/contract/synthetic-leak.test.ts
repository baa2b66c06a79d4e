import { drillWith } from "../../functions/admin/drill.ts";
import { NOON_MS } from "./admin-world.ts";
import { name, syntheticWorld } from "./synthetic-world.ts";

test("a synthetic leak goes from the intake to every channel in test mode, and beats the heart", async () => {
  const { prove, heartbeats, pages } = syntheticWorld();

  expect(await prove()).toMatchObject({ outcome: "heard", delivered: ["sns"] });

  expect(heartbeats()).toHaveLength(1);
  expect(pages.length).toBeGreaterThan(0);
  expect(pages.every(({ test }) => test)).toBe(true);
});

test("it leaves no open incident behind, and its key nowhere", async () => {
  const { prove, ledger, intake } = syntheticWorld();

  await prove();

  expect(await ledger.incidents.openIncidents()).toEqual([]);
  expect(intake.everything()).not.toContain("opens-nothing");
});

test.each([
  ["the intake refuses its signature", { signingSecret: "FAKE-wrong" }, /the intake answered 403/],
  ["the bus loses it", { busLoses: true }, /no incident was opened/],
  ["one channel fails", { failedChannels: ["slack"] }, /did not deliver the page of i-\w+-1: slack/],
])("there is no heartbeat when %s", async (_how, fault, why) => {
  const { prove, world, heartbeats } = syntheticWorld();
  Object.assign(world, fault);

  await expect(prove()).rejects.toThrow(why);

  expect(heartbeats()).toEqual([]);
});

test("a try that was cut off is finished by its repeat", async () => {
  const { prove, world, heartbeats, intake, pages } = syntheticWorld();
  world.busLoses = true;
  await expect(prove()).rejects.toThrow("did not arrive");
  world.busLoses = false;

  await prove();

  expect(heartbeats()).toHaveLength(1);
  expect(intake.published.map(({ alert }) => alert.sourceId)).toEqual([name, name]);
  expect(new Set(pages.map(({ incidentId }) => incidentId)).size).toBe(1);
});

test("a drill is sent the same way, and a refusal of the intake is the person's to see", async () => {
  const { send, deps, world, intake } = syntheticWorld();
  const order = {
    input: { command: "drill" },
    caller: { principal: "anna", atMs: NOON_MS, requestId: "request-1" },
  };
  const drill = drillWith(() => send);

  expect(await drill(order, deps)).toMatchObject({ outcome: "sent", name: "drill-request-1" });
  expect(intake.published.map(({ alert }) => [alert.sourceId, alert.test])).toEqual([
    ["drill-request-1", true],
  ]);

  world.signingSecret = "FAKE-wrong";
  expect(await drill(order, deps)).toMatchObject({ outcome: "refused", detail: "the intake answered 403" });
});
