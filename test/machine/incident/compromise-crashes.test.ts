import { StoreUnavailable } from "../../../core/errors.ts";
import { falseAlarm, waive } from "../../../core/incident/orders.ts";
import type { IncidentRecord } from "../../../core/incident/record.ts";
import { identify, refOf } from "../../../core/incident/transitions.ts";
import { incidentWith } from "../../../core/rotation/secret-record.ts";
import type { AlertStory } from "../../simulation/plan/alert-story.ts";
import { type BoundaryCall, noFaults, type Surroundings } from "../../simulation/world/surroundings.ts";
import { World } from "../../simulation/world/world.ts";
import { calls } from "../rotation/story.ts";
import { first, leakOfCurrent, ordered, secretArn, sweepNow, untilPhase } from "./compromise-story.ts";

const minute = 60_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const word = { by: "ada", reason: "sure", atMs: 0 };
let world: World;
afterEach(() => world.close());

const takesSecret = (call: BoundaryCall) =>
  call.invocation.functionName === "open-incident" && calls.writes("SECRET")(call);

const order = (command: Readonly<Record<string, unknown>>) => world.time.run(ordered(world, command));
const sweep = () => sweepNow(world);

test("the sweep repeats a replacement that failed, and does not take its dead key for a change outside Rekey", async () => {
  let isRefusing = true;
  const refused = { kind: "answer" as const, status: 403, code: "insufficient_permissions" };
  world = new World({
    provider: { faults: ({ operation }) => (operation === "mint" && isRefusing ? refused : undefined) },
  });
  await world.secret();
  await world.compromise(await leakOfCurrent(world));
  isRefusing = false;

  expect(await sweep()).toMatchObject({ spent: 0, resumed: 1 });
  await world.time.advance(10 * minute);

  const record = await world.ledger.secret(secretArn);
  expect(record.frozen).toBeUndefined();
  expect(record.keys.map(({ state }) => state)).toEqual(["intended", "current"]);
  expect(await world.ledger.debts()).toEqual([]);
});

test("an opening that sleeps through its whole incident does not take the secret once more", async () => {
  const sleeps = first(takesSecret, async (effect) => {
    await pause(30 * minute);
    return effect();
  });
  world = new World({ surroundings: sleeps });
  await world.secret();
  const run = await world.compromise(await leakOfCurrent(world));
  expect(await world.incidentOf(run)).toMatchObject({ status: "closed" });

  await world.time.advance(30 * minute);
  const { lease, run: left, keys } = await world.ledger.secret(secretArn);
  expect({ lease, left }).toEqual({ lease: undefined, left: undefined });
  expect(keys.map(({ state }) => state)).toEqual(["current"]);
});

test("an opening that sleeps until its incident is over takes no dead key for a current one again", async () => {
  const looksUp = ({ invocation, operation, port }: BoundaryCall) =>
    invocation.functionName === "open-incident" && port === "table" && operation === "query";
  const sleeps = first(looksUp, async (effect) => {
    await pause(30 * minute);
    return effect();
  });
  const refused = { kind: "answer" as const, status: 403, code: "insufficient_permissions" };
  const faults = ({ operation }: { readonly operation: string }) =>
    operation === "mint" ? refused : undefined;
  world = new World({ surroundings: sleeps, provider: { faults } });
  await world.secret();
  const run = await world.compromise(await leakOfCurrent(world));
  expect(await world.incidentOf(run)).toMatchObject({ status: "closed" });

  await world.time.advance(30 * minute);
  const { lease, keys } = await world.ledger.secret(secretArn);
  expect(lease).toBeUndefined();
  expect(keys).toContainEqual(expect.objectContaining({ state: "dead", compromised: true }));
});

test("an opening that dies when it has taken the secret leaves the revoke that is owed on the list", async () => {
  const loses = first(takesSecret, async (effect) => {
    await effect();
    throw new StoreUnavailable("the answer got lost");
  });
  world = new World({ surroundings: loses });
  await world.secret();
  const [retiring] = (await world.ledger.secret(secretArn)).keys;
  const rotation = world.start(secretArn);
  await untilPhase(world, "promoted");
  const run = await world.compromise(await leakOfCurrent(world));
  await world.finish(rotation);

  expect(await world.incidentOf(run)).toMatchObject({ status: "closed" });
  expect(await world.ledger.debts()).toMatchObject([{ kind: "RevokeOwed", keyId: retiring?.keyId }]);
});

test("an opening that is repeated when it has taken the secret ends the fenced run's wait all the same", async () => {
  const loses = first(takesSecret, async (effect) => {
    await effect();
    throw new StoreUnavailable("the answer got lost");
  });
  world = new World({ surroundings: loses });
  const never = { refreshEveryMs: Number.POSITIVE_INFINITY, useEveryMs: Number.POSITIVE_INFINITY };
  await world.secret({ consumers: [{ name: "billing", ...never }] });
  const story = await leakOfCurrent(world, { exposure: "private" });
  const rotation = world.start(secretArn);
  await untilPhase(world, "promoted");
  await world.time.advance(minute / 2);
  expect(rotation.outcome).toBeUndefined();
  const [run] = await world.time.run(world.raise(story));
  await world.time.advance(minute / 2);

  expect(rotation.history.at(-2)?.state).toBe("Superseded");
  const { timeline, secrets } = await world.incidentOf(run ?? rotation);
  expect(secrets).toMatchObject([{ standing: "retiring", reused: true }]);
  expect(timeline).toContainEqual(expect.objectContaining({ what: "rotationFenced" }));
  expect(await world.ledger.rotation(secretArn, rotation.rotationId)).toMatchObject({
    outcome: "superseded",
  });
});

const startsIt = ({ invocation, port, operation }: BoundaryCall) =>
  invocation.functionName === "raise-alert" && port === "executions" && operation === "start";

/** With a provider that cannot revoke the machine waits until somebody stops it. */
const unfinished = { capabilities: { revoke: false } };

test("a start that is noted after its execution has ended does not call the incident started", async () => {
  const sleeps = first(startsIt, async (effect) => {
    const answer = await effect();
    [...world.runs.values()].at(-1)?.stop("by hand");
    await pause(minute);
    return answer;
  });
  world = new World({ ...unfinished, surroundings: sleeps });
  await world.secret();
  const [run] = await world.time.run(world.raise(await leakOfCurrent(world)));
  if (run === undefined) throw new Error("nothing was started");

  expect(await world.incidentOf(run)).toMatchObject({ status: "needsPerson", starts: 1 });
});

test("an alert whose start failed takes the incident up when it comes again", async () => {
  const isSecond = (call: BoundaryCall) => startsIt(call) && world.runs.size > 0;
  const fails = first(isSecond, () => Promise.reject(new StoreUnavailable("no answer")));
  world = new World({ ...unfinished, surroundings: fails });
  await world.secret();
  const story = await leakOfCurrent(world);
  const [run] = await world.time.run(world.raise(story));
  run?.stop("by hand");
  await world.time.advance(minute);

  const again = { ...story, sourceId: "another" };
  await expect(world.time.run(world.raise(again))).rejects.toThrow("no answer");
  const runs = await world.time.run(world.raise(again));
  expect(runs.map(({ rotationId, outcome }) => [rotationId, outcome?.status])).toEqual([
    [run?.rotationId, "ABORTED"],
    [`${run?.rotationId}-2`, undefined],
  ]);
});

describe("an opening that sleeps longer than its execution lasts", () => {
  const looksUp = ({ invocation, operation, port }: BoundaryCall) =>
    invocation.functionName === "open-incident" && port === "table" && operation === "query";

  /** Its execution is stopped and settled while it sleeps. */
  async function stopped(said: (record: IncidentRecord) => IncidentRecord = (record) => record) {
    const sleeps = first(looksUp, async (effect) => {
      await pause(4 * minute);
      return effect();
    });
    world = new World({ ...unfinished, surroundings: sleeps });
    await world.secret();
    const story = await leakOfCurrent(world);
    const [run] = await world.time.run(world.raise(story));
    if (run === undefined) throw new Error("nothing was started");
    await world.time.advance(minute / 2);
    await world.ledger.incidents.changeIncident(String(run.input["incidentId"]), said);
    run.stop("by hand");
    await world.time.advance(minute / 2);
    return { story, run };
  }

  test("leaves the incident to the person who was paged", async () => {
    const { run } = await stopped();
    await world.time.advance(5 * minute);

    expect(await world.incidentOf(run)).toMatchObject({ status: "needsPerson" });
  });

  test("leaves it closed when its key was waived before it was stopped", async () => {
    const { run } = await stopped((record) => waive(record, { ref: record.keys.map(refOf).join(), word }));
    const { closedAtMs } = await world.incidentOf(run);
    await world.time.advance(5 * minute);

    expect(await world.incidentOf(run)).toMatchObject({ status: "closed", closedAtMs });
    await sweep();
    expect(incidentWith(await world.ledger.secret(secretArn))).toBeUndefined();
  });

  test("leaves it to the execution that has taken it up since", async () => {
    const { story } = await stopped();
    const again = (await world.time.run(world.raise({ ...story, sourceId: "another" }))).at(-1);
    if (again === undefined) throw new Error("nothing was started");
    await world.time.advance(5 * minute);

    const { executionArn } = again;
    expect(await world.incidentOf(again)).toMatchObject({ openedBy: executionArn, executionArn });
  });
});

describe("what is said while an execution that ended is settled", () => {
  const looksUp = ({ invocation, port }: BoundaryCall) =>
    invocation.functionName === "settle-closed" && port === "table";

  /** It comes between settling's first look at the incident and its last word on it. */
  async function saying(
    change: (record: IncidentRecord) => IncidentRecord,
    story: AlertStory = {},
  ): Promise<IncidentRecord> {
    const says = first(looksUp, async (effect) => {
      const answer = await effect();
      const [{ incidentId } = { incidentId: "" }] = await world.ledger.incidents.openIncidents();
      await world.ledger.incidents.changeIncident(incidentId, change);
      return answer;
    });
    world = new World({ ...unfinished, surroundings: says });
    await world.secret();
    const [run] = await world.time.run(world.raise(await leakOfCurrent(world, story)));
    if (run === undefined) throw new Error("nothing was started");
    await world.time.advance(minute / 2);
    run.stop("by hand");
    await world.time.advance(minute / 2);
    return world.incidentOf(run);
  }

  const settledPages = () => world.pages.filter(({ reason }) => reason === "settled");

  test("waives the key: the incident closes, and nobody is paged for it", async () => {
    const waived = await saying((record) => waive(record, { ref: record.keys.map(refOf).join(), word }));
    expect(waived).toMatchObject({ status: "closed", closedAtMs: expect.any(Number) });
    expect(settledPages()).toEqual([]);
  });

  test("calls it a false alarm: it has ended, and nobody is paged for it", async () => {
    const called = await saying((record) => falseAlarm(record, word));
    expect(called).toMatchObject({ status: "falseAlarm", closedAtMs: expect.any(Number) });
    expect(settledPages()).toEqual([]);
  });

  test("says which key it is: the incident is the next execution's", async () => {
    const keyId = "key_FAKE";
    const match = { by: "keyId" as const, text: keyId };
    const identified = await saying((record) => identify(record, { match, keys: record.keys, atMs: 0 }), {
      identity: { kind: "keyId", provider: "openai", keyId },
    });
    expect(identified).toMatchObject({ status: "reported", starts: 2 });
    expect(settledPages()).toEqual([]);
  });
});

describe("an execution that ended without a status event", () => {
  const unheard: Surroundings = {
    ...noFaults,
    deliveries: (type) => (type === "ExecutionStatusChange" ? [] : [0]),
  };
  const settledPages = () => world.pages.filter(({ reason }) => reason === "settled");

  async function stopped(surroundings: Surroundings) {
    world = new World({ ...unfinished, surroundings });
    await world.secret();
    const [run] = await world.time.run(world.raise(await leakOfCurrent(world)));
    if (run === undefined) throw new Error("nothing was started");
    await world.time.advance(minute / 2);
    run.stop("by hand");
    await world.time.advance(minute / 2);
    return run;
  }

  test("is settled by the sweep: its secret is free, and people are paged once", async () => {
    const run = await stopped(unheard);
    expect(await world.incidentOf(run)).toMatchObject({ status: "open" });

    expect(await sweep()).toMatchObject({ settled: 1, failed: 0 });
    expect(await world.incidentOf(run)).toMatchObject({
      status: "needsPerson",
      reason: "ExecutionABORTED: it ended without settling",
    });
    expect(incidentWith(await world.ledger.secret(secretArn))).toBeUndefined();
    expect(await sweep()).toMatchObject({ settled: 0, failed: 0 });
    expect(settledPages()).toHaveLength(1);
  });

  test("is noticed when somebody orders contain-now: the machine starts again, and contains the key", async () => {
    world = new World({ surroundings: unheard });
    const never = { refreshEveryMs: Number.POSITIVE_INFINITY, useEveryMs: Number.POSITIVE_INFINITY };
    await world.secret({
      consumers: [{ name: "billing", ...never }],
      policy: { incident: { containByMs: 10 * minute, escalateAfterMs: 10 * minute } },
    });
    const [run] = await world.time.run(world.raise(await leakOfCurrent(world, { exposure: "private" })));
    if (run === undefined) throw new Error("nothing was started");
    await world.time.advance(minute / 2);
    run.stop("by hand");
    const { incidentId } = await world.incidentOf(run);

    const said = await order({ command: "incident-contain-now", incident: incidentId, reason: "it is ours" });

    expect(said).toMatchObject({ outcome: "ordered", machine: "started" });
    await world.time.advance(5 * minute);
    expect(await world.incidentOf(run)).toMatchObject({ starts: 2, keys: [{ state: "dead" }] });
  });

  test("is only counted by a sweep that is a dry run", async () => {
    const run = await stopped(unheard);
    const time = new Date(world.time.nowMs()).toISOString();

    const swept = await world.time.run(world.invoke("sweep", { time, dryRun: true }));
    // The incident, and the secret that its settling would give back.
    expect(swept).toMatchObject({ outcome: "wouldSweep", settled: 2 });
    expect(await world.incidentOf(run)).toMatchObject({ status: "open" });
    expect(settledPages()).toEqual([]);
  });

  test("is paged by the sweep if the function that settled it died before the page", async () => {
    const mute: Surroundings = {
      ...noFaults,
      call: async (call, effect) => {
        if (call.invocation.functionName === "settle-closed" && call.port === "people")
          throw new StoreUnavailable("no channel answers");
        return effect();
      },
    };
    const run = await stopped(mute);
    expect(await world.incidentOf(run)).toMatchObject({ status: "needsPerson" });
    expect(settledPages()).toEqual([]);

    expect(await sweep()).toMatchObject({ settled: 0, failed: 0 });
    expect(settledPages()).toHaveLength(1);
  });
});

const startsOnce: Surroundings = {
  ...noFaults,
  call: async (call, effect) => {
    if (startsIt(call) && world.runs.size > 0) throw new StoreUnavailable("no answer");
    return effect();
  },
};

test("the sweep leaves an incident alone that is being taken up again", async () => {
  world = new World({ ...unfinished, surroundings: startsOnce });
  await world.secret();
  const story = await leakOfCurrent(world);
  const [run] = await world.time.run(world.raise(story));
  run?.stop("by hand");
  await world.time.advance(minute);
  await expect(world.time.run(world.raise({ ...story, sourceId: "another" }))).rejects.toThrow("no answer");

  expect(await sweep()).toMatchObject({ settled: 0, failed: 0 });
  expect(await world.ledger.incidents.incidents()).toMatchObject([{ status: "reported", starts: 2 }]);
});

test("the sweep leaves an incident alone whose execution works on it, or was never started", async () => {
  world = new World({ ...unfinished, surroundings: startsOnce });
  await world.secret();
  const [run] = await world.time.run(world.raise(await leakOfCurrent(world)));
  const unknown: AlertStory = { identity: { kind: "location", url: "https://example.com/leak" } };
  await expect(world.time.run(world.raise(unknown))).rejects.toThrow("no answer");
  await world.time.advance(minute);

  expect(await sweep()).toMatchObject({ settled: 0, failed: 0 });
  const statuses = (await world.ledger.incidents.incidents()).map(({ status }) => status);
  expect(statuses.sort()).toEqual(["open", "reported"]);
  expect(run?.outcome).toBeUndefined();
});

test("a promotion that thaws when an incident has the secret leaves that incident's pin where it is", async () => {
  const pins = ({ invocation, operation, given }: BoundaryCall) =>
    invocation.functionName === "promote-version" &&
    operation === "moveLabel" &&
    (given[0] as { readonly label: string }).label === "REKEY_RETIRING";
  const sleeps = first(pins, async (effect) => {
    await pause(3 * minute);
    return effect();
  });
  world = new World({ surroundings: sleeps });
  const never = { refreshEveryMs: Number.POSITIVE_INFINITY, useEveryMs: Number.POSITIVE_INFINITY };
  await world.secret({
    consumers: [{ name: "billing", ...never }],
    policy: { incident: { containByMs: 10 * minute, escalateAfterMs: 10 * minute } },
  });
  world.start(secretArn);
  await untilPhase(world, "promoted");
  const [run] = await world.time.run(world.raise(await leakOfCurrent(world, { exposure: "private" })));
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(4 * minute);

  const { secrets } = await world.incidentOf(run);
  expect(secrets).toMatchObject([{ replacement: "recovering" }]);
  const labels = await world.store.labels(secretArn);
  expect(labels[secrets[0]?.versionId ?? ""]).toContain("REKEY_RETIRING");
});
