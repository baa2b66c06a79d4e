import { parse } from "yaml";
import { StoreUnavailable } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import { aliasesOf, fingerprintOf } from "../../events/fingerprint.ts";
import { answerAdmin } from "../../functions/admin/answer.ts";
import { awaitKey } from "../../functions/rotation/await-key.ts";
import { openRotation } from "../../functions/rotation/open-rotation.ts";
import { keyIn, withKey } from "../../stores/value.ts";
import {
  ADMIN_ARN,
  type AdminWorld,
  ANNA,
  adminWorld,
  arnOf,
  envelopeOf,
  fileWith,
  NOON_MS,
} from "./admin-world.ts";

const apply = (world: AdminWorld, file: string, options: { dryRun?: boolean; prune?: boolean } = {}) =>
  world.send({ command: "apply", files: [{ path: "rekey.yml", data: parse(file) }], ...options });

async function appliedWorld(secrets: Readonly<Record<string, string>> = { "billing-key": "" }, mints = true) {
  const world = adminWorld();
  const keys = Object.fromEntries(Object.keys(secrets).map((name) => [name, world.secret(name)]));
  const { answer } = await apply(world, fileWith({ secrets, mints }));
  expect(answer.outcome).toBe("applied");
  return { world, keys };
}

/** What the ledger holds, without the orders that it remembers as given. */
function stored({ table }: AdminWorld) {
  return table.dump().filter(({ kind }) => kind !== "ORDER");
}

async function openRun(world: AdminWorld, name = "billing-key", rotationId = "r-1") {
  const executionArn = `arn:aws:states:eu-west-1:111122223333:execution:rekey-rotation:${rotationId}`;
  const at = NOON_MS;
  const input = { secretArn: arnOf(name), rotationId, executionArn, trigger: "test", at };
  return openRotation.run(input, world.depsOf("open-rotation"));
}

describe("who may call", () => {
  test("a request on which AWS wrote no principal is refused and changes nothing", async () => {
    const { world } = await appliedWorld();
    const event = {
      body: envelopeOf(JSON.stringify({ command: "hold", secret: "billing-key", reason: "x" })),
      requestContext: { requestId: "r", timeEpoch: NOON_MS },
    };
    const reply = await answerAdmin(event, world.deps);
    expect(reply.statusCode).toBe(403);
    expect((await world.ledger.secret(arnOf("billing-key"))).hold).toBeUndefined();
  });

  test.each([
    ["no command", {}],
    ["a command of Object's", { command: "constructor" }],
    ["a field that nobody reads", { command: "hold", secret: "billing-key", reason: "x", by: "root" }],
    ["no JSON", "{"],
    ["a reason that would break a log line", { command: "hold", secret: "billing-key", reason: "a\nb" }],
  ])("%s is refused as invalid input", async (_title, body) => {
    const { world } = await appliedWorld();
    const { statusCode, answer } = await world.send(body);
    expect(statusCode).toBe(400);
    expect(answer).toMatchObject({ outcome: "refused", reason: "InputInvalid" });
  });

  test("an unforeseen failure shows its name and none of what it quotes", async () => {
    const { world } = await appliedWorld();
    const broken = {
      ...world.deps,
      schedules: { ...world.schedules, list: () => Promise.reject(new TypeError("sk-FAKE")) },
    };
    const event = {
      body: envelopeOf(JSON.stringify({ command: "examine" })),
      requestContext: { requestId: "r", timeEpoch: NOON_MS, authorizer: { iam: { userArn: ANNA } } },
    };
    const reply = await answerAdmin(event, broken);
    expect(reply.statusCode).toBe(500);
    expect(reply.body).toContain("TypeError");
    expect(reply.body).not.toContain("sk-FAKE");
  });
});

describe("apply", () => {
  test("a dry run shows the plan and writes nothing", async () => {
    const world = adminWorld();
    world.secret("billing-key");
    const before = stored(world);
    const { answer } = await apply(world, fileWith({ secrets: { "billing-key": "" } }), { dryRun: true });
    expect(answer).toMatchObject({ outcome: "planned", environment: "production" });
    expect(answer["plan"]).toMatchObject([
      { kind: "policy", action: "create", name: "billing-key" },
      { kind: "schedule", action: "create" },
    ]);
    expect(stored(world)).toEqual(before);
    expect(world.schedules.writes).toBe(0);
  });

  test("the current key is adopted as it is, and every labelled version is found by its fingerprint", async () => {
    const world = adminWorld();
    const { keyId, secret, secretArn } = world.secret("billing-key");
    const next = world.provider.addKey({ name: "put by hand" });
    const current = world.store.setCurrent(secretArn, next.secret.reveal());

    await apply(world, fileWith({ secrets: { "billing-key": "" } }));

    const record = await world.ledger.secret(secretArn);
    expect(record.keys).toMatchObject([{ state: "current", keyId: next.keyId, versionId: current }]);
    expect(record.run).toBeUndefined();
    expect(await world.ledger.holders(fingerprintOf(next.secret))).toMatchObject([
      { keyId: next.keyId, role: "rotated" },
    ]);
    expect(await world.ledger.holders(aliasesOf(secret).hmsl)).toMatchObject([
      { secretArn, role: "rotated" },
    ]);
    expect(await world.ledger.holders(fingerprintOf(world.provider.adminKey))).toMatchObject([
      { secretArn: ADMIN_ARN, role: "admin" },
    ]);
    expect(world.executions.started).toEqual([]);
    expect(world.provider.state().map((key) => key.keyId)).toEqual([keyId, next.keyId]);
    expect(world.provider.counters().byOperation).toEqual({ list: 1 });
    expect(await world.told("billing-key")).toEqual(["PolicyApplied by anna"]);
  });

  test("many secrets are adopted with one listing of their account, and each application makes its own", async () => {
    const names = Array.from({ length: 40 }, (_, n) => `key-${n}`);
    const world = adminWorld();
    for (const name of names) world.secret(name);
    const before = world.provider.counters();
    const file = fileWith({ secrets: Object.fromEntries(names.map((name) => [name, ""])) });
    expect((await apply(world, file)).answer.outcome).toBe("applied");
    expect(world.provider.counters().calls - before.calls).toBe(1);

    world.secret("late-key");
    const more = fileWith({ secrets: Object.fromEntries([...names, "late-key"].map((name) => [name, ""])) });
    expect((await apply(world, more)).answer.outcome).toBe("applied");
    expect(world.provider.counters().calls - before.calls).toBe(2);
  });

  test("a listing that failed is made again for the secrets whose turn is later", async () => {
    const names = Array.from({ length: 20 }, (_, n) => `key-${n}`);
    const world = adminWorld();
    for (const name of names) world.secret(name);
    world.provider.inject({ kind: "throttled" });
    const { answer } = await apply(
      world,
      fileWith({ secrets: Object.fromEntries(names.map((name) => [name, ""])) }),
    );
    const outcomes = (answer["secrets"] as readonly { outcome: string; error?: string }[]).map(
      ({ outcome, error }) => error ?? outcome,
    );
    expect(new Set(outcomes)).toEqual(new Set(["ProviderThrottled", "created"]));
    expect(outcomes.filter((each) => each === "ProviderThrottled").length).toBeLessThanOrEqual(8);
  });

  test("applying the same file again changes and tells nothing", async () => {
    const { world } = await appliedWorld();
    const before = stored(world).filter(({ kind }) => kind !== "FINGERPRINT");
    const writes = world.schedules.writes;
    const { answer } = await apply(world, fileWith({ secrets: { "billing-key": "" } }));
    expect(answer["secrets"]).toMatchObject([{ outcome: "unchanged" }]);
    expect(stored(world).filter(({ kind }) => kind !== "FINGERPRINT")).toEqual(before);
    expect(world.schedules.writes).toBe(writes);
  });

  test("one bad secret keeps what it had and stops none of the others", async () => {
    const world = adminWorld();
    world.secret("good");
    world.store.create(arnOf("empty"));
    world.store.create(arnOf("foreign"), "sk-svcacct-FAKE-another-project-0000000000");
    const secrets = { empty: "", good: "", foreign: "", missing: "" };
    const { answer } = await apply(world, fileWith({ secrets }));
    expect(answer.outcome).toBe("partly");
    expect(answer["secrets"]).toMatchObject([
      { name: "empty", outcome: "failed", error: "SecretUnusable" },
      { name: "good", outcome: "created" },
      { name: "foreign", outcome: "failed", error: "CurrentKeyUnknown" },
      { name: "missing", outcome: "failed", error: "SecretUnusable" },
    ]);
    expect((await world.ledger.policies()).map(({ name }) => name)).toEqual(["good"]);
    expect(world.schedules.stored.size).toBe(1);
  });

  test("two secrets with the same key are both refused, even when they are adopted at once", async () => {
    const world = adminWorld();
    const { secret } = world.secret("first");
    world.store.create(arnOf("second"), secret.reveal());
    const { answer } = await apply(world, fileWith({ secrets: { first: "", second: "" } }));
    expect(answer["secrets"]).toMatchObject([
      { outcome: "failed", error: "KeyShared" },
      { outcome: "failed", error: "KeyShared" },
    ]);
  });

  test("a missing admin credential is named for each secret that needs it", async () => {
    const world = adminWorld();
    world.secret("billing-key");
    const file = fileWith({ secrets: { "billing-key": "" } }).replaceAll(
      "rekey/admin/openai",
      "rekey/admin/other",
    );
    const { answer } = await apply(world, file);
    expect(answer["secrets"]).toMatchObject([{ outcome: "failed", error: "AdminCredentialRefused" }]);
  });

  test("a secret that is only watched is fingerprinted, and gets no schedule", async () => {
    const { world, keys } = await appliedWorld({ partner: "provider: main, mode: index" });
    const holders = await world.ledger.holders(fingerprintOf(keys["partner"]?.secret ?? ""));
    expect(holders).toMatchObject([{ role: "index" }]);
    expect(world.schedules.stored.size).toBe(0);
  });

  test("a secret that leaves its file is named and kept, and pruning takes its schedule and policy", async () => {
    const { world } = await appliedWorld({ a: "", b: "" });
    const file = fileWith({ secrets: { a: "" } });
    expect((await apply(world, file)).answer["secrets"]).toMatchObject([
      { name: "a", outcome: "unchanged" },
      { name: "b", outcome: "left", reason: expect.stringContaining("--prune") },
    ]);
    expect(world.schedules.stored.size).toBe(2);
    const { answer } = await apply(world, file, { prune: true });
    expect(answer["secrets"]).toMatchObject([
      { name: "a", outcome: "unchanged" },
      { name: "b", outcome: "removed" },
    ]);
    expect((await world.ledger.policies()).map(({ name }) => name)).toEqual(["a"]);
    expect([...world.schedules.stored.values()].map(({ secretArn }) => secretArn)).toEqual([arnOf("a")]);
  });

  test("a file for another environment is refused before anything is looked at", async () => {
    const { world } = await appliedWorld();
    const before = world.provider.counters().calls;
    const { answer } = await apply(
      world,
      fileWith({ secrets: { "billing-key": "" }, environment: "staging" }),
    );
    expect(answer).toMatchObject({
      ...{ outcome: "refused", reason: "PolicyInvalid" },
      detail: "the file is for staging, and this deployment is production",
    });
    expect(world.provider.counters().calls).toBe(before);
    expect(await world.ledger.policy(arnOf("billing-key"))).toMatchObject({ environment: "production" });
  });

  test("while a run holds the secret its labels stay untouched and its policy stays", async () => {
    const { world } = await appliedWorld({ a: "", b: "" });
    await openRun(world, "a");
    const pending = world.store.setCurrent(arnOf("a"), "sk-svcacct-FAKE-hand");
    world.store.moveByHand({ secretArn: arnOf("a"), label: "AWSPENDING", to: pending });
    const before = await world.store.labels(arnOf("a"));
    const { answer } = await apply(world, fileWith({ secrets: { b: "" } }), { prune: true });
    expect(answer["secrets"]).toMatchObject([{ name: "b" }, { name: "a", outcome: "kept" }]);
    expect(await world.store.labels(arnOf("a"))).toEqual(before);
    expect(await world.ledger.policy(arnOf("a"))).toBeDefined();
  });

  test("somebody else's pending version is left alone and named", async () => {
    const world = adminWorld();
    const { secretArn, secret } = world.secret("billing-key");
    const hand = world.store.setCurrent(secretArn, "sk-svcacct-FAKE-hand");
    world.store.setCurrent(secretArn, secret.reveal());
    world.store.moveByHand({ secretArn, label: "AWSPENDING", to: hand });
    const before = await world.store.labels(secretArn);
    const { answer } = await apply(world, fileWith({ secrets: { "billing-key": "" } }));
    expect(answer["secrets"]).toMatchObject([{ outcome: "failed", error: "PendingHeld" }]);
    expect(await world.store.labels(secretArn)).toEqual(before);
  });

  test("mistakes come back in words, and nothing is applied", async () => {
    const world = adminWorld();
    const { statusCode, answer } = await apply(world, "version: 2\n");
    expect(statusCode).toBe(422);
    expect(answer["mistakes"]).toContainEqual("rekey.yml: version: this Rekey reads version 1");
    expect(stored(world)).toEqual([]);
  });
});

describe("rotate", () => {
  test("starts one execution under the caller's name, however often it is sent", async () => {
    const { world } = await appliedWorld();
    const order = { command: "rotate", secret: "billing-key", reason: "quarterly", name: "manual-1" };
    const first = await world.send(order);
    const second = await world.send(order);
    expect(first.answer).toMatchObject({ outcome: "started", rotationId: "manual-1" });
    expect(second.answer).toMatchObject({ outcome: "alreadyStarted" });
    expect(world.executions.started).toEqual([
      {
        name: "manual-1",
        input: {
          ...{ secretArn: arnOf("billing-key"), trigger: "manual: quarterly" },
          ...{ requestedBy: ANNA, requestedAt: "2026-11-22T12:00:00.000Z" },
        },
      },
    ]);
  });

  test("a second one while a run holds the secret says which run", async () => {
    const { world } = await appliedWorld();
    await openRun(world);
    const { statusCode, answer } = await world.send({ command: "rotate", secret: "billing-key" });
    expect(statusCode).toBe(409);
    expect(answer).toMatchObject({
      outcome: "refused",
      reason: "Busy",
      detail: expect.stringContaining("r-1"),
    });
  });

  test.each([
    ["held", { command: "hold", secret: "billing-key", reason: "launch day" }, "Held"],
    ["stopped", { command: "stop", provider: "main", reason: "provider trouble" }, "Stopped"],
  ])("a %s secret is not rotated", async (_title, before, reason) => {
    const { world } = await appliedWorld();
    await world.send(before);
    const { answer } = await world.send({ command: "rotate", secret: "billing-key" });
    expect(answer).toMatchObject({ outcome: "refused", reason });
    expect(world.executions.started).toEqual([]);
  });

  test("a secret that no policy names is unknown, and the nearest is suggested", async () => {
    const { world } = await appliedWorld();
    const { statusCode, answer } = await world.send({ command: "rotate", secret: "biling-key" });
    expect(statusCode).toBe(404);
    expect(answer).toMatchObject({ reason: "UnknownSecret", hint: "did you mean billing-key?" });
  });
});

describe("hold and release", () => {
  test("a hold names the principal, and its release ends it", async () => {
    const { world } = await appliedWorld();
    await world.send({ command: "hold", secret: arnOf("billing-key"), reason: "launch day" });
    expect((await world.ledger.secret(arnOf("billing-key"))).hold).toEqual({
      by: ANNA,
      reason: "launch day",
    });
    await world.send({ command: "release", secret: "billing-key" });
    expect((await world.ledger.secret(arnOf("billing-key"))).hold).toBeUndefined();
    expect(await world.told("billing-key")).toEqual([
      "PolicyApplied by anna",
      "HoldPlaced by anna",
      "HoldReleased by anna",
    ]);
  });

  test("a hold wakes the waiting run, once its decision is another one", async () => {
    const { world } = await promotedWorld();
    const { answer } = await world.send({ command: "hold", secret: "billing-key", reason: "launch day" });
    expect(answer).toMatchObject({ outcome: "held", run: "woken" });
    expect(world.executions.callbacks).toEqual([
      { token: "token-1", output: { outcome: "decisionChanged" } },
    ]);
  });

  test("a freeze is lifted only by someone who says that they looked", async () => {
    const { world } = await appliedWorld();
    const secretArn = arnOf("billing-key");
    await world.ledger.changeSecret(secretArn, (record) => ({
      ...record,
      frozen: { reason: "moved by hand" },
    }));
    await world.send({ command: "hold", secret: "billing-key", reason: "looking" });
    const { answer } = await world.send({ command: "release", secret: "billing-key" });
    expect(answer).toMatchObject({ outcome: "released", stillFrozen: "moved by hand" });
    expect((await world.ledger.secret(secretArn)).frozen).toBeDefined();
    expect((await world.send({ command: "release", secret: "billing-key" })).answer).toMatchObject({
      reason: "Frozen",
    });
    await world.send({ command: "release", secret: "billing-key", unfreeze: true });
    expect((await world.ledger.secret(secretArn)).frozen).toBeUndefined();
    expect((await world.send({ command: "release", secret: "billing-key" })).answer).toMatchObject({
      reason: "NotHeld",
    });
  });
});

describe("attest", () => {
  const attested =
    "provider: main, rotate: manual, consumers: [{ name: batch, evidence: [attestation] }, { name: web }]";

  test("an attestation is stored as evidence for the incoming version, and wakes the run", async () => {
    const { world } = await promotedWorld(attested);
    const { answer } = await world.send({ command: "attest", secret: "billing-key", consumer: "batch" });
    expect(answer).toMatchObject({ outcome: "attested", versionId: "v-incoming", run: "woken" });
    expect(await world.ledger.evidence(arnOf("billing-key"))).toMatchObject([
      {
        kind: "attestation",
        consumer: "batch",
        principal: ANNA,
        versionId: "v-incoming",
        account: "111122223333",
      },
    ]);
  });

  test.each([
    ["a consumer that the policy does not ask a person about", "web", "AttestationNotAccepted"],
    ["a consumer that no policy declares", "bach", "UnknownConsumer"],
  ])("%s is refused", async (_title, consumer, reason) => {
    const { world } = await promotedWorld(attested);
    const { answer } = await world.send({ command: "attest", secret: "billing-key", consumer });
    expect(answer).toMatchObject({ outcome: "refused", reason });
    expect(await world.ledger.evidence(arnOf("billing-key"))).toEqual([]);
  });

  test("without a promoted run there is nothing to attest", async () => {
    const { world } = await appliedWorld();
    const { answer } = await world.send({ command: "attest", secret: "billing-key", consumer: "billing" });
    expect(answer).toMatchObject({ reason: "NothingToAttest" });
  });
});

describe("stop and resume", () => {
  test("a stop is stored with its author, logged in the deployment's log, and lifted again", async () => {
    const { world } = await appliedWorld();
    const stopped = await world.send({
      command: "stop",
      all: true,
      reason: "trouble",
      includingIncidents: true,
    });
    expect(stopped.answer).toMatchObject({ outcome: "stopped", scope: "all", secrets: 1 });
    expect(await world.ledger.stops()).toEqual([
      { scope: "all", by: ANNA, reason: "trouble", includingIncidents: true },
    ]);
    expect((await world.send({ command: "resume", all: true })).answer).toMatchObject({ outcome: "resumed" });
    expect(await world.ledger.stops()).toEqual([]);
    expect(await world.told("rekey")).toEqual(["Stopped by anna", "Resumed by anna"]);
    expect((await world.send({ command: "resume", all: true })).answer).toMatchObject({
      outcome: "notStopped",
    });
  });

  test("a stop wakes the runs it covers", async () => {
    const { world } = await promotedWorld();
    const { answer } = await world.send({ command: "stop", environment: "production", reason: "trouble" });
    expect(answer).toMatchObject({ scope: "environment/production", woken: 1 });
  });

  test.each([
    ["covers nothing", { provider: "mian" }, "UnknownScope"],
    ["names nothing", {}, "ScopeUnclear"],
    ["names two things", { all: true, provider: "main" }, "ScopeUnclear"],
  ])("a stop that %s is refused", async (_title, scope, reason) => {
    const { world } = await appliedWorld();
    const { answer } = await world.send({ command: "stop", reason: "trouble", ...scope });
    expect(answer).toMatchObject({ outcome: "refused", reason });
    expect(await world.ledger.stops()).toEqual([]);
  });

  test("a stop outlives its policies and can still be lifted", async () => {
    const { world } = await appliedWorld({ a: "", b: "" });
    await world.send({ command: "stop", secret: "b", reason: "trouble" });
    await apply(world, fileWith({ secrets: { a: "" } }));
    expect((await world.send({ command: "resume", secret: arnOf("b") })).answer).toMatchObject({
      outcome: "resumed",
    });
  });
});

describe("supply", () => {
  test("a supplied key is staged under its id and the machine goes on; a repeat changes nothing", async () => {
    const { world, versionId, keyId } = await suppliedWorld();
    const order = { command: "supply", secret: "billing-key", versionId };
    const { answer } = await world.send(order);
    expect(answer).toMatchObject({ outcome: "supplied", keyId, versionId, rotationId: "r-1" });
    const record = await world.ledger.secret(arnOf("billing-key"));
    expect(record.run).toMatchObject({ phase: "staged", attempt: 1, incoming: { keyId, versionId } });
    expect(record.wait).toBeUndefined();
    expect(world.executions.callbacks).toMatchObject([
      { token: "token-s", output: { outcome: "staged", keyId } },
    ]);
    expect((await world.send(order)).answer).toMatchObject({ outcome: "refused", reason: "NoKeyWanted" });
  });

  test("neither a hold nor an applied policy ends the wait for a key", async () => {
    const { world } = await suppliedWorld();
    await world.send({ command: "hold", secret: "billing-key", reason: "x" });
    expect(world.executions.callbacks).toEqual([]);
  });

  test("the retiring key is not taken for an incoming one, and its version loses its labels", async () => {
    const { world } = await suppliedWorld();
    const { text } = await world.store.read(arnOf("billing-key"));
    const versionId = await put(world, text);
    const { answer } = await world.send({ command: "supply", secret: "billing-key", versionId });
    expect(answer).toMatchObject({ outcome: "refused", reason: "KeyShared" });
    expect((await world.store.labels(arnOf("billing-key")))[versionId] ?? []).toEqual([]);
    expect((await world.ledger.secret(arnOf("billing-key"))).run?.phase).toBe("opened");
  });

  test("a key that the provider does not list is refused", async () => {
    const { world } = await suppliedWorld();
    const versionId = await put(world, new Secret("sk-svcacct-FAKE-another-project-1111111111"));
    const { answer } = await world.send({ command: "supply", secret: "billing-key", versionId });
    expect(answer).toMatchObject({ outcome: "refused", reason: "KeyIdUnknown" });
  });

  test("without a run that waits for it no key is wanted", async () => {
    const { world } = await appliedWorld();
    const versionId = "00000000-0000-4000-8000-00000000aaaa";
    const { answer } = await world.send({ command: "supply", secret: "billing-key", versionId });
    expect(answer).toMatchObject({ reason: "NoKeyWanted" });
  });
});

describe("what else is refused, and why", () => {
  test("a name that two environments use is ambiguous, and its ARN is not", async () => {
    const { world } = await appliedWorld();
    const [policy] = await world.ledger.policies();
    if (policy === undefined) throw new Error("no policy");
    await world.ledger.putPolicy({ ...policy, secretArn: arnOf("other"), environment: "staging" });
    const { answer } = await world.send({ command: "hold", secret: "billing-key", reason: "x" });
    expect(answer).toMatchObject({ reason: "AmbiguousSecret", hint: "give its ARN" });
    expect((await world.send({ command: "hold", secret: arnOf("other"), reason: "x" })).answer.outcome).toBe(
      "held",
    );
    const unknown = { command: "hold", secret: arnOf("unknown"), reason: "x" };
    expect((await world.send(unknown)).answer).toMatchObject({
      reason: "UnknownSecret",
      hint: expect.stringContaining("status"),
    });
  });

  test.each(["hold", "release", "attest", "supply"])(
    "%s of an unknown secret is refused",
    async (command) => {
      const { world } = await appliedWorld();
      const more = {
        attest: { consumer: "w" },
        supply: { versionId: "v".repeat(32) },
        hold: { reason: "x" },
      };
      const body = { command, secret: "nothing-like-it", ...more[command as keyof typeof more] };
      expect((await world.send(body)).answer).toMatchObject({ reason: "UnknownSecret" });
    },
  );

  test("a secret that is only watched or frozen is not rotated", async () => {
    const { world } = await appliedWorld({ a: "", partner: "provider: main, mode: index" });
    await world.ledger.changeSecret(arnOf("a"), (record) => ({
      ...record,
      frozen: { reason: "moved by hand" },
    }));
    expect((await world.send({ command: "rotate", secret: "partner" })).answer).toMatchObject({
      reason: "OnlyWatched",
    });
    expect((await world.send({ command: "rotate", secret: "a" })).answer).toMatchObject({ reason: "Frozen" });
    expect(world.executions.started).toEqual([]);
  });

  test("a consumer that runs in two environments has to be named with one", async () => {
    const both =
      "provider: main, rotate: manual, consumers: [{ name: w, evidence: [attestation] }, { name: w, environment: staging, evidence: [attestation] }]";
    const { world } = await promotedWorld(both);
    const order = { command: "attest", secret: "billing-key", consumer: "w" };
    expect((await world.send(order)).answer).toMatchObject({ reason: "AmbiguousConsumer" });
    expect((await world.send({ ...order, environment: "staging" })).answer).toMatchObject({
      outcome: "attested",
    });
  });

  test("a ledger that does not answer is a reason to try again", async () => {
    const { world } = await appliedWorld();
    Object.assign(world.deps.ledger, { policies: () => Promise.reject(new StoreUnavailable("not now")) });
    const { statusCode, answer } = await world.send({ command: "hold", secret: "billing-key", reason: "x" });
    expect(statusCode).toBe(503);
    expect(answer).toMatchObject({ reason: "StoreUnavailable", hint: "try again in a moment" });
  });
});

describe("apply, when things change", () => {
  test("our own leftover is left for the next run to strip", async () => {
    const { world } = await appliedWorld();
    const secretArn = arnOf("billing-key");
    const { text } = await world.store.read(secretArn);
    const left = world.store.setCurrent(secretArn, "sk-svcacct-FAKE-left");
    world.store.setCurrent(secretArn, text.reveal());
    world.store.moveByHand({ secretArn, label: "AWSPENDING", to: left });
    const stray = { name: "rekey/r-0/1", state: "stray" as const, versionId: left };
    await world.ledger.changeSecret(secretArn, (record) => ({ ...record, keys: [...record.keys, stray] }));
    await apply(world, fileWith({ secrets: { "billing-key": "" } }));
    expect((await world.store.labels(secretArn))[left]).toContain("AWSPENDING");
  });

  test("a secret that a run holds is not looked into: its run knows its keys", async () => {
    const { world } = await appliedWorld();
    await openRun(world);
    world.store.setCurrent(arnOf("billing-key"), "sk-svcacct-FAKE-another-project-2222222222");
    const { answer } = await apply(world, fileWith({ secrets: { "billing-key": "" } }));
    expect(answer["secrets"]).toMatchObject([{ outcome: "unchanged" }]);
  });

  test("a watched secret that cannot be read is said to be so", async () => {
    const world = adminWorld();
    world.store.create(arnOf("partner"), JSON.stringify({ other: "FAKE" }));
    const { answer } = await apply(
      world,
      fileWith({ secrets: { partner: "field: apiKey, provider: main, mode: index" } }),
    );
    expect(answer["secrets"]).toMatchObject([{ outcome: "failed", error: "SecretUnusable" }]);
  });

  test("a secret that is rotated by hand from now on loses its schedule", async () => {
    const { world } = await appliedWorld();
    const manual = { "billing-key": "provider: main, rotate: manual, consumers: none" };
    const { answer } = await apply(world, fileWith({ secrets: manual }));
    expect(answer["secrets"]).toMatchObject([{ outcome: "updated" }]);
    expect(world.schedules.stored.size).toBe(0);
    expect((await apply(world, fileWith({ secrets: manual }))).answer["secrets"]).toMatchObject([
      { outcome: "unchanged" },
    ]);
  });

  test("a schedule whose secret has no policy is removed", async () => {
    const { world } = await appliedWorld();
    const [schedule] = world.schedules.stored.values();
    if (schedule === undefined) throw new Error("no schedule");
    world.schedules.stored.set("orphan", { ...schedule, name: "orphan", secretArn: arnOf("gone") });
    await apply(world, fileWith({ secrets: { "billing-key": "" } }));
    expect([...world.schedules.stored.keys()]).toEqual([schedule.name]);
  });

  test("a key that somebody put by hand is adopted in place of the one before", async () => {
    const { world } = await appliedWorld();
    const { keyId, secret } = world.provider.addKey({ name: "by hand" });
    world.store.setCurrent(arnOf("billing-key"), secret.reveal());
    const { answer } = await apply(world, fileWith({ secrets: { "billing-key": "" } }));
    expect(answer["secrets"]).toMatchObject([{ outcome: "updated", keyId }]);
  });

  test("an earlier version without the field of today is passed over", async () => {
    const world = adminWorld();
    const { secret } = world.provider.addKey({ name: "by hand" });
    world.store.create(arnOf("json"), JSON.stringify({ other: "FAKE" }));
    world.store.setCurrent(arnOf("json"), JSON.stringify({ apiKey: secret.reveal() }));
    const block = "field: apiKey, provider: main, rotate: manual, consumers: none";
    const { answer } = await apply(world, fileWith({ secrets: { json: block } }));
    expect(answer["secrets"]).toMatchObject([{ outcome: "created" }]);
  });

  test("a changed policy wakes the run that waits, for a gate reads added consumers live", async () => {
    const { world } = await promotedWorld();
    const more = {
      "billing-key": "provider: main, rotate: { every: 30d }, consumers: [{ name: billing }, { name: new }]",
    };
    await apply(world, fileWith({ secrets: more }));
    expect(world.executions.callbacks).toHaveLength(1);
  });

  test("a debt keeps the policy of a secret that left the file", async () => {
    const { world } = await promotedWorld();
    world.secret("other");
    await world.ledger.changeSecret(arnOf("billing-key"), ({ lease: _freed, ...record }) =>
      record.run === undefined
        ? record
        : { ...record, run: { ...record.run, owed: { reason: "web is behind" } } },
    );
    const { answer } = await apply(world, fileWith({ secrets: { other: "" } }), { prune: true });
    expect(answer["secrets"]).toMatchObject([
      { name: "other", outcome: "created" },
      { name: "billing-key", outcome: "kept", reason: "web is behind: apply again when it is" },
    ]);
  });

  test("a request in base64 is read, as a function URL may send it", async () => {
    const { world } = await appliedWorld();
    const body = Buffer.from(envelopeOf(JSON.stringify({ command: "examine" }))).toString("base64");
    const iam = { userArn: ANNA };
    const requestContext = { requestId: "r", timeEpoch: NOON_MS, authorizer: { iam } };
    const reply = await answerAdmin({ body, isBase64Encoded: true, requestContext }, world.deps);
    expect(JSON.parse(reply.body)).toMatchObject({ outcome: "examined" });
  });
});

describe("a supplied key, further", () => {
  test("is found by its id where the provider shows too little, and only if the provider lists it", async () => {
    const { world, versionId, keyId } = await suppliedWorld();
    const order = { command: "supply", secret: "billing-key", versionId };
    expect((await world.send({ ...order, keyId: "key_unknown" })).answer).toMatchObject({
      reason: "KeyIdUnknown",
    });
    expect((await world.send({ ...order, keyId })).answer).toMatchObject({ outcome: "supplied", keyId });
  });

  test("that another secret holds is refused", async () => {
    const { world } = await suppliedWorld();
    const { secret } = world.secret("other");
    await apply(world, fileWith({ secrets: { "billing-key": "", other: "" }, mints: false }));
    const versionId = await put(world, secret);
    const { answer } = await world.send({ command: "supply", secret: "billing-key", versionId });
    expect(answer).toMatchObject({ reason: "KeyShared", detail: expect.stringContaining(arnOf("other")) });
  });

  test("after a lost callback the same version goes on, and another one is refused", async () => {
    const { world, versionId } = await suppliedWorld();
    const succeed = world.executions.succeed;
    Object.assign(world.deps.executions, { succeed: () => Promise.reject(new StoreUnavailable("lost")) });
    const order = { command: "supply", secret: "billing-key", versionId };
    expect((await world.send(order)).answer).toMatchObject({ reason: "StoreUnavailable" });
    Object.assign(world.deps.executions, { succeed });
    const other = { ...order, versionId: "00000000-0000-4000-8000-00000000aaaa" };
    expect((await world.send(other)).answer).toMatchObject({ reason: "SuppliedBefore" });
    expect((await world.send(order)).answer).toMatchObject({ outcome: "supplied" });
    expect((await world.ledger.secret(arnOf("billing-key"))).run).toMatchObject({
      phase: "staged",
      attempt: 1,
    });
  });
});

test("examine says which admin credentials work and how old the keys are", async () => {
  const { world, keys } = await appliedWorld();
  const { answer } = await world.send({ command: "examine" });
  expect(answer).toMatchObject({
    providers: [{ account: "main", ok: true }],
    keys: [{ keyId: keys["billing-key"]?.keyId, listed: true, createdAtMs: NOON_MS }],
  });
  world.provider.replaceAdminKey("sk-admin-FAKE-replaced-000000000");
  expect((await world.send({ command: "examine" })).answer).toMatchObject({
    providers: [{ ok: false, error: "AdminCredentialRefused" }],
  });
});

test("no key reaches the log, the table or an answer", async () => {
  const { world, versionId } = await suppliedWorld();
  const { answer } = await world.send({ command: "supply", secret: "billing-key", versionId });
  const sinks = JSON.stringify([world.logs, stored(world), world.events, answer, world.executions.callbacks]);
  expect(sinks).not.toMatch(/sk-(svcacct|admin)-FAKE/);
});

/** A run that has promoted `v-incoming` and waits under `token-1`. */
async function promotedWorld(block = "") {
  const { world, keys } = await appliedWorld({ "billing-key": block });
  await openRun(world);
  const secretArn = arnOf("billing-key");
  await world.ledger.changeSecret(secretArn, (record) => ({
    ...record,
    run: {
      ...{
        phase: "promoted",
        rotationId: "r-1",
        attempt: 1,
        promotedAtMs: NOON_MS,
        deadlineAtMs: NOON_MS + 1,
      },
      retiring: {
        keyId: keys["billing-key"]?.keyId ?? "",
        versionId: "v-retiring",
        fingerprint: "sha256:FAKE",
      },
      incoming: { keyId: "k-incoming", versionId: "v-incoming", fingerprint: "sha256:FAKE2" },
    },
    wait: { rotationId: "r-1", token: "token-1", decision: "as it was" },
  }));
  return { world };
}

/** A run that waits for a key, and a person who has put one into the store. */
async function suppliedWorld() {
  const { world } = await appliedWorld({ "billing-key": "" }, false);
  const opened = await openRun(world);
  const ticket = { secretArn: arnOf("billing-key"), rotationId: "r-1", fence: opened.fence, at: NOON_MS };
  await awaitKey.run({ ...ticket, token: "token-s" }, world.depsOf("await-key"));
  const { keyId, secret } = world.provider.addKey({ name: "made in the console" });
  return { world, keyId, versionId: await put(world, secret) };
}

async function put(world: AdminWorld, key: Secret): Promise<string> {
  const secretArn = arnOf("billing-key");
  const versionId = `00000000-0000-4000-8000-${fingerprintOf(key).slice(7, 19)}`;
  const current = await world.store.read(secretArn);
  expect(keyIn(current.text).isEmpty).toBe(false);
  await world.store.put({
    secretArn,
    versionId,
    text: withKey(current.text, undefined, key),
    labels: ["REKEY_INCOMING"],
  });
  await world.store.moveLabel({ secretArn, label: "AWSPENDING", to: versionId });
  return versionId;
}
