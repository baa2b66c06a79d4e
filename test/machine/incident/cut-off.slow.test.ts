import { account } from "../../simulation/world/account.ts";
import { World } from "../../simulation/world/world.ts";
import { currentFingerprint, leakOfCurrent, secretArn } from "./compromise-story.ts";

const second = 1_000;
const minute = 60 * second;
let world: World;
let stuck: NodeJS.Timeout | undefined;
afterEach(() => {
  clearInterval(stuck);
  world.close();
});

/** An instance that goes on with the key it started with, and says so twice a minute. */
async function keepsReporting(holds: {
  readonly fingerprint: string;
  readonly versionId: string;
}): Promise<void> {
  const sinceMs = world.time.nowMs();
  let sequence = 0;
  const report = () => {
    sequence += 1;
    const agoMs = world.time.nowMs() - sinceMs;
    world.report(
      { environment: "production", account },
      {
        ...{
          schema: 1,
          kind: "client",
          consumer: "billing",
          instance: "stuck/1",
          secretArn,
          holds,
          sequence,
        },
        uses: [{ fingerprint: holds.fingerprint, lastSuccessAgoMs: agoMs, lastRefusalAgoMs: second }],
        ...{ cause: "heartbeat", maxStaleMs: 15 * minute, sdk: "rekey-client/0.1.0" },
      },
    );
  };
  report();
  stuck = setInterval(report, 30 * second);
  await world.time.advance(minute);
}

async function leakOf(consumers: Parameters<World["secret"]>[0]) {
  world = new World();
  await world.secret(consumers);
  const fingerprint = await currentFingerprint(world);
  const { versionId } = await world.store.current(secretArn);
  return { fingerprint, versionId };
}

test("the owner of a consumer that is cut off is paged before the incident closes, and once", async () => {
  const held = await leakOf({ consumers: [{ name: "billing" }], policy: { owner: "team-pay" } });
  await keepsReporting(held);
  const run = await world.compromise(await leakOfCurrent(world));

  const { status, closedAtMs = 0, keys } = await world.incidentOf(run);
  expect(status).toBe("closed");
  const told = world.pages.filter(({ reason }) => reason === "cutOff");
  expect(told.map(({ severity, why }) => [severity, why])).toEqual([
    ["page", expect.stringMatching(/^billing-key: .*billing.*\(owner: team-pay\)$/)],
  ]);
  const [{ atMs } = { atMs: 0 }] = told;
  expect(atMs).toBeLessThanOrEqual(closedAtMs);
  expect(atMs).toBeGreaterThan(keys[0]?.acceptedAtMs ?? 0);
});

test("nobody is paged for consumers that fetch the replacement when they are refused", async () => {
  await leakOf({ consumers: [{ name: "billing" }], policy: { owner: "team-pay" } });
  const run = await world.compromise(await leakOfCurrent(world));

  expect((await world.incidentOf(run)).status).toBe("closed");
  expect(world.pages.map(({ reason }) => reason)).not.toContain("cutOff");
});
