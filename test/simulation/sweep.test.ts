import type { Swept } from "../../functions/upkeep/swept.ts";
import { noFaults, type Surroundings } from "./world/surroundings.ts";
import { World } from "./world/world.ts";

let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(() => world.close());

const laterMs = 30 * 60_000;

/** The scheduler's event; each sweep is half an hour after the one before. */
async function sweep(options: { readonly dryRun?: boolean } = {}): Promise<Swept> {
  await world.time.advance(laterMs);
  const time = new Date(world.time.nowMs()).toISOString();
  return (await world.time.run(world.invoke("sweep", { time, ...options }))) as Swept;
}

async function rotated() {
  const policy = await world.time.run(
    world.secret({ consumers: [], policy: { consumers: "none", signals: [] } }),
  );
  const run = world.start(policy.secretArn);
  await world.finish(run);
  expect(run.outcome?.status).toBe("SUCCEEDED");
  return policy;
}

const listed = () => world.provider.state().flatMap(({ isListed, name }) => (isListed ? [name] : []));

test("a stray key is discarded by the second sweep that sees it", async () => {
  await rotated();
  world.provider.addKey({ name: "rekey/r-1/2" });

  expect(await sweep()).toMatchObject({ strays: 1, discarded: 0 });
  expect(await sweep()).toMatchObject({ strays: 0, discarded: 1 });
  expect(listed()).toEqual(["rekey/r-1/1"]);
});

test("a key without a record is reported and never deleted, whatever its name says", async () => {
  await rotated();
  world.provider.addKey({ name: "rekey/r-99/1" });
  world.provider.addKey({ name: "somebody's own" });

  for (let sweeps = 0; sweeps < 3; sweeps++) {
    expect(await sweep()).toMatchObject({ strays: 0, discarded: 0, unrecorded: 2 });
  }

  expect(listed()).toEqual(["rekey/r-1/1", "rekey/r-99/1", "somebody's own"]);
  expect(world.logs).toContainEqual(
    expect.objectContaining({ outcome: "unrecordedKey", name: "rekey/r-99/1" }),
  );
});

test("a key in use is excluded by its id: somebody may have put a left-over into AWSCURRENT", async () => {
  const { secretArn } = await rotated();
  const { secret } = world.provider.addKey({ name: "rekey/r-1/2" });
  world.store.setCurrent(secretArn, secret.reveal());

  await sweep();
  expect(await sweep()).toMatchObject({ discarded: 0 });
  expect(listed()).toContain("rekey/r-1/2");
});

test("a dry run counts what it would do and changes nothing", async () => {
  await rotated();
  world.provider.addKey({ name: "rekey/r-1/2" });
  await sweep();
  const before = world.table.dump();

  expect(await sweep({ dryRun: true })).toMatchObject({ outcome: "wouldSweep", strays: 1, discarded: 0 });

  expect(world.table.dump()).toEqual(before);
  expect(listed()).toContain("rekey/r-1/2");
});

test("AWSCURRENT with a dead key freezes the secret and pages, once", async () => {
  const { secretArn } = await rotated();
  const [dead] = world.store.versions(secretArn);
  world.store.moveByHand({ secretArn, label: "AWSCURRENT", to: dead?.versionId ?? "" });

  expect(await sweep()).toMatchObject({ spent: 1 });
  expect(await sweep()).toMatchObject({ spent: 1 });

  expect(world.events.filter(({ type }) => type === "SpentKeyIsCurrent")).toHaveLength(1);
  expect((await world.time.run(world.ledger.secret(secretArn))).frozen?.reason).toMatch(/which is dead/);
});

test("an execution that was stopped and settled by nobody is settled, and its debt resumed by a run of its own", async () => {
  world.close();
  const deliveries = (type: string) => (type === "ExecutionStatusChange" ? [] : [0]);
  world = new World({ surroundings: { ...noFaults, deliveries } });
  const { secretArn } = await world.time.run(world.secret());
  const run = world.start(secretArn);
  await world.time.advance(30_000);
  run.stop("by hand");

  // Owed are the old key's death, and the certificate of the run that was stopped.
  expect(await sweep()).toMatchObject({ settled: 1, resumed: 1, openDebt: 2 });
  await world.time.advance(10 * 60_000);

  expect(await sweep()).toMatchObject({ settled: 0, resumed: 0, openDebt: 0 });
  expect(listed()).toEqual(["rekey/r-1/1"]);
});

const pinnedIn = (secretArn: string) =>
  world.store.versions(secretArn).filter(({ labels }) => labels.includes("REKEY_RETIRING"));

test("a pin that a roll-back left is removed", async () => {
  const { secretArn } = await rotated();
  const current = world.store.versions(secretArn).at(-1)?.versionId ?? "";
  world.store.moveByHand({ secretArn, label: "REKEY_RETIRING", to: current });

  expect(await sweep()).toMatchObject({ labels: 1 });

  expect(pinnedIn(secretArn)).toEqual([]);
});

test("a sweep that thaws when a run has pinned the same version leaves the pin to that run", async () => {
  world.close();
  const sleepsMs = 20_000;
  const call: Surroundings["call"] = async ({ invocation, operation }, effect) => {
    const answer = await effect();
    if (invocation.functionName === "sweep" && operation === "labels" && world.runs.size === 0) {
      world.start(secretArn);
      await new Promise((resolve) => setTimeout(resolve, sleepsMs));
    }
    return answer;
  };
  world = new World({ surroundings: { ...noFaults, call } });
  const { secretArn } = await world.time.run(world.secret());
  const current = world.store.versions(secretArn).at(-1)?.versionId ?? "";
  world.store.moveByHand({ secretArn, label: "REKEY_RETIRING", to: current });

  expect(await sweep()).toMatchObject({ labels: 0 });

  expect((await world.time.run(world.ledger.secret(secretArn))).run?.phase).toBe("promoted");
  expect(pinnedIn(secretArn)).toMatchObject([{ versionId: current }]);
});

test("a rotation says how long consumers took to move, and the provider to refuse the old key", async () => {
  await rotated();
  expect(world.logs).toContainEqual(
    expect.objectContaining({
      ...{ step: "close-rotation", RotationsRotated: 1 },
      ...{ TimeToAdoption: expect.any(Number), TimeToDeath: expect.any(Number) },
    }),
  );
});

test("what the alarms read goes out as one line for the stage, in CloudWatch's own format", async () => {
  await rotated();
  await sweep();
  expect(world.logs).toContainEqual({
    ...{ step: "sweep", outcome: "metric", Environment: "production" },
    ...{
      OpenDebt: 0,
      Strays: 0,
      CopiesAstray: 0,
      SchedulesOff: 0,
      OpenIncidents: 0,
      IncidentsPastDeadline: 0,
      RotationsOverdue: 0,
      OldestKeyAgePastPolicy: 0,
    },
    _aws: {
      Timestamp: expect.any(Number),
      CloudWatchMetrics: [
        {
          Namespace: "Rekey",
          Dimensions: [["Environment"]],
          Metrics: expect.arrayContaining([{ Name: "OpenDebt" }, { Name: "OldestKeyAgePastPolicy" }]),
        },
      ],
    },
  });
});
