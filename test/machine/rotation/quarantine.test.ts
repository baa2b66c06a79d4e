import { signerFor } from "../../../sdk/client/proof.ts";
import type { Story } from "./story.ts";
import { calls, open } from "./story.ts";

const scopes = ["api.all"];
const quarantinePath = [
  "CheckAdoption",
  "QuarantineKey",
  "SoakQuarantine",
  "RevokeKey",
  "ProveDead",
  "WaitForDeath",
  "ProveDead",
  "CertifyRotation",
  "CloseRotation",
  "Rotated",
];

/** Somebody the policy does not know tries the retiring key, is refused, and says so on the bus. */
function missTheKey(story: Story): void {
  const [instance] = story.instances("search");
  const { fingerprint } = story.retiring();
  const report = {
    ...({ schema: 1, kind: "client", consumer: "search", instance: `${instance?.id}-b` } as const),
    secretArn: story.secretArn,
    holds: { fingerprint: instance?.holds ?? "", versionId: story.versionId("v2") },
    uses: [{ fingerprint, lastSuccessAgoMs: null, lastRefusalAgoMs: 1_000 }],
    ...({ cause: "refused", sequence: 1, maxStaleMs: 900_000, sdk: "rekey-client/0.1.0" } as const),
  };
  const proof = signerFor(story.textOf("k2"))(report, story.world.time.nowMs());
  story.world.report({ environment: "production", account: "111122223333" }, { ...report, proof });
}

test("a key whose scopes Rekey set is disabled first, soaks, and is revoked only then", async () => {
  const story = await open({ scopes });

  const run = await story.rotate();

  expect(story.path(run).slice(-quarantinePath.length)).toEqual(quarantinePath);
  expect(story.effects().slice(-4)).toEqual([
    "narrow k1",
    "delete k1",
    "verify k1: 401 ×8",
    "strip REKEY_RETIRING from v1",
  ]);
  expect(story.firstAt(run, "RevokeKey") - story.firstAt(run, "QuarantineKey")).toBeGreaterThanOrEqual(
    60_000,
  );
  expect(story.failedRequests()).toBe(0);
});

test("a hold that is placed after the gate was asked is seen by the quarantine itself", async () => {
  const story = await open({ scopes });
  const run = story.start();
  await story.reaches(run, "CheckAdoption");
  story.before(calls.of("quarantine-key", "read"), () => story.hold("in the last moment"));
  await story.reaches(run, "QuarantineKey");
  await story.reaches(run, "AwaitEvidence", 6);

  expect(story.effects()).not.toContain("narrow k1");
  expect(story.effects()).not.toContain("delete k1");
});

test("a sign of use in the soak restores the key exactly, and it is revoked without a second quarantine", async () => {
  const story = await open({ scopes });
  const run = story.start();
  await story.reaches(run, "SoakQuarantine");
  await story.world.time.advance(10_000);
  missTheKey(story);

  await story.finish(run);

  expect(story.effects().filter((effect) => /narrow|restore|delete/.test(effect))).toEqual([
    "narrow k1",
    "restore k1",
    "delete k1",
  ]);
  expect(story.path(run)).toEqual(expect.arrayContaining(["QuarantineKey", "UndoQuarantine"]));
  expect(story.refusals(run)).toEqual(["MissedInQuarantine"]);
  expect(story.detailOf("QuarantineUndone")).toMatchObject({ keyId: story.keyId("k1") });
  expect(run.history.length).toBeLessThan(1_000);
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
});

test("a hold that is placed in the soak restores the key", async () => {
  const story = await open({ scopes, policy: { overlapMs: 30 * 60_000 } });
  const run = story.start();
  await story.reaches(run, "SoakQuarantine");
  await story.command({ command: "hold", secret: "billing-key", reason: "a launch" });

  await story.world.time.advance(3 * 60_000);

  expect(story.scopesOf("k1")).toEqual(scopes);
  expect(story.effects()).not.toContain("delete k1");
});

test("a quarantine whose call had no effect is repeated before the soak", async () => {
  const story = await open({ scopes, provider: { faults: [{ kind: "dropped", on: "update" }] } });

  const run = await story.rotate();

  expect(story.effects().filter((effect) => /narrow|delete/.test(effect))).toEqual([
    "narrow k1, reply lost",
    "narrow k1",
    "delete k1",
  ]);
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated" });
});

test("a provider that cannot restore exactly what was there is not asked to disable", async () => {
  const story = await open();

  const run = await story.rotate();

  expect(story.path(run)).not.toContain("QuarantineKey");
  expect(story.effects()).not.toContain("narrow k1");
});

test("a run that fails in quarantine restores the key: an overdue consumer can still use it", async () => {
  let isDown = false;
  const story = await open({
    scopes,
    provider: {
      faults: ({ operation }) =>
        isDown && operation === "revoke" ? { kind: "serverError", effect: false } : undefined,
    },
  });
  story.before(calls.delete, () => {
    isDown = true;
  });

  const run = await story.rotate();

  expect(story.path(run).at(-1)).toBe("NeedsHuman");
  expect(await story.ending(run)).toMatchObject({ debts: ["RevokeOwed k1"], works: ["k1", "k2"] });
});

test("a run that is stopped in quarantine gives the key back", async () => {
  const story = await open({ scopes });
  const run = story.start();
  await story.reaches(run, "SoakQuarantine");
  run.stop("a person stopped it");

  await story.finish(run);

  expect(story.scopesOf("k1")).toEqual(scopes);
  expect(await story.ending(run)).toMatchObject({
    keys: ["k1 retiring", "k2 current"],
    debts: ["RevokeOwed k1"],
  });
  const second = await story.rotate();
  expect(await story.ending(second)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
});

test("a debt that is resumed in quarantine gives the key back before it waits for anybody", async () => {
  const story = await open({ scopes });
  const run = story.start();
  await story.reaches(run, "SoakQuarantine");
  story.world.provider.inject({ kind: "serverError", effect: false, on: "update" });
  run.stop("a person stopped it");
  await story.finish(run);
  expect(story.scopesOf("k1")).toEqual(["api.files.read"]);
  const { fingerprint, versionId } = story.retiring();
  story.world.report(
    { environment: "production", account: "111122223333" },
    {
      ...{
        schema: 1,
        kind: "client",
        consumer: "search",
        instance: "search-late",
        secretArn: story.secretArn,
      },
      holds: { fingerprint, versionId },
      ...{ uses: [], cause: "started", sequence: 1, maxStaleMs: 900_000 },
    },
  );

  await story.world.time.advance(1_000);

  const second = story.start();
  await story.reaches(second, "AwaitEvidence");

  expect(story.path(second)).toEqual([
    ...["OpenRotation", "CheckAdoption", "UndoQuarantine", "CheckAdoption", "AwaitEvidence"],
  ]);
  expect(story.scopesOf("k1")).toEqual(scopes);
  await story.finish(second);
  expect(await story.ending(second)).toMatchObject({ run: "SUCCEEDED: rotated", debts: [], works: ["k2"] });
});
