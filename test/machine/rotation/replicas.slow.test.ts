import type { ConsumerPolicy } from "../../../core/policy.ts";
import { open } from "./story.ts";

const minute = 60_000;
const hour = 60 * minute;

/** A program in another Region. It reads the replica there, uses its key rarely, and reports the replica's ARN. */
const reader = {
  ...{ name: "reader", instances: 1, replicaRegion: "us-east-1" },
  ...{ reportEveryMs: 2 * minute, useEveryMs: Number.POSITIVE_INFINITY },
};

const declaredReader: ConsumerPolicy = {
  ...{ name: "reader", environment: "production", account: "111122223333" },
  ...{ evidence: ["client"], maxStaleMs: 15 * minute, demandUse: false, refresh: { kind: "announce" } },
};

test("a program that reads a replica and stays on the retiring key keeps that key alive, and is named", async () => {
  const story = await open({ policy: { overlapMs: 30 * minute } });
  const late = { refreshEveryMs: Number.POSITIVE_INFINITY, maxStaleMs: 24 * hour };
  await story.world.startConsumer(story.secretArn, { ...reader, ...late });
  const run = story.start();
  await story.finish(run);
  expect((await story.ending(run)).works).toContain("k1");
  expect((await story.ending(run)).debts).toEqual(["RevokeOwed k1"]);
  expect(String(story.detailOf("RotationNeedsHuman")["reason"])).toContain("UndeclaredConsumer reader");
});

test("what a declared consumer reports of a replica counts for the primary: the rotation ends", async () => {
  const story = await open({
    policy: { consumers: [declaredReader] },
    consumers: [],
  });
  await story.world.startConsumer(story.secretArn, reader);
  const run = story.start();
  await story.finish(run);
  expect((await story.ending(run)).run).toBe("SUCCEEDED: rotated");
});

const behind = { place: "us-east-1", state: "inProgress" } as const;

test("the retiring key lives until the replica is in sync, and the run names the Region meanwhile", async () => {
  const story = await open({ policy: { overlapMs: 30 * minute } });
  story.world.store.replicate(story.secretArn, [behind]);
  const run = story.start();
  await story.reaches(run, "AwaitEvidence", 3);
  expect((await story.gate(run))?.reasons.map(({ reason }) => reason)).toContain("ReplicaBehind");
  expect((await story.ending(run)).works).toContain("k1");
  story.world.store.replicate(story.secretArn, []);
  await story.finish(run);
  expect((await story.ending(run)).run).toBe("SUCCEEDED: rotated");
});

test("a replica that failed for good keeps the retiring key, and people are told which Region", async () => {
  const story = await open({ policy: { overlapMs: 30 * minute } });
  const failed = { ...behind, state: "failed", detail: "the KMS key there is disabled" } as const;
  story.world.store.replicate(story.secretArn, [failed]);
  const run = await story.rotate();
  expect(await story.ending(run)).toMatchObject({ works: ["k1", "k2"], debts: ["RevokeOwed k1"] });
  expect(String(story.detailOf("RotationNeedsHuman")["reason"])).toContain("ReplicaBehind");
});

test("a replica that falls behind between the check and the revoke stops the revoke", async () => {
  const story = await open({ policy: { overlapMs: 30 * minute } });
  const { store } = story.world;
  story.before(
    ({ invocation }) => invocation.functionName === "revoke-key",
    () => store.replicate(story.secretArn, [behind]),
  );
  const run = story.start();
  await story.reaches(run, "RevokeKey");
  await story.reaches(run, "AwaitEvidence");
  expect((await story.ending(run)).works).toContain("k1");
  store.replicate(story.secretArn, []);
  await story.finish(run);
  expect((await story.ending(run)).run).toBe("SUCCEEDED: rotated");
});
