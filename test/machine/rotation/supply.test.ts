import { Secret } from "../../../core/secret.ts";
import { open, type Story } from "./story.ts";

const weekMs = 7 * 24 * 3_600_000;
const quiet = [{ name: "billing", useEveryMs: 600_000, reportEveryMs: 600_000, refreshEveryMs: 600_000 }];
const byHand = { mints: false as const, consumers: quiet, policy: { overlapMs: 24 * 3_600_000 } };

/** A person makes a key in the provider's console and puts it into the store as a pending version. */
async function putSupplied(story: Story, text?: string): Promise<string> {
  const { secret } = story.world.provider.addKey({ name: "made by ada" });
  const versionId = "a".repeat(36);
  await story.world.store.put({
    secretArn: story.secretArn,
    versionId,
    text: text === undefined ? secret : new Secret(text),
    labels: ["AWSPENDING"],
  });
  return versionId;
}

test("a provider that cannot mint asks a person for the key, and goes on with the one that is supplied", async () => {
  const story = await open(byHand);
  const run = story.start();
  await story.reaches(run, "AwaitKey");
  await story.world.time.advance(3_600_000);
  expect(story.detailOf("KeyWanted")).toMatchObject({ rotationId: run.rotationId });

  const versionId = await putSupplied(story);
  expect(await story.command({ command: "supply", secret: "billing-key", versionId })).toMatchObject({
    outcome: "supplied",
    callback: "ok",
  });
  await story.finish(run);

  expect(story.path(run).slice(0, 5)).toEqual([
    "OpenRotation",
    "MintKey",
    "AwaitKey",
    "ProveIncoming",
    "PromoteVersion",
  ]);
  expect(await story.ending(run)).toMatchObject({
    run: "SUCCEEDED: rotated",
    keys: ["k2 current"],
    labels: { v1: "AWSPREVIOUS", v2: "AWSCURRENT" },
    works: ["k2"],
  });
  expect(story.effects()).not.toContainEqual(expect.stringMatching(/^mint/));
});

test("reports, holds and releases that arrive while a key is wanted do not end the wait", async () => {
  const story = await open(byHand);
  const run = story.start();
  await story.reaches(run, "AwaitKey");
  await story.world.startConsumer(story.secretArn, { name: "search" });
  await story.command({ command: "hold", secret: "billing-key", reason: "a launch" });
  await story.command({ command: "release", secret: "billing-key" });
  await story.world.time.advance(60_000);

  expect(story.path(run).at(-1)).toBe("AwaitKey");
  expect(run.outcome).toBeUndefined();
});

test("a key that nobody supplies within a week ends the run, and the current key stays", async () => {
  const rarely = 12 * 3_600_000;
  const nightly = {
    name: "reports",
    useEveryMs: rarely,
    reportEveryMs: rarely,
    refreshEveryMs: rarely,
    maxStaleMs: 2 * rarely,
  };
  const story = await open({ ...byHand, consumers: [nightly] });

  const run = await story.rotate();

  expect(story.path(run)).toEqual([
    "OpenRotation",
    "MintKey",
    "AwaitKey",
    "SupplyOverdue",
    "SettleRotation",
    "CertifyEnding",
    "NoteEnding",
    "RolledBack",
  ]);
  expect(story.firstAt(run, "SupplyOverdue") - story.firstAt(run, "AwaitKey")).toBe(weekMs);
  expect(story.detailOf("RotationRolledBack")["reason"]).toBe(
    "SupplyOverdue: nobody supplied the key in time",
  );
  expect(await story.ending(run)).toMatchObject({
    keys: ["k1 current"],
    labels: { v1: "AWSCURRENT" },
    works: ["k1"],
  });
});

test("a supplied key that is the retiring one is refused, and the run goes on waiting", async () => {
  const story = await open(byHand);
  const run = story.start();
  await story.reaches(run, "AwaitKey");
  const versionId = await putSupplied(story, story.textOf("k1"));

  expect(await story.command({ command: "supply", secret: "billing-key", versionId })).toMatchObject({
    outcome: "refused",
    reason: "KeyShared",
  });
  await story.world.time.advance(60_000);
  expect(story.path(run).at(-1)).toBe("AwaitKey");
});

test("an id that the provider shows to be another key's is refused, and that key is left alone", async () => {
  const story = await open(byHand);
  const run = story.start();
  await story.reaches(run, "AwaitKey");
  const { keyId } = story.world.provider.addKey({ name: "another service's" });
  const versionId = await putSupplied(story);

  const supply = { command: "supply", secret: "billing-key", versionId, keyId };
  const refused = await story.command(supply);

  expect(refused).toMatchObject({ outcome: "refused", detail: expect.stringContaining(`not key ${keyId}`) });
  await story.world.time.advance(60_000);
  expect(story.path(run).at(-1)).toBe("AwaitKey");
  expect(story.world.provider.state().find((key) => key.keyId === keyId)?.isListed).toBe(true);
});

test("a supplied key that the provider refuses is put aside, and the current key stays", async () => {
  const story = await open(byHand);
  const run = story.start();
  await story.reaches(run, "AwaitKey");
  const versionId = await putSupplied(story);
  story.world.provider.inject(
    ...Array.from({ length: 30 }, () => ({
      ...({ kind: "answer", status: 401, code: "invalid_api_key", on: "models" } as const),
    })),
  );
  await story.command({ command: "supply", secret: "billing-key", versionId });

  await story.finish(run);

  expect(story.path(run).slice(-4)).toEqual(["SettleRotation", "CertifyEnding", "NoteEnding", "RolledBack"]);
  expect(await story.ending(run)).toMatchObject({ labels: { v1: "AWSCURRENT" } });
  expect((await story.ending(run)).works).toContain("k1");
});
