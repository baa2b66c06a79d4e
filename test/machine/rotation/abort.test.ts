import { markAborted } from "../../../core/rotation/abort.ts";
import { calls, crash, open, type Story } from "./story.ts";

const reason = "the new key has the wrong scopes";
const abort = (rotation: string) => ({ command: "abort", rotation, reason });

test("before its promotion an aborted rotation is undone: its key is deleted, and the secret is as it was", async () => {
  const story = await open({ policy: { approve: "before-promote" } });
  const run = story.start("r-1");
  await story.reaches(run, "AwaitPromotion");
  expect(await story.command(abort("r-1"))).toMatchObject({ outcome: "aborted", result: "undone" });
  await story.finish(run);

  expect(story.path(run).slice(-4)).toEqual(["SettleRotation", "CertifyEnding", "NoteEnding", "RolledBack"]);
  expect(await story.ending(run)).toMatchObject({
    ...{ lease: "free", owed: "nothing", keys: ["k1 current"], debts: [], works: ["k1"] },
  });
  expect(await story.audit()).toContain("RotationAborted");
});

test("after it both keys live, the wait ends at once, and nothing revokes before somebody starts a rotation", async () => {
  const story = await open();
  const run = story.start("r-1");
  await story.reaches(run, "AwaitEvidence");
  const answer = await story.command(abort("r-1"));
  expect(answer).toMatchObject({
    outcome: "aborted",
    phase: "promoted",
    result: "bothKeysKept",
    run: "woken",
  });
  await story.finish(run);
  expect(story.path(run).slice(-5)).toEqual([
    "AwaitEvidence; Aborted",
    "SettleRotation",
    "CertifyEnding",
    "NoteEnding",
    "NeedsHuman",
  ]);
  expect((await story.ending(run)).works).toEqual(["k1", "k2"]);
  expect((await story.ending(run)).owed).toContain("Aborted");

  expect((await story.sweep()).resumed).toBe(0);
  const next = await story.rotate("r-2");
  expect(await story.ending(next)).toMatchObject({
    run: "SUCCEEDED: rotated",
    owed: "nothing",
    works: ["k2"],
  });
});

test("an order that comes in the middle of a step is met by the next one", async () => {
  const story = await open();
  story.after(calls.move("AWSCURRENT"), async () => {
    await story.world.ledger.changeSecret(story.secretArn, (record) =>
      record.run === undefined
        ? record
        : { ...record, seq: record.seq + 1, run: { ...record.run, aborted: { by: "ada", reason } } },
    );
  });
  const run = await story.rotate("r-1");
  expect(story.path(run).at(-1)).toBe("NeedsHuman");
  expect(story.effects()).not.toContain("delete k1");
  expect((await story.ending(run)).works).toEqual(["k1", "k2"]);
});

test("in the middle of the promotion it leaves no version pending, and the next run promotes the same key", async () => {
  const story = await open();
  let isDown = true;
  story.before(
    calls.move("AWSCURRENT"),
    async () => {
      await story.world.ledger.changeSecret(story.secretArn, (record) =>
        markAborted(record, { rotationId: "r-1", by: "ada", reason }),
      );
      return isDown ? crash : undefined;
    },
    99,
  );
  const run = await story.rotate("r-1");
  isDown = false;
  expect(story.path(run).at(-1)).toBe("NeedsHuman");
  await story.sweep();
  expect(await story.ending(run)).toMatchObject({
    labels: { v1: "AWSCURRENT REKEY_RETIRING", v2: "REKEY_INCOMING" },
    works: ["k1", "k2"],
  });

  const next = await story.rotate("r-2");
  expect(await story.ending(next)).toMatchObject({
    ...{ run: "SUCCEEDED: rotated", owed: "nothing", works: ["k2"] },
    labels: { v1: "AWSPREVIOUS", v2: "AWSCURRENT REKEY_INCOMING" },
  });
  expect(story.effects().filter((effect) => effect.startsWith("mint"))).toEqual(["mint k2"]);
});

test("two at once, one too late, one of a rotation that is over: each is refused with words", async () => {
  const story = await open();
  const run = story.start("r-1");
  await story.reaches(run, "AwaitEvidence");
  const [first, second] = await Promise.all([story.command(abort("r-1")), story.command(abort("r-1"))]);
  expect([first["outcome"], second["outcome"]].sort()).toEqual(["aborted", "refused"]);
  await story.finish(run);
  expect(await story.command(abort("r-1"))).toMatchObject({ outcome: "refused", reason: "NotAtWork" });

  const next = story.start("r-2");
  await story.reaches(next, "ProveDead");
  expect(await story.command(abort("r-2"))).toMatchObject({ outcome: "refused", reason: "TooLate" });
  await story.finish(next);
  expect((await story.ending(next)).works).toEqual(["k2"]);
});

describe("while a person is asked for the key, which may take a week", () => {
  /** All that an order leaves behind whose caller died right after it was written. */
  async function orderOnly(story: Story, rotationId: string): Promise<void> {
    await story.world.ledger.changeSecret(story.secretArn, (record) =>
      markAborted(record, { rotationId, by: "ada", reason }),
    );
  }

  test("an order whose caller died before it ended the wait is carried out by the sweep", async () => {
    const story = await open({ mints: false });
    const run = story.start("r-1");
    await story.reaches(run, "AwaitKey");
    await orderOnly(story, "r-1");

    await story.sweep({ dryRun: true });
    await story.world.time.advance(60_000);
    expect(run.outcome).toBeUndefined();
    await story.sweep();
    await story.world.time.advance(60_000);
    expect(await story.ending(run)).toMatchObject({ lease: "free", owed: "nothing", works: ["k1"] });
  });

  test("or by the same order, given again, which says that it was given before", async () => {
    const story = await open({ mints: false });
    const run = story.start("r-1");
    await story.reaches(run, "AwaitKey");
    await orderOnly(story, "r-1");

    expect(await story.command(abort("r-1"))).toMatchObject({ outcome: "refused", reason: "AlreadyAborted" });
    await story.world.time.advance(60_000);
    expect(await story.ending(run)).toMatchObject({ lease: "free", owed: "nothing", works: ["k1"] });
  });

  test("no key is taken for a run that is on its way back", async () => {
    const story = await open({ mints: false });
    await story.reaches(story.start("r-1"), "AwaitKey");
    await orderOnly(story, "r-1");
    const supply = { command: "supply", secret: "billing-key", versionId: "a".repeat(36) };
    expect(await story.command(supply)).toMatchObject({ outcome: "refused", reason: "NoKeyWanted" });
  });

  test("an order that comes before anybody was asked ends the run there", async () => {
    const story = await open({ mints: false });
    story.before(calls.of("await-key", "get"), () => orderOnly(story, "r-1"));
    const run = story.start("r-1");
    await story.world.time.advance(60_000);
    expect(story.events()).not.toContain("KeyWanted");
    expect(await story.ending(run)).toMatchObject({ lease: "free", owed: "nothing", works: ["k1"] });
  });
});
