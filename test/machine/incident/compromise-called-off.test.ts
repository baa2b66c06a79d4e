import { ProviderUnavailable, QuotaReached, StoreUnavailable } from "../../../core/errors.ts";
import { falseAlarm } from "../../../core/incident/orders.ts";
import { adoptCurrent } from "../../../core/rotation/secret-record.ts";
import { fingerprintOf } from "../../../events/fingerprint.ts";
import { aliasOfHint } from "../../../functions/key-index/identify-key.ts";
import type { Run } from "../../simulation/world/step-functions.ts";
import { type BoundaryCall, noFaults, type Surroundings } from "../../simulation/world/surroundings.ts";
import { World, type WorldOptions } from "../../simulation/world/world.ts";
import { calls } from "../rotation/story.ts";
import {
  first,
  leakOfCurrent,
  onlyKey,
  ordered,
  secretArn,
  sweepNow,
  untilPhase,
} from "./compromise-story.ts";

const minute = 60_000;
const word = { by: "ada", reason: "sure", atMs: 0 };
const scopes = ["api.model.read", "api.model.request"];
const never = { refreshEveryMs: Number.POSITIVE_INFINITY, useEveryMs: Number.POSITIVE_INFINITY };
let world: World;
afterEach(() => world.close());

const order = (command: Readonly<Record<string, unknown>>) => world.time.run(ordered(world, command));
const sweep = () => sweepNow(world);
const callOff = async (run: Run) =>
  order({
    command: "incident-false-alarm",
    incident: (await world.incidentOf(run)).incidentId,
    reason: "it is a fixture",
  });

/** A world whose provider can contain by disabling, and a secret whose key it has disabled. */
async function quarantined(options: WorldOptions = {}): Promise<Run> {
  world = new World({ ...options, capabilities: { quarantineContains: true } });
  await world.secret({ scopes, consumers: [{ name: "billing", ...never }], policy: { soakMs: 60 * minute } });
  const [run] = await world.raise(await leakOfCurrent(world));
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(minute);
  expect(await onlyKey(world, run)).toMatchObject({ state: "quarantined" });
  return run;
}

const takesSecret = (call: BoundaryCall) =>
  call.invocation.functionName === "open-incident" && calls.writes("SECRET")(call);

const scopesOfFirst = () => world.provider.state()[0]?.scopes;

test("a false alarm that is called while the quarantine is on its way gives the key back", async () => {
  const quarantines = ({ invocation, operation }: BoundaryCall) =>
    invocation.functionName === "contain-key" && /^POST .*api_keys\/key_/.test(operation);
  const said: unknown[] = [];
  const isCalled = first(quarantines, async (effect) => {
    const [{ incidentId } = { incidentId: "" }] = await world.ledger.incidents.openIncidents();
    const command = "incident-false-alarm";
    said.push(await ordered(world, { command, incident: incidentId, reason: "it is a fixture" }));
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
      said.push(await ordered(world, { command, incident: incidentId, reason: "it is a fixture" }));
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
    expect(world.effects).not.toContainEqual(expect.stringMatching(/^delete/));
    const { keys } = await world.ledger.secret(secretArn);
    expect(keys.filter(({ compromised }) => compromised)).toEqual([]);
  });

  test("after it says that the revoke is on its way", async () => {
    const run = await calledBefore(calls.writes("SECRET"));

    expect(said).toMatchObject([{ outcome: "falseAlarm", revoked: [expect.stringMatching(/^key_FAKE/)] }]);
    expect(await world.incidentOf(run)).toMatchObject({ status: "falseAlarm" });
    expect(world.effects).toContain("delete k1");
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
  expect(world.effects).not.toContainEqual(expect.stringMatching(/^delete/));
  expect((await world.ledger.secret(secretArn)).lease).toBeUndefined();
});

test("a key that a person deleted while it was disabled keeps no incident from its end", async () => {
  const run = await quarantined();
  const { keyId } = await onlyKey(world, run);
  const path = `/v1/organization/projects/proj_FAKE/api_keys/${keyId}`;
  const headers = { authorization: `Bearer ${world.provider.adminKey}` };
  world.provider.handle({ method: "DELETE", path, query: new URLSearchParams(), headers, body: undefined });

  expect(await callOff(run)).toMatchObject({ outcome: "falseAlarm" });
  await world.finish(run);

  expect((await world.ledger.secret(secretArn)).lease).toBeUndefined();
  expect(await sweep()).toMatchObject({ failed: 0 });
});

test("a false alarm that is said again gives back no key that a newer incident has disabled", async () => {
  const run = await quarantined();
  await callOff(run);
  await world.finish(run);
  expect(scopesOfFirst()).toEqual(scopes);
  const fingerprint = (await world.incidentOf(run)).keys[0]?.fingerprint ?? "";
  const alert = { identity: { kind: "fingerprint" as const, values: [fingerprint] }, sourceId: "finding-2" };
  const [newer] = await world.raise(alert);
  if (newer === undefined) throw new Error("nothing was started");
  await world.time.advance(minute);
  expect(scopesOfFirst()).toEqual(["api.files.read"]);

  expect(await callOff(run)).toMatchObject({ outcome: "falseAlarm", restored: [] });
  await sweep();

  expect(scopesOfFirst()).toEqual(["api.files.read"]);
  const { keys } = await world.ledger.secret(secretArn);
  expect(keys.find(({ fingerprint: of }) => of === fingerprint)).toMatchObject({
    ...{ state: "quarantined", compromised: true },
  });
});

test("a quarantine that comes after all is undone by the sweep, if its caller did not live to see it", async () => {
  let isOver = false;
  const late: Surroundings = {
    ...noFaults,
    call: async <Answer>(call: BoundaryCall, effect: () => Promise<Answer>) => {
      if (/^POST .*\/api_keys$/.test(call.operation)) throw new QuotaReached("FAKE: no room for another key");
      const isOurs = call.invocation.functionName === "contain-key" && /^POST /.test(call.operation);
      if (isOver || !isOurs) return effect();
      isOver = true;
      await new Promise((resolve) => setTimeout(resolve, 5 * minute));
      await effect();
      return new Promise<Answer>(() => undefined);
    },
  };
  world = new World({ surroundings: late, capabilities: { quarantineContains: true } });
  await world.secret({ scopes });
  const [run] = await world.raise(await leakOfCurrent(world));
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(minute);
  await callOff(run);
  await world.time.advance(10 * minute);
  expect(scopesOfFirst()).toEqual(["api.files.read"]);

  await sweep();

  expect(scopesOfFirst()).toEqual(scopes);
});

test("a revoke that had begun on a key which no run retires is owed, and a run of its own ends it", async () => {
  let isDown = true;
  const down: Surroundings = {
    ...noFaults,
    call: async <Answer>(call: BoundaryCall, effect: () => Promise<Answer>) => {
      if (isDown && calls.delete(call)) throw new ProviderUnavailable("FAKE: down");
      return effect();
    },
  };
  world = new World({ surroundings: down });
  await world.secret();
  const [left] = (await world.ledger.secret(secretArn)).keys;
  const { keyId, secret } = world.provider.addKey({ name: "by hand" });
  const fingerprint = fingerprintOf(secret);
  world.store.setCurrent(secretArn, secret.reveal());
  const { versionId } = await world.store.read(secretArn);
  const place = { keyId, versionId, fingerprint, rotationId: "r-0" };
  await world.ledger.changeSecret(secretArn, (now) =>
    adoptCurrent(now, { name: "by hand", state: "current", ...place }),
  );
  await world.time.advance(10 * minute);
  const [run] = await world.raise({
    identity: { kind: "fingerprint", values: [left?.fingerprint ?? ""] },
  });
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(3 * minute);
  expect(await onlyKey(world, run)).toMatchObject({ standing: "unplaced", state: "revoking" });

  expect(await callOff(run)).toMatchObject({ revoked: [left?.keyId] });
  isDown = false;
  await world.finish(run);
  await sweep();
  await world.time.advance(30 * minute);

  expect(world.provider.state().find((key) => key.keyId === left?.keyId)).toMatchObject({ isListed: false });
  expect(await sweep()).toMatchObject({ openDebt: 0 });
});

test("a false alarm whose caller died is finished by the sweep: the superseded key is still to be revoked", async () => {
  let hasDied = false;
  const dies = first(
    (call) => call.invocation.functionName === "admin" && calls.writes("SECRET")(call),
    async () => {
      hasDied = true;
      throw new StoreUnavailable("FAKE: the caller died");
    },
  );
  world = new World({ surroundings: dies });
  await world.secret({ consumers: [{ name: "billing", ...never }] });
  const { text } = await world.store.read(secretArn);
  world.start(secretArn);
  await untilPhase(world, "promoted");
  await world.time.advance(minute / 2);
  const { run: rotation } = await world.ledger.secret(secretArn);
  if (rotation === undefined || rotation.phase === "opened") throw new Error("nothing was promoted");
  const { keyId, versionId } = rotation.incoming;
  world.store.setCurrent(secretArn, text.reveal());
  const hint = "sk-...abcd";
  const holder = { fingerprint: aliasOfHint(hint), secretArn, versionId, keyId, role: "rotated" as const };
  await world.ledger.putHolder(holder);
  const [run] = await world.raise({ identity: { kind: "hint", hint } });
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(minute);

  expect(await callOff(run)).toMatchObject({ outcome: "refused", reason: "StoreUnavailable" });
  await world.time.advance(10 * minute);
  expect([hasDied, await sweep()]).toMatchObject([true, { openDebt: 2 }]);

  const { keys } = await world.ledger.secret(secretArn);
  expect(keys.find((key) => key.keyId === keyId)).toMatchObject({ state: "retiring" });
  expect(keys.filter(({ compromised }) => compromised)).toEqual([]);
});

test("a false alarm ends the wait for consumers, and the secret is free at once", async () => {
  world = new World();
  await world.secret({ consumers: [{ name: "billing", ...never }] });
  const [run] = await world.raise(await leakOfCurrent(world, { exposure: "private" }));
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(minute);
  expect(await world.incidentOf(run)).toMatchObject({ secrets: [{ replacement: "recovering" }] });

  await callOff(run);
  await world.time.advance(minute);

  expect(run.outcome?.status).toBe("SUCCEEDED");
  expect((await world.ledger.secret(secretArn)).lease).toBeUndefined();
});

describe("on a key that only a hint names", () => {
  const hint = "sk-...abcd";

  async function hinted(surroundings: Surroundings = noFaults): Promise<Run> {
    world = new World({ surroundings, capabilities: { quarantineContains: true } });
    await world.secret({ scopes, consumers: [{ name: "billing", ...never }] });
    const [known] = (await world.ledger.secret(secretArn)).keys;
    const { keyId = "", versionId = "" } = known ?? {};
    const holder = { fingerprint: aliasOfHint(hint), secretArn, versionId, keyId, role: "rotated" as const };
    await world.ledger.putHolder(holder);
    const [run] = await world.raise({ identity: { kind: "hint", hint } });
    if (run === undefined) throw new Error("nothing was started");
    await world.time.advance(minute);
    return run;
  }

  test("an undone quarantine takes the order to contain back: nobody revokes what somebody needs", async () => {
    const run = await hinted();
    const { incidentId: incident } = await world.incidentOf(run);
    await order({ command: "incident-contain-now", incident, reason: "sure" });
    await world.time.advance(2_000);
    expect(await onlyKey(world, run)).toMatchObject({ state: "quarantined" });

    await order({ command: "incident-undo-quarantine", incident, reason: "checkout needs it" });
    await world.time.advance(10 * minute);

    expect(await onlyKey(world, run)).toMatchObject({ state: "waiting" });
    expect(scopesOfFirst()).toEqual(scopes);
    expect(world.effects).not.toContainEqual(expect.stringMatching(/^delete/));
  });

  test("a false alarm that comes after the key was waived is refused, and nothing says that it was declared", async () => {
    let looks = 0;
    const waived: Surroundings = {
      ...noFaults,
      call: async <Answer>(call: BoundaryCall, effect: () => Promise<Answer>) => {
        const isLook = call.invocation.functionName === "admin" && call.operation === "get";
        if (isLook && JSON.stringify(call.given).includes("INCIDENT")) looks += 1;
        if (looks !== 2) return effect();
        looks += 1;
        const [{ incidentId: incident, keys } = { incidentId: "", keys: [] }] =
          await world.ledger.incidents.openIncidents();
        const key = keys[0]?.keyId;
        await ordered(world, { command: "incident-waive", incident, key, reason: "I take it" });
        await new Promise((resolve) => setTimeout(resolve, 150 * minute));
        return effect();
      },
    };
    const run = await hinted(waived);

    expect(await callOff(run)).toMatchObject({ outcome: "refused", reason: "IncidentOver" });
    expect(await world.incidentOf(run)).toMatchObject({ status: "closed" });
    expect(JSON.stringify(world.table.dump())).not.toContain("FalseAlarmDeclared");
  });
});
