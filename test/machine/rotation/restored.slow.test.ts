import type { TableRecord } from "../../../core/ports.ts";
import { open, type Story } from "./story.ts";

// What docs/restore.md says of a restore to a point in time: what was written since is gone from the ledger, and
// neither from the provider nor from the store.

const minute = 60_000;

async function backUp(story: Story): Promise<readonly TableRecord[]> {
  await story.rotate();
  const records = story.world.table.dump();
  await story.world.time.advance(10 * minute);
  return records;
}

async function restore({ world: { table } }: Story, records: readonly TableRecord[]): Promise<void> {
  for (const record of table.dump()) await table.remove(record);
  for (const record of records) {
    for (let revision = 1; revision <= record.revision; revision++) await table.put({ ...record, revision });
  }
}

test("of a rotation since then, the next one finds the key that is current", async () => {
  const story = await open();
  const records = await backUp(story);
  await story.rotate();
  await restore(story, records);

  expect(await story.sweep()).toMatchObject({ strays: 0, discarded: 0, unrecorded: 1, failed: 0 });
  const run = await story.rotate();

  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k4"], debts: [] });
  expect(story.failedRequests()).toBe(0);
});

test.each(["ProveIncoming", "AwaitEvidence"])(
  "a run that was in %s ends, revokes nothing, and the sweep cleans up after it",
  async (state) => {
    const story = await open();
    const records = await backUp(story);
    const lost = story.start();
    await story.reaches(lost, state);
    await restore(story, records);
    await story.finish(lost);

    expect(await story.ending(lost)).toMatchObject({
      ...{ run: "FAILED NeedsHuman: unknown to the ledger", lease: "free", works: ["k2", "k3"] },
    });

    for (let sweeps = 0; sweeps < 2; sweeps++) {
      await story.sweep();
      await story.world.time.advance(15 * minute);
    }
    const run = await story.rotate();
    for (let sweeps = 0; sweeps < 2; sweeps++) {
      await story.sweep();
      await story.world.time.advance(15 * minute);
    }

    const ending = await story.ending(run);
    expect(ending).toMatchObject({ run: "SUCCEEDED: rotated", lease: "free", owed: "nothing", debts: [] });
    expect(ending.works).toHaveLength(1);
    expect(story.failedRequests()).toBe(0);
  },
);

test("a hold that was placed since then is gone, and has to be placed again", async () => {
  const story = await open();
  const records = await backUp(story);
  await story.hold("the shop's busiest week");
  await restore(story, records);

  expect((await story.world.ledger.secret(story.secretArn)).hold).toBeUndefined();
});
