import { open } from "./story.ts";

async function keep(story: Awaited<ReturnType<typeof open>>, retain: boolean): Promise<void> {
  const policy = await story.world.ledger.policy(story.secretArn);
  if (policy === undefined) throw new Error("no policy");
  await story.world.ledger.putPolicy({ ...policy, retain });
}

test("under retain a rotation ends once everybody has moved: both keys live, nothing is owed, and it says so", async () => {
  const story = await open({ policy: { retain: true } });

  const run = await story.rotate();

  expect(story.path(run).slice(-6)).toEqual([
    "AwaitEvidence",
    "CheckAdoption",
    "KeepRetiring",
    "CertifyEnding",
    "NoteEnding",
    "Retained",
  ]);
  expect(story.effects()).not.toContain("delete k1");
  expect(await story.ending(run)).toMatchObject({
    run: "SUCCEEDED: retained",
    lease: "free",
    owed: "nothing",
    keys: expect.arrayContaining(["k1 retiring", "k2 current"]),
    debts: [],
    labels: { v1: "AWSPREVIOUS REKEY_RETIRING", v2: "AWSCURRENT REKEY_INCOMING" },
    works: ["k1", "k2"],
  });
  expect(story.events()).toEqual(["SecretVersionPromoted", "RotationRetained"]);
  expect(await story.audit()).toEqual([
    "RotationOpened",
    "VersionPromoted",
    "RetiringKeyKept",
    "CertificateFiled",
  ]);
});

test("the next rotation makes a new key, and the sweep neither owes nor discards what is kept", async () => {
  const story = await open({ policy: { retain: true } });
  await story.rotate("r-1");
  await story.sweep();
  const run = await story.rotate("r-2");
  await story.sweep();
  expect(await story.ending(run)).toMatchObject({
    run: "SUCCEEDED: retained",
    keys: expect.arrayContaining(["k1 retiring", "k2 retiring", "k3 current"]),
    debts: [],
    works: ["k1", "k2", "k3"],
  });
});

test("without retain, what was kept is revoked behind the gate like every superseded key", async () => {
  const story = await open({ policy: { retain: true } });
  await story.rotate("r-1");
  await keep(story, false);
  const run = await story.rotate("r-2");
  expect(await story.ending(run)).toMatchObject({
    run: "SUCCEEDED: rotated",
    keys: ["k2 current"],
    works: ["k2"],
  });
});

test("more than ten keys are not kept: the run does not open, and nothing is made", async () => {
  const story = await open({ policy: { retain: true } });
  await story.rotate("r-1");
  await story.world.ledger.changeSecret(story.secretArn, (record) => {
    const kept = record.keys.find(({ retained }) => retained);
    if (kept === undefined) throw new Error("none is kept");
    const more = Array.from({ length: 9 }, (_none, index) => ({
      ...kept,
      name: `n${index}`,
      keyId: `more${index}`,
    }));
    return { ...record, keys: [...record.keys, ...more] };
  });
  const run = await story.rotate("r-2");
  expect((await story.ending(run)).works).toEqual(["k1", "k2"]);
  expect(story.path(run)).toContain("RefuseToOpen");
});
