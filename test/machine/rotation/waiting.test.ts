import type { Run } from "../../simulation/world/step-functions.ts";
import { calls, open, type Story } from "./story.ts";

const halfAnHourMs = 30 * 60_000;
/** Its instances may use a key for as long as the overlap lasts. */
const lazy = {
  consumers: [{ name: "billing" }, { name: "search", maxStaleMs: halfAnHourMs }],
  policy: { overlapMs: halfAnHourMs },
};

/** A run whose consumer `search` hangs after the promotion, with the retiring key in its hands. */
async function untilOverdue(story: Story): Promise<Run> {
  const run = story.start();
  await story.reaches(run, "AwaitEvidence");
  await story.world.time.advance(20_000);
  for (const instance of story.instances("search")) instance.freeze();
  await story.finish(run);
  return run;
}

test("a rotation waits for the consumer that is behind, and says which instance it is", async () => {
  const story = await open({ policy: { overlapMs: halfAnHourMs } });
  const [slow] = story.instances("search");
  slow?.freeze();

  const run = story.start();
  await story.reaches(run, "AwaitEvidence", 4);

  expect(await story.gate(run)).toMatchObject({
    verdict: "waiting",
    decision: expect.stringContaining("HoldsRetiringKey search search-1"),
  });
  expect(story.effects()).not.toContain("delete k1");

  slow?.thaw();
  await story.finish(run);
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
  expect(story.failedRequests()).toBe(0);
});

test("an overdue consumer keeps the retiring key alive, and people are notified who is behind", async () => {
  const story = await open(lazy);

  const run = await untilOverdue(story);

  expect(story.path(run).slice(-7)).toEqual([
    "AwaitEvidence",
    "CheckAdoption",
    "Overdue",
    "SettleRotation",
    "CertifyEnding",
    "NoteEnding",
    "NeedsHuman",
  ]);
  expect(await story.ending(run)).toEqual({
    run: "FAILED NeedsHuman: needsHuman",
    lease: "free",
    owed: expect.stringMatching(
      /^promoted: AdoptionOverdue: waiting: .*HoldsRetiringKey search search-1; HoldsRetiringKey search search-2/,
    ),
    keys: ["k1 retiring", "k2 current"],
    debts: ["RevokeOwed k1"],
    labels: { v1: "AWSPREVIOUS REKEY_RETIRING", v2: "AWSCURRENT REKEY_INCOMING" },
    works: ["k1", "k2"],
  });
  expect(story.detailOf("RotationNeedsHuman")).toMatchObject({
    rotationId: run.rotationId,
    reason: expect.stringContaining("HoldsRetiringKey search search-2"),
  });
  const { run: left } = await story.world.ledger.secret(story.secretArn);
  expect(await story.command({ command: "rotate", secret: "billing-key" })).toMatchObject({
    finishes: left?.retiring.keyId,
  });
  expect(story.firstAt(run, "Overdue") - story.firstAt(run, "PromoteVersion")).toBeGreaterThanOrEqual(
    halfAnHourMs,
  );
});

test("the next run resumes the debt: it mints nothing, waits, revokes and pays", async () => {
  const story = await open(lazy);
  await untilOverdue(story);
  for (const instance of story.instances("search")) instance.thaw();

  const second = await story.rotate();

  expect(story.path(second)).toEqual([
    "OpenRotation",
    "CheckAdoption",
    "AwaitEvidence",
    "CheckAdoption",
    "RevokeKey",
    "ProveDead",
    "WaitForDeath",
    "ProveDead",
    "CertifyRotation",
    "CloseRotation",
    "Rotated",
  ]);
  expect(await story.ending(second)).toMatchObject({
    run: "SUCCEEDED: rotated",
    owed: "nothing",
    keys: ["k2 current"],
    debts: [],
    labels: { v1: "AWSPREVIOUS", v2: "AWSCURRENT REKEY_INCOMING" },
    works: ["k2"],
  });
  expect(story.effects().filter((effect) => effect.startsWith("mint"))).toEqual(["mint k2"]);
});

test("a hold that is placed while the run waits keeps the key, and its release wakes the run", async () => {
  const story = await open();
  const run = story.start();
  await story.reaches(run, "AwaitEvidence");

  expect(await story.command({ command: "hold", secret: "billing-key", reason: "a launch" })).toMatchObject({
    outcome: "held",
    run: "woken",
  });
  await story.world.time.advance(10 * 60_000);
  expect(await story.gate(run)).toMatchObject({
    verdict: "waiting",
    blockers: [expect.stringMatching(/^Held: held by arn:aws:iam::111122223333:user\/ada: /)],
  });
  expect(story.effects()).not.toContain("delete k1");

  const releasedAtMs = story.world.time.nowMs();
  expect(await story.command({ command: "release", secret: "billing-key" })).toMatchObject({ run: "woken" });
  await story.reaches(run, "RevokeKey");
  expect(story.world.time.nowMs() - releasedAtMs).toBeLessThan(3_000);
  await story.finish(run);
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
});

test("a hold that is placed after the gate was asked is seen by the revoke itself", async () => {
  const story = await open();
  const run = story.start();
  await story.reaches(run, "CheckAdoption");
  story.before(calls.of("revoke-key", "read"), () => story.hold("in the last moment"));
  await story.reaches(run, "RevokeKey");
  await story.reaches(run, "AwaitEvidence", 6);

  expect(story.effects()).not.toContain("delete k1");
  expect(story.refusals(run)).toEqual(["DecideAgain"]);
});

test("a stop keeps the key, and its resumption lets the run go on", async () => {
  const story = await open();
  const run = story.start();
  await story.reaches(run, "AwaitEvidence");
  await story.command({ command: "stop", all: true, reason: "an outage elsewhere" });
  await story.world.time.advance(10 * 60_000);
  expect(story.effects()).not.toContain("delete k1");

  await story.command({ command: "resume", all: true });
  await story.finish(run);

  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
});

test("a consumer that is declared while the run waits is waited for too", async () => {
  const story = await open();
  const run = story.start();
  await story.reaches(run, "AwaitEvidence");
  await story.declare({ name: "reports" });
  await story.world.time.advance(10 * 60_000);

  expect(await story.gate(run)).toMatchObject({ decision: "waiting: NoLiveInstance reports" });

  await story.world.startConsumer(story.secretArn, { name: "reports" });
  await story.finish(run);
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated" });
});
