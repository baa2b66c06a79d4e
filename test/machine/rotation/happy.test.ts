import { open } from "./story.ts";

const happyPath = [
  "OpenRotation",
  "MintKey",
  "ProveIncoming",
  "PromoteVersion",
  "Announce",
  "NudgeConsumers",
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
];

test("a rotation makes, proves, promotes, waits, revokes, and sees the retiring key dead", async () => {
  const story = await open();

  const run = await story.rotate();

  expect(story.path(run)).toEqual(happyPath);
  expect(story.effects()).toEqual([
    "mint k2",
    "put v2",
    "move AWSPENDING to v2",
    "verify k2",
    "move REKEY_RETIRING to v1",
    "move AWSCURRENT to v2",
    "strip AWSPENDING from v2",
    "delete k1",
    expect.stringMatching(/^verify k1: 401 ×[5-9]$/),
    "strip REKEY_RETIRING from v1",
  ]);
  expect(story.events()).toEqual(["SecretVersionPromoted", "RotationSucceeded"]);
  expect(await story.audit()).toEqual([
    ...["RotationOpened", "VersionPromoted", "KeyRevoked", "DeathRecorded", "CertificateFiled"],
  ]);
  expect(await story.ending(run)).toEqual({
    run: "SUCCEEDED: rotated",
    lease: "free",
    owed: "nothing",
    keys: ["k2 current"],
    debts: [],
    labels: { v1: "AWSPREVIOUS", v2: "AWSCURRENT REKEY_INCOMING" },
    works: ["k2"],
  });
  expect(story.failedRequests()).toBe(0);
});

test("a key in a JSON secret is replaced, and every other byte of the secret stays", async () => {
  const story = await open({ field: "apiKey" });
  const before = await story.world.store.read(story.secretArn);

  const run = await story.rotate();

  const minted = story.textOf("k2");
  expect(story.path(run)).toEqual(happyPath);
  expect(await story.currentText()).toBe(`{"note": "kept as it is", "apiKey": "${minted}", "limit": 10}`);
  expect(before.text.reveal().replace(story.textOf("k1"), minted)).toBe(await story.currentText());
  expect(story.failedRequests()).toBe(0);
});

test("the next rotation starts from the key that the last one left", async () => {
  const story = await open();
  await story.rotate();

  const second = await story.rotate();

  expect(story.path(second)).toEqual(happyPath);
  expect(await story.ending(second)).toMatchObject({
    run: "SUCCEEDED: rotated",
    keys: ["k3 current"],
    labels: { v2: "AWSPREVIOUS", v3: "AWSCURRENT REKEY_INCOMING" },
    works: ["k3"],
  });
  expect(story.failedRequests()).toBe(0);
});

test("a secret that nothing uses still waits until the provider calls the retiring key quiet", async () => {
  const story = await open({ consumers: [], policy: { consumers: "none", signals: ["provider"] } });

  const run = await story.rotate();

  expect(story.path(run)).toEqual(happyPath);
  const promotedAtMs = story.world.events.find(({ type }) => type === "SecretVersionPromoted")?.atMs ?? 0;
  expect(story.firstAt(run, "RevokeKey") - promotedAtMs).toBeGreaterThanOrEqual(120_000);
});

test("the record of death says which key died, how that was seen and how often", async () => {
  const story = await open();

  const run = await story.rotate();

  const known = await story.world.ledger.rotation(story.secretArn, run.rotationId);
  expect(known?.death).toMatchObject({ keyId: story.keyId("k1"), how: "refused" });
  expect(known?.death?.probes).toBeGreaterThanOrEqual(5);
  expect(known?.death?.deadAtMs).toBeGreaterThan(known?.death?.revokedAtMs ?? Infinity);
});
