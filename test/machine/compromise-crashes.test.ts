import { QuotaReached, StoreUnavailable } from "../../core/errors.ts";
import { identify, refOf } from "../../core/incident.ts";
import { falseAlarm, waive } from "../../core/incident-person.ts";
import type { IncidentRecord } from "../../core/incident-record.ts";
import { incidentWith } from "../../core/secret-record.ts";
import { account } from "../simulation/account.ts";
import { adminOrder } from "../simulation/admin-order.ts";
import type { AlertStory } from "../simulation/alert-story.ts";
import type { Run } from "../simulation/step-functions.ts";
import { type BoundaryCall, noFaults, type Surroundings } from "../simulation/surroundings.ts";
import { World } from "../simulation/world.ts";
import { leakOfCurrent, secretArn, untilPhase } from "./compromise-story.ts";
import { calls } from "./story.ts";

const minute = 60_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const word = { by: "ada", reason: "sure", atMs: 0 };
let world: World;
afterEach(() => world.close());

const takesSecret = (call: BoundaryCall) =>
  call.invocation.functionName === "open-incident" && calls.writes("SECRET")(call);

/** The first call that fits meets its fate; `effect` does what it would have done. */
function first(
  fits: (call: BoundaryCall) => boolean,
  fate: (effect: () => Promise<unknown>) => Promise<unknown>,
): Surroundings {
  let isOver = false;
  return {
    ...noFaults,
    call: async <Answer>(call: BoundaryCall, effect: () => Promise<Answer>) => {
      if (isOver || !fits(call)) return effect();
      isOver = true;
      return (await fate(effect)) as Answer;
    },
  };
}

async function order(command: Readonly<Record<string, unknown>>): Promise<unknown> {
  return world.time.run(ordered(command));
}

async function ordered(command: Readonly<Record<string, unknown>>): Promise<unknown> {
  const principal = `arn:aws:iam::${account}:user/FAKE-ops`;
  const { body } = await adminOrder({ command, principal, newId: () => "order-1" }, world);
  return JSON.parse(body);
}

async function sweep(): Promise<unknown> {
  const time = new Date(world.time.nowMs()).toISOString();
  return world.time.run(world.invoke("sweep", { time }));
}

test("the sweep makes up for a replacement that failed, and does not take its dead key for somebody's hand", async () => {
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

  test("leaves the incident to the person who was told", async () => {
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

describe("an execution of whose end no event told", () => {
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

  test("is settled by the sweep: its secret is free, and people are told once", async () => {
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

  test("is found out by whoever says contain-now: the machine starts again, and contains the key", async () => {
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

  test("is told by the sweep where whoever settled it died before the page", async () => {
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

test("a false alarm that is called while the quarantine is on its way gives the key back", async () => {
  const quarantines = ({ invocation, operation }: BoundaryCall) =>
    invocation.functionName === "contain-key" && /^POST .*api_keys\/key_/.test(operation);
  const said: unknown[] = [];
  const isCalled = first(quarantines, async (effect) => {
    const [{ incidentId } = { incidentId: "" }] = await world.ledger.incidents.openIncidents();
    const command = "incident-false-alarm";
    said.push(await ordered({ command, incident: incidentId, reason: "it is a fixture" }));
    return effect();
  });
  world = new World({ surroundings: isCalled, capabilities: { quarantineContains: true } });
  await world.secret({ scopes: ["api.model.read", "api.model.request"] });
  const run = await world.compromise(await leakOfCurrent(world));

  expect(said).toMatchObject([{ outcome: "falseAlarm", restored: [expect.stringMatching(/^key_FAKE/)] }]);
  expect(await world.incidentOf(run)).toMatchObject({ status: "falseAlarm" });
  expect(world.provider.state()[0]?.scopes).toEqual(["api.model.read", "api.model.request"]);
  expect((await world.ledger.secret(secretArn)).keys[0]).toMatchObject({ state: "current" });
});

describe("a false alarm that is called while containment begins", () => {
  const said: unknown[] = [];

  async function calledBefore(writes: (call: BoundaryCall) => boolean): Promise<Run> {
    said.length = 0;
    const begins = (call: BoundaryCall) => call.invocation.functionName === "contain-key" && writes(call);
    const isCalled = first(begins, async (effect) => {
      const [{ incidentId } = { incidentId: "" }] = await world.ledger.incidents.openIncidents();
      const command = "incident-false-alarm";
      said.push(await ordered({ command, incident: incidentId, reason: "it is a fixture" }));
      return effect();
    });
    world = new World({ surroundings: isCalled });
    await world.secret();
    return world.compromise(await leakOfCurrent(world));
  }

  const intends = (call: BoundaryCall) =>
    calls.writes("INCIDENT")(call) && JSON.stringify(call.given).includes('"revoking"');

  test("before its intent is written revokes nothing", async () => {
    const run = await calledBefore(intends);

    expect(said).toMatchObject([{ outcome: "falseAlarm", revoked: [] }]);
    expect(await world.incidentOf(run)).toMatchObject({ status: "falseAlarm", keys: [{ state: "waiting" }] });
    expect(world.effects).not.toContain("revoke");
    const { keys } = await world.ledger.secret(secretArn);
    expect(keys.filter(({ compromised }) => compromised)).toEqual([]);
  });

  test("after it says that the revoke is on its way", async () => {
    const run = await calledBefore(calls.writes("SECRET"));

    expect(said).toMatchObject([{ outcome: "falseAlarm", revoked: [expect.stringMatching(/^key_FAKE/)] }]);
    expect(await world.incidentOf(run)).toMatchObject({ status: "falseAlarm" });
    expect(world.effects).toContain("revoke");
  });
});

test("a false alarm leaves a key that a rotation may replace like any other, and nothing to page for", async () => {
  const refused = ({ operation }: BoundaryCall) => /^POST .*\/api_keys$/.test(operation);
  let isFull = true;
  const full = {
    ...noFaults,
    call: async <Answer>(call: BoundaryCall, effect: () => Promise<Answer>) => {
      if (isFull && refused(call)) throw new QuotaReached("FAKE: no room for another key");
      return effect();
    },
  };
  world = new World({ surroundings: full, capabilities: { quarantineContains: true } });
  await world.secret({ scopes: ["api.model.read", "api.model.request"] });
  const [run] = await world.raise(await leakOfCurrent(world));
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(minute);
  const { incidentId, keys } = await world.incidentOf(run);
  expect(keys).toMatchObject([{ state: "quarantined" }]);

  await order({ command: "incident-false-alarm", incident: incidentId, reason: "it is a fixture" });
  // A replacement that waits for room to mint gives up, and gives the secret back.
  await world.time.advance(2 * minute);
  expect(run.outcome?.status).toBe("SUCCEEDED");
  expect(await sweep()).toMatchObject({ spent: 0 });

  isFull = false;
  expect((await world.rotate(secretArn)).outcome?.status).toBe("SUCCEEDED");
  // The intents of the mints that were refused are the sweep's.
  const states = (await world.ledger.secret(secretArn)).keys.map(({ state }) => state);
  expect(states.filter((state) => state !== "stray")).toEqual(["current"]);
});

test("a false alarm that is called while the incident opens stays one", async () => {
  const isCalled = first(takesSecret, async (effect) => {
    const [{ incidentId } = { incidentId: "" }] = await world.ledger.incidents.openIncidents();
    await world.ledger.incidents.changeIncident(incidentId, (record) => falseAlarm(record, word));
    return effect();
  });
  world = new World({ surroundings: isCalled });
  await world.secret();
  const run = await world.compromise(await leakOfCurrent(world));

  expect(await world.incidentOf(run)).toMatchObject({ status: "falseAlarm" });
  expect(world.effects).not.toContain("revoke");
  expect((await world.ledger.secret(secretArn)).lease).toBeUndefined();
});
