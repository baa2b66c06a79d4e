import { Secret } from "../../core/secret.ts";
import { reportSender } from "../../functions/adapters/intake.ts";
import { drillWith } from "../../functions/admin/drill.ts";
import type { LogLine } from "../../functions/deps.ts";
import { escalate } from "../../functions/escalate.ts";
import type { Page } from "../../functions/incident-ports.ts";
import { openIncident } from "../../functions/open-incident.ts";
import { raiseAlert } from "../../functions/raise-alert.ts";
import { proveAlarm, type SyntheticDeps } from "../../functions/synthetic-leak.ts";
import type { Http } from "../../providers/http.ts";
import { adminWorld, NOON_MS } from "./admin-world.ts";
import { IntakeWorld } from "./intake-world.ts";

const name = "synthetic-2026-11-22T12";

/** Intake, bus, machine and channels, each of which can be out of order. Time passes in pauses only. */
function newWorld() {
  const intake = new IntakeWorld();
  const { deps, ledger } = adminWorld();
  const logs: LogLine[] = [];
  const pages: Page[] = [];
  const world = { busLoses: false, failedChannels: [] as string[], signingSecret: "FAKE-signing-report" };
  Object.assign(deps, {
    incident: {
      escalator: {
        page: async (page: Page) => {
          pages.push(page);
          return { delivered: ["sns"], failed: world.failedChannels };
        },
      },
    },
  });
  let delivered = 0;
  const at = () => new Date(intake.nowMs).toISOString();
  /** What the bus's rule and the machine do, a second after the intake put it there. */
  const runMachine = async () => {
    for (const detail of world.busLoses ? [] : intake.published.slice(delivered)) {
      delivered += 1;
      const { incidentIds } = await raiseAlert.run(raiseAlert.input.parse({ detail }), deps);
      for (const incidentId of incidentIds) {
        await openIncident.run(
          openIncident.input.parse({ incidentId, executionArn: "arn:FAKE", at: at() }),
          deps,
        );
        await escalate.run(escalate.input.parse({ incidentId, at: at() }), deps);
      }
    }
  };
  const clock = {
    nowMs: () => intake.nowMs,
    pause: async (ms: number) => {
      intake.nowMs += ms;
      await runMachine();
    },
  };
  const http: Http = {
    send: async ({ url, headers, body, method }) => {
      const lower = Object.fromEntries(
        Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]),
      );
      const post = { headers: lower, body: JSON.stringify(body), path: new URL(url).pathname, method };
      return { status: (await intake.post(post)).statusCode, headers: {}, json: undefined };
    },
  };
  const secret = { get: async () => new Secret(world.signingSecret), refused: () => undefined };
  let nonces = 0;
  const newNonce = () => {
    nonces += 1;
    return `FAKEnonceFAKEnonce-${nonces}`;
  };
  const send = reportSender({ http, url: "https://intake.example.com", secret, clock, newNonce });
  const heartbeats = () => logs.filter((line) => line["SyntheticLeakSucceeded"] === 1);
  const synthetic: SyntheticDeps = {
    ...{ ledger, executions: deps.executions, clock, send },
    log: (line) => void logs.push(line),
    environment: "production",
  };
  return { intake, deps, ledger, world, heartbeats, pages, send, prove: () => proveAlarm(name, synthetic) };
}

test("a synthetic leak goes from the intake to every channel in test mode, and beats the heart", async () => {
  const { prove, heartbeats, pages } = newWorld();

  expect(await prove()).toMatchObject({ outcome: "heard", delivered: ["sns"] });

  expect(heartbeats()).toHaveLength(1);
  expect(pages.length).toBeGreaterThan(0);
  expect(pages.every(({ test }) => test)).toBe(true);
});

test("it leaves no open incident behind, and its key nowhere", async () => {
  const { prove, ledger, intake } = newWorld();

  await prove();

  expect(await ledger.incidents.openIncidents()).toEqual([]);
  expect(intake.everything()).not.toContain("opens-nothing");
});

test.each([
  ["the intake refuses its signature", { signingSecret: "FAKE-wrong" }, /the intake answered 403/],
  ["the bus loses it", { busLoses: true }, /no incident came of it/],
  ["one channel fails", { failedChannels: ["slack"] }, /did not take the page of i-\w+-1: slack/],
])("there is no heartbeat when %s", async (_how, fault, why) => {
  const { prove, world, heartbeats } = newWorld();
  Object.assign(world, fault);

  await expect(prove()).rejects.toThrow(why);

  expect(heartbeats()).toEqual([]);
});

test("a try that was cut off is finished by its repeat", async () => {
  const { prove, world, heartbeats, intake, pages } = newWorld();
  world.busLoses = true;
  await expect(prove()).rejects.toThrow("was not heard");
  world.busLoses = false;

  await prove();

  expect(heartbeats()).toHaveLength(1);
  expect(intake.published.map(({ alert }) => alert.sourceId)).toEqual([name, name]);
  expect(new Set(pages.map(({ incidentId }) => incidentId)).size).toBe(1);
});

test("a drill is sent the same way, and a refusal of the intake is the person's to see", async () => {
  const { send, deps, world, intake } = newWorld();
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
