import { StoreUnavailable } from "../../../core/errors.ts";
import { releaseHold } from "../../../core/rotation/wait.ts";
import { calls, crash, open } from "./story.ts";

test("a second run is skipped while one is on its way, and the first goes on", async () => {
  const story = await open();
  const first = story.start();
  await story.reaches(first, "AwaitEvidence");

  const second = story.start("r-second");
  await story.finish(first);

  expect(story.path(second)).toEqual(["OpenRotation", "Skipped"]);
  const known = await story.world.ledger.rotation(story.secretArn, "r-second");
  expect(known).toMatchObject({ outcome: "skipped", reason: "Busy: r-1 holds the secret" });
  expect(await story.ending(first)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
  expect(story.failedRequests()).toBe(0);
});

test("two runs that start in the same instant make one key", async () => {
  const story = await open();
  const runs = [story.start(), story.start()];

  for (const run of runs) await story.finish(run);

  const endings = await Promise.all(runs.map((run) => story.ending(run)));
  expect(endings.map(({ run }) => run).sort()).toEqual(["SUCCEEDED: rotated", "SUCCEEDED: skipped"]);
  expect(story.effects().filter((effect) => effect.startsWith("mint"))).toEqual(["mint k2"]);
});

test("a schedule's event that arrives twice starts one run", async () => {
  const story = await open();
  const { executions } = story.world.depsOutside("scheduler");
  const order = { machine: "rotation", name: "schedule-1", input: { secretArn: story.secretArn } } as const;

  const first = await executions.start(order);
  const again = await executions.start(order);

  expect(again).toEqual(first);
  expect(story.world.runs.size).toBe(1);
});

test("a late repeat of a run that has ended is skipped as a duplicate", async () => {
  const story = await open();
  await story.rotate("schedule-1");

  const repeat = await story.rotateAgain("schedule-1");

  expect(story.path(repeat)).toEqual(["OpenRotation", "Skipped"]);
  expect(await story.ending(repeat)).toMatchObject({ works: ["k2"], lease: "free" });
  const known = await story.world.ledger.rotation(story.secretArn, "schedule-1");
  expect(known?.outcome).toBe("rotated");
});

test("the first step opened again by the same execution gives the same answer and takes no second lease", async () => {
  const story = await open();
  const isLease = calls.writes("SECRET");
  story.after(isLease, crash);

  const run = await story.rotate();

  expect(story.path(run)[0]).toBe("OpenRotation; Lambda.Unknown");
  expect((await story.world.ledger.secret(story.secretArn)).fence).toBe(1);
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
});

test("a first step that crashed after it was refused is refused again, though the secret is free by now", async () => {
  const story = await open();
  await story.hold("a launch");
  story.after(calls.writes("ROTATION"), () =>
    story.world.ledger.changeSecret(story.secretArn, releaseHold).then(crash),
  );

  const run = await story.rotate();

  expect(story.path(run)).toEqual(["OpenRotation; Lambda.Unknown", "Skipped"]);
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: skipped", lease: "free" });
});

test("a run that lost its fence writes nothing more", async () => {
  const story = await open();
  const run = story.start();
  await story.reaches(run, "AwaitEvidence");
  await story.world.ledger.changeSecret(story.secretArn, (record) => ({
    ...record,
    fence: record.fence + 1,
    seq: record.seq + 1,
    lease: { runId: "incident-1", kind: "incident", executionArn: "arn:incident" },
  }));
  const effects = story.effects();

  await story.finish(run);

  expect(story.path(run).slice(-3)).toEqual(["CheckAdoption; Superseded", "SettleRotation", "Superseded"]);
  expect(story.effects()).toEqual(effects);
  expect(await story.ending(run)).toMatchObject({
    run: "SUCCEEDED: running",
    lease: "incident-1",
    works: ["k1", "k2"],
  });
});

test("a run that lost its fence while it minted deletes its own key again", async () => {
  const story = await open();
  story.after(calls.mint, () =>
    story.world.ledger.changeSecret(story.secretArn, (record) => ({
      ...record,
      fence: record.fence + 1,
      lease: { runId: "incident-1", kind: "incident", executionArn: "arn:incident" },
    })),
  );

  const run = await story.rotate();

  expect(story.path(run)).toEqual(["OpenRotation", "MintKey; Superseded", "SettleRotation", "Superseded"]);
  expect(story.effects()).toEqual(["mint k2", "delete k2"]);
  expect((await story.ending(run)).works).toEqual(["k1"]);
});

test.each([
  ["ProveIncoming", { works: ["k1"], labels: { v1: "AWSCURRENT" }, keys: ["k1 current"], debts: [] }],
  ["AwaitEvidence", { works: ["k1", "k2"], keys: ["k1 retiring", "k2 current"], debts: ["RevokeOwed k1"] }],
  ["WaitForDeath", { works: ["k2"], keys: ["k1 revoked", "k2 current"], debts: ["DeathUnproven k1"] }],
] as const)("an execution that is stopped in %s is settled from its status event", async (state, left) => {
  const story = await open({ provider: { activateMs: state === "ProveIncoming" ? 30_000 : 0 } });
  const run = story.start();
  await story.reaches(run, state);
  run.stop("a person stopped it");

  await story.finish(run);

  expect(run.outcome?.status).toBe("ABORTED");
  expect(await story.ending(run)).toMatchObject({ ...left, lease: "free" });
  const second = await story.rotate();
  expect(await story.ending(second)).toMatchObject({ run: "SUCCEEDED: rotated", debts: [] });
  expect(story.failedRequests()).toBe(0);
});

test("status events that come twice and late change nothing", async () => {
  const story = await open({
    deliveries: (type) => (type === "ExecutionStatusChange" ? [0, 500, 40 * 60_000] : [0]),
  });
  const run = story.start();
  await story.reaches(run, "AwaitEvidence");
  run.stop("a person stopped it");
  await story.finish(run);
  const second = story.start();
  await story.reaches(second, "CheckAdoption");
  await story.world.time.advance(41 * 60_000);

  await story.finish(second);

  expect(await story.ending(second)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
  expect(story.events().filter((type) => type === "RotationNeedsHuman")).toHaveLength(1);
});

test("reports that come twice and out of order change nothing", async () => {
  const story = await open({ deliveries: (type) => (type === "ConsumerReport" ? [0, 45_000] : [0]) });

  const run = await story.rotate();

  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
  expect(story.failedRequests()).toBe(0);
});

test("a crash right after the lease was freed still ends as rotated", async () => {
  const story = await open();
  story.after(calls.freesLease, crash);

  const run = await story.rotate();

  expect(story.path(run).slice(-2)).toEqual([expect.stringMatching(/^CloseRotation; /), "Rotated"]);
  expect(await story.ending(run)).toMatchObject({
    run: "SUCCEEDED: rotated",
    lease: "free",
    owed: "nothing",
  });
});

test.each([
  ["rolled back", { activateMs: 24 * 3_600_000 }, "FAILED RolledBack: rolledBack", "RotationRolledBack"],
  ["owed", { dieMs: 24 * 3_600_000 }, "FAILED NeedsHuman: needsHuman", "RotationNeedsHuman"],
] as const)(
  "a crash while a run is settled leaves it %s all the same, and somebody told",
  async (_how, provider, end, event) => {
    const story = await open({ provider });
    story.after(calls.freesLease, crash);

    const run = await story.rotate();

    expect(story.path(run)).toContain("SettleRotation; Lambda.Unknown");
    expect(await story.ending(run)).toMatchObject({ run: end, lease: "free" });
    expect(story.events()).toContain(event);
  },
);

test("a run whose opening could not be recorded is settled all the same, and frees the secret", async () => {
  const story = await open();
  story.before(
    calls.writes("ROTATION"),
    () => {
      throw new StoreUnavailable("no answer");
    },
    7,
  );

  const run = await story.rotate();

  expect(await story.ending(run)).toMatchObject({ lease: "free", keys: ["k1 current"], works: ["k1"] });
  const second = await story.rotate();
  expect(await story.ending(second)).toMatchObject({ run: "SUCCEEDED: rotated" });
});

test("a resumed promotion that meets a manual rotation leaves the first run's key: it may have been current", async () => {
  const story = await open();
  const first = story.start();
  story.before(calls.move("AWSCURRENT"), () => {
    throw Object.assign(new Error("a bug"), { name: "TypeError" });
  });
  await story.finish(first);
  expect(await story.ending(first)).toMatchObject({ owed: expect.stringMatching(/^promoting: /) });
  const { secret } = story.world.provider.addKey({ name: "made by hand" });
  story.world.store.setCurrent(story.secretArn, secret.reveal());

  const second = await story.rotate();

  expect(story.path(second)).toEqual([
    "OpenRotation",
    "PromoteVersion; VersionMoved",
    "SettleRotation",
    "CertifyEnding",
    "NoteEnding",
    "RolledBack",
  ]);
  expect(await story.ending(second)).toMatchObject({
    keys: ["k1 current", "k2 retiring"],
    labels: { v1: "AWSPREVIOUS REKEY_RETIRING", v3: "AWSCURRENT" },
    works: ["k1", "k2", "k3"],
  });
});

test("labels that a failed roll-back left behind do not block the next run, even where the ledger knows no version", async () => {
  const story = await open();
  const run = story.start();
  story.after(calls.move("AWSPENDING"), () => {
    run.stop("a person stopped it");
    return crash;
  });
  story.before(
    calls.of("settle-closed", "labels"),
    () => {
      throw new StoreUnavailable("no answer");
    },
    9,
  );
  await story.finish(run);
  expect(await story.ending(run)).toMatchObject({
    keys: ["k1 current", "k2 stray"],
    debts: ["DiscardOwed k2"],
    labels: { v1: "AWSCURRENT", v2: "AWSPENDING REKEY_INCOMING" },
  });

  const second = await story.rotate();

  expect(await story.ending(second)).toMatchObject({ run: "SUCCEEDED: rotated" });
});
