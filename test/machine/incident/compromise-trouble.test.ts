import { incidentFacts } from "../../../core/incident/facts.ts";
import { containNow, falseAlarm } from "../../../core/incident/orders.ts";
import { placeHold } from "../../../core/rotation/wait.ts";
import { changeIncident } from "../../../functions/incident/record/change.ts";
import { aliasOfHint } from "../../../functions/key-index/identify-key.ts";
import { World } from "../../simulation/world/world.ts";
import { effectsOf, leakOfCurrent, onlyKey, pagesOf, secretArn } from "./compromise-story.ts";

const minute = 60_000;
let world: World;
afterEach(() => world.close());

const pagesTold = () => pagesOf(world);

test("a provider that cannot revoke is paged for at once, and the key's death is still proven", async () => {
  world = new World({ capabilities: { revoke: false } });
  await world.secret();
  const { keyId = "" } = (await world.ledger.secret(secretArn)).keys[0] ?? {};
  const [run] = await world.raise(await leakOfCurrent(world));
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(2 * minute);
  expect(pagesTold()).toEqual([
    ["notify opened", 0],
    ["page needsPerson", 0],
  ]);
  expect(await onlyKey(world, run)).toMatchObject({ state: "needsPerson", byHand: true });
  expect(effectsOf(world)).not.toContainEqual(expect.stringMatching(/^delete/));

  revokeByHand(keyId);
  await world.finish(run);
  expect(await onlyKey(world, run)).toMatchObject({ state: "dead", how: "refused" });
  expect((await world.incidentOf(run)).status).toBe("closed");
});

test("a replacement that fails pages at that moment, and a proven leak is contained anyway", async () => {
  world = new World({ provider: { faults: refuseMints } });
  await world.secret();
  const run = await world.compromise(await leakOfCurrent(world));

  // With no live key to compare with, refusals prove the death only after the time a provider may take.
  expect(pagesTold().map(([page]) => page)).toEqual([
    ...["notify opened", "page replacementFailed", "notify notYetDead", "page notYetDead"],
  ]);
  expect(await onlyKey(world, run)).toMatchObject({ state: "dead" });
  const { secrets, status } = await world.incidentOf(run);
  expect(secrets[0]).toMatchObject({ replacement: "failed" });
  expect(status).toBe("closed");
});

test("on suspicion a replacement that fails contains nothing before a person says so", async () => {
  world = new World({ provider: { faults: refuseMints } });
  await world.secret();
  const [run] = await world.raise(await leakOfCurrent(world, { exposure: "private" }));
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(30 * minute);

  expect(effectsOf(world)).not.toContainEqual(expect.stringMatching(/^delete/));
  expect(
    pagesTold()
      .slice(0, 3)
      .map(([page]) => page),
  ).toEqual(["page replacementFailed", "page notAccepted", "page deadlinePassed"]);
});

test("a provider that is down past the deadline is escalated before it, and the key dies when it is back", async () => {
  world = new World({
    provider: { faults: ({ operation }) => (operation === "revoke" && isDown() ? down : undefined) },
  });
  await world.secret();
  const startMs = world.time.nowMs();
  const run = await world.compromise(await leakOfCurrent(world));

  const told = world.pages.filter(({ severity }) => severity === "page");
  expect(told.map(({ reason }) => reason)).toContain("notAccepted");
  expect(told[0]?.atMs).toBeLessThan(startMs + 15 * minute);
  expect(await onlyKey(world, run)).toMatchObject({ state: "dead" });
  expect(incidentFacts(await world.incidentOf(run))).toMatchObject({ escalated: true });

  function isDown() {
    return world.time.nowMs() - startMs < 25 * minute;
  }
});

test("a revoke that is accepted and has no effect is asked for again until the key is dead", async () => {
  let isIgnored = true;
  const gone = { kind: "says", status: 200, json: {} } as const;
  world = new World({
    provider: {
      faults: ({ operation, request }) =>
        operation === "revoke" && isIgnored
          ? { ...gone, json: { id: request.path.split("/").at(-1), deleted: true } }
          : undefined,
    },
  });
  await world.secret();
  const [run] = await world.raise(await leakOfCurrent(world));
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(20 * minute);
  expect(await onlyKey(world, run)).toMatchObject({ state: "accepted", refusals: 0 });
  expect((await onlyKey(world, run)).revokesAgain).toBeGreaterThanOrEqual(3);

  isIgnored = false;
  await world.time.advance(60 * minute);
  expect(await onlyKey(world, run)).toMatchObject({ state: "dead" });
  expect((await world.incidentOf(run)).timeline.map(({ what }) => what)).toContain("revokeRepeated");
});

test("a key that dies sixteen minutes after its revoke keeps the two clocks apart", async () => {
  world = new World({ provider: { dieMs: 16 * minute }, propagation: { dieMs: 30 * minute } });
  await world.secret();
  const run = await world.compromise(await leakOfCurrent(world));

  const { detectedToRevokeMs = 0, detectedToDeadMs = 0 } = incidentFacts(await world.incidentOf(run));
  expect(detectedToRevokeMs).toBeLessThan(minute);
  expect(detectedToDeadMs).toBeGreaterThanOrEqual(16 * minute);
  expect(pagesTold()).toEqual([
    ["notify opened", 0],
    ["notify notYetDead", 5],
    ["page deadlinePassed", 14],
  ]);
});

test("a key that nobody contains or waives in a week leaves the machine, and never the list of open incidents", async () => {
  world = new World({ capabilities: { revoke: false } });
  await world.secret({ consumers: [], policy: { consumers: "none" } });
  const run = await world.compromise(await leakOfCurrent(world));

  expect(run.outcome).toMatchObject({ status: "FAILED", error: "NeedsHuman" });
  expect(run.history.length).toBeLessThan(25_000);
  expect(await world.incidentOf(run)).toMatchObject({ status: "needsPerson" });
  expect(await world.ledger.incidents.openIncidents()).toHaveLength(1);
  expect((await world.ledger.secret(secretArn)).lease).toBeUndefined();
  const [last, atMinutes = 0] = pagesTold().at(-1) ?? [];
  expect(last).toBe("page settled");
  expect(atMinutes).toBeGreaterThanOrEqual(7 * 24 * 60);
});

test("one refusal, by a region that forgot the key before the others, proves nothing", async () => {
  world = new World({ provider: { dieMs: 5 * minute }, propagation: { dieMs: 10 * minute } });
  await world.secret();
  const [run] = await world.raise(await leakOfCurrent(world));
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(minute);
  world.provider.inject({ kind: "answer", status: 401, code: "invalid_api_key", on: "models" });
  await world.finish(run);

  const { acceptedAtMs = 0, deadAtMs = 0, probes, refusals } = await onlyKey(world, run);
  expect(world.effects.filter((effect) => effect === "verify k1: 401").length).toBeGreaterThan(refusals);
  expect(deadAtMs - acceptedAtMs).toBeGreaterThan(5 * minute);
  expect(probes).toBeGreaterThan(refusals);
});

test("no report of containment is filed before every key is proven dead", async () => {
  world = new World({ provider: { dieMs: 5 * minute } });
  await world.secret();
  const [run] = await world.raise(await leakOfCurrent(world));
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(minute);
  const { incidentId, keys } = await world.incidentOf(run);
  expect(keys).toMatchObject([{ state: "accepted" }]);
  const at = new Date(world.time.nowMs()).toISOString();
  const filed = await world.invoke("file-report", { incidentId, at, when: "containment" });

  expect(filed).toEqual({ outcome: "notContained" });
  expect(world.reports).toEqual([]);
});

test("a hold does not stop containment; it pages", async () => {
  world = new World();
  await world.secret();
  await world.ledger.changeSecret(secretArn, (record) =>
    placeHold(record, { by: "ada", reason: "freeze week" }),
  );
  const run = await world.compromise(await leakOfCurrent(world));

  expect(await onlyKey(world, run)).toMatchObject({ state: "dead" });
  expect(pagesTold().map(([page]) => page)).toEqual(["notify opened", "page held"]);
});

test("a stop does not stop containment, unless it says so", async () => {
  world = new World();
  await world.secret();
  const stop = { scope: "all", by: "ada", reason: "maintenance" };
  await world.ledger.putStop({ ...stop, includingIncidents: true });
  const [run] = await world.raise(await leakOfCurrent(world));
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(6 * minute);
  expect(effectsOf(world)).not.toContainEqual(expect.stringMatching(/^delete/));
  expect(pagesTold().map(([page]) => page)).toContain("page needsPerson");

  await world.ledger.putStop({ ...stop, includingIncidents: false });
  await world.finish(run);
  expect(await onlyKey(world, run)).toMatchObject({ state: "dead" });
});

test("a deadline that is past when the alert arrives opens escalated", async () => {
  world = new World({ provider: { dieMs: 5 * minute } });
  await world.secret();
  const detectedAtMs = world.time.nowMs() - 60 * minute;
  const run = await world.compromise(await leakOfCurrent(world, { detectedAtMs }));

  expect(pagesTold()[1]?.[1]).toBe(0);
  const { deadlineAtMs, openedAtMs = 0 } = await world.incidentOf(run);
  expect(deadlineAtMs).toBe(detectedAtMs + 15 * minute);
  expect(world.pages.filter(({ severity }) => severity === "page")[0]?.atMs).toBeLessThan(
    openedAtMs + minute,
  );
});

test("an execution that is stopped leaves the incident to a person, and a new alert takes it up again", async () => {
  world = new World({ capabilities: { revoke: false } });
  await world.secret();
  const story = await leakOfCurrent(world);
  const { keyId = "" } = (await world.ledger.secret(secretArn)).keys[0] ?? {};
  const [run] = await world.raise(story);
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(minute);
  run.stop("by hand");
  await world.time.advance(minute);
  expect(await world.incidentOf(run)).toMatchObject({ status: "needsPerson" });
  expect((await world.ledger.secret(secretArn)).lease).toBeUndefined();
  expect(pagesTold().map(([page]) => page)).toContain("page settled");

  revokeByHand(keyId);
  const again = await world.compromise({ ...story, sourceId: "another" });
  expect(again.rotationId).not.toBe(run.rotationId);
  expect(await world.incidentOf(again)).toMatchObject({ status: "closed" });
});

test("a leaked key that is gone is found out beside a key of a lost run that is gone too", async () => {
  world = new World();
  await world.secret();
  const { keyId = "" } = (await world.ledger.secret(secretArn)).keys[0] ?? {};
  // A run without its fence took back what it had minted, and may not write that down.
  const lost = {
    name: "rekey/r-lost/1",
    state: "minted",
    keyId: "key_FAKElost",
    rotationId: "r-lost",
  } as const;
  await world.ledger.changeSecret(secretArn, (record) => ({ ...record, keys: [lost, ...record.keys] }));
  const story = await leakOfCurrent(world);
  revokeByHand(keyId);

  const run = await world.compromise(story);
  expect(await onlyKey(world, run)).toMatchObject({ keyId, state: "dead" });
  expect(await world.incidentOf(run)).toMatchObject({ status: "closed" });
  expect(world.pages.map(({ reason }) => reason)).not.toContain("needsPerson");
});

test("a promotion that takes longer than the head start does not hold up containment", async () => {
  world = new World({ provider: { activateMs: 45_000 } });
  await world.secret();
  const run = await world.compromise(await leakOfCurrent(world));

  const { acceptedAtMs = 0 } = await onlyKey(world, run);
  const { openedAtMs = 0, secrets, status } = await world.incidentOf(run);
  expect(acceptedAtMs - openedAtMs).toBe(10_000);
  expect(secrets[0]?.promotedAtMs ?? 0).toBeGreaterThan(acceptedAtMs);
  expect(status).toBe("closed");
  expect(incidentFacts(await world.incidentOf(run)).outageMs).toBeGreaterThan(30_000);
});

test("a key whose quarantine would leave it some power is revoked at once, even where somebody may need it", async () => {
  world = new World({ provider: { activateMs: 45_000 } });
  await world.secret({ scopes: ["api.model.read", "api.model.request"] });
  const run = await world.compromise(await leakOfCurrent(world));

  const { timeline } = await world.incidentOf(run);
  expect(timeline.map(({ what }) => what)).not.toContain("quarantined");
  expect((await onlyKey(world, run)).state).toBe("dead");
});

test("where it can be undone exactly, a key that somebody may need is quarantined before it is revoked", async () => {
  world = new World({ provider: { activateMs: 45_000 }, capabilities: { quarantineContains: true } });
  await world.secret({ scopes: ["api.model.read", "api.model.request"] });
  const run = await world.compromise(await leakOfCurrent(world));

  const { openedAtMs = 0, timeline, status } = await world.incidentOf(run);
  const { quarantinedAtMs = 0, acceptedAtMs = 0 } = await onlyKey(world, run);
  expect(quarantinedAtMs - openedAtMs).toBe(10_000);
  expect(acceptedAtMs).toBeGreaterThan(quarantinedAtMs);
  expect(acceptedAtMs - quarantinedAtMs).toBeLessThanOrEqual(minute);
  expect(timeline.map(({ what }) => what)).toEqual(
    expect.arrayContaining(["quarantineIntended", "quarantined", "revokeIntended", "revokeAccepted", "dead"]),
  );
  expect(status).toBe("closed");
});

test("the rotation after a failed replacement makes up for it", async () => {
  let isRefusing = true;
  world = new World({ provider: { faults: (call) => (isRefusing ? refuseMints(call) : undefined) } });
  await world.secret();
  await world.compromise(await leakOfCurrent(world));
  isRefusing = false;

  const rotation = await world.rotate(secretArn);
  expect(rotation.outcome).toMatchObject({ status: "SUCCEEDED" });
  // The mint that was refused may still arrive as far as anybody knows: its intent is the sweep's.
  const { keys } = await world.ledger.secret(secretArn);
  expect(keys.map(({ state }) => state)).toEqual(["intended", "current"]);
  expect(await world.ledger.debts()).toEqual([]);
});

/** As the index has it once it has seen the key. */
async function indexHint(): Promise<void> {
  const { keyId = "", versionId = "" } = (await world.ledger.secret(secretArn)).keys[0] ?? {};
  await world.ledger.putHolder({
    fingerprint: aliasOfHint("sk-...AAAA"),
    secretArn,
    versionId,
    keyId,
    role: "rotated",
  });
}

test("a hint replaces and pages, and contains only on a person's order", async () => {
  world = new World();
  await world.secret();
  await indexHint();
  const [run] = await world.raise({ identity: { kind: "hint", hint: "sk-...AAAA" } });
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(20 * minute);
  expect(pagesTold()[0]).toEqual(["page needsPerson", 0]);
  expect(effectsOf(world)).toContain("move AWSCURRENT to v2");
  expect(effectsOf(world)).not.toContainEqual(expect.stringMatching(/^delete/));

  const { incidentId } = await world.incidentOf(run);
  const word = { by: "ada", reason: "it is ours", atMs: world.time.nowMs() };
  await changeIncident(incidentId, (record) => containNow(record, word), world.depsOutside("admin"));
  await world.finish(run);
  expect(await onlyKey(world, run)).toMatchObject({ state: "dead" });
  expect((await world.incidentOf(run)).timeline).toContainEqual(
    expect.objectContaining({ what: "revokeIntended", detail: "contain now, ordered by ada: it is ours" }),
  );
});

test("an exact alert about a key that a hint had named makes the plan stronger", async () => {
  world = new World();
  await world.secret();
  await indexHint();
  const exact = await leakOfCurrent(world, { sourceId: "exact" });
  const [run] = await world.raise({ identity: { kind: "hint", hint: "sk-...AAAA" } });
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(minute);
  expect(await world.raise(exact)).toEqual([run]);
  await world.finish(run);

  expect(await world.incidentOf(run)).toMatchObject({ plan: "contain-first", status: "closed" });
});

test("a flood of inexact alerts joins one triage incident, and an exact match is not kept waiting by it", async () => {
  world = new World();
  await world.secret();
  for (let n = 0; n < 15; n++) {
    await world.raise({
      sourceId: `flood-${n}`,
      verified: "unknown",
      identity: { kind: "location", url: `https://example.com/${n}` },
    });
  }
  const subjects = (await world.ledger.incidents.incidents()).map(({ subject }) => subject);
  expect(subjects).toHaveLength(11);
  expect(subjects).toContain("triage/inexact alerts");

  const run = await world.compromise(await leakOfCurrent(world));
  expect(await onlyKey(world, run)).toMatchObject({ state: "dead" });
  await world.time.advance(minute);
  const flood = world.pages.filter(({ reason }) => reason === "breakerOpen");
  expect(flood.length).toBeLessThan(4);
  expect(flood.at(-1)?.why).toMatch(/^the breaker is open: .*: 4 or more so far, some of them in public$/);
});

test("a false alarm revokes nothing, and the next rotation finishes what was begun, through its gate", async () => {
  world = new World({ provider: { activateMs: 30_000 } });
  await world.secret();
  const [run] = await world.raise(await leakOfCurrent(world, { exposure: "private" }));
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(5_000);
  const { incidentId } = await world.incidentOf(run);
  const word = { by: "ada", reason: "a test key", atMs: world.time.nowMs() };
  await changeIncident(incidentId, (record) => falseAlarm(record, word), world.depsOutside("admin"));
  await world.finish(run);
  expect(await world.incidentOf(run)).toMatchObject({ status: "falseAlarm" });
  expect(effectsOf(world)).not.toContainEqual(expect.stringMatching(/^delete/));

  expect((await world.rotate(secretArn)).outcome?.status).toBe("SUCCEEDED");
  expect((await world.ledger.secret(secretArn)).keys).toMatchObject([{ state: "current" }]);
});

const down = { kind: "dropped" as const };

function refuseMints({ operation }: { readonly operation: string }) {
  return operation === "mint"
    ? { kind: "answer" as const, status: 403, code: "insufficient_permissions" }
    : undefined;
}

function revokeByHand(keyId: string): void {
  world.provider.handle({
    method: "DELETE",
    path: `/v1/organization/projects/proj_FAKE/api_keys/${keyId}`,
    query: new URLSearchParams(),
    headers: { authorization: `Bearer ${world.provider.adminKey}` },
    body: undefined,
  });
}
