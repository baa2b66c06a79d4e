import { calls, crash, open, type Story } from "./story.ts";

const minute = 60_000;

/** Somebody makes a key at the provider and puts it into the secret with the console. */
async function rotateByHand(story: Story): Promise<void> {
  const { secret } = story.world.provider.addKey({ name: "made by hand" });
  story.world.store.setCurrent(story.secretArn, secret.reveal());
}

/** Somebody takes a rotation back with the console. */
const putBack = (story: Story) => makeCurrent(story, "v1");

function makeCurrent(story: Story, name: `v${number}`): void {
  const { world, secretArn } = story;
  world.store.moveByHand({ secretArn, label: "AWSCURRENT", to: story.versionId(name) });
}

/** Another rotator is at work on the same secret. */
async function putForeignPending({ world, secretArn }: Story): Promise<void> {
  const { text } = await world.store.read(secretArn);
  await world.store.put({ secretArn, versionId: "0".repeat(32), text, labels: ["AWSPENDING"] });
}

async function editNote(story: Story, note: string): Promise<void> {
  const text = await story.currentText();
  story.world.store.setCurrent(story.secretArn, text.replace(/"note": "[^"]*"/, `"note": "${note}"`));
}

describe("AWSCURRENT changed outside Rekey before the run", () => {
  test("a key that somebody put there is found at the provider and rotated", async () => {
    const story = await open();
    await rotateByHand(story);

    const run = await story.rotate();

    expect(await story.ending(run)).toMatchObject({
      run: "SUCCEEDED: rotated",
      labels: { v2: "AWSPREVIOUS", v3: "AWSCURRENT REKEY_INCOMING" },
      works: ["k1", "k3"],
    });
    expect(story.failedRequests()).toBe(0);
  });

  test("the superseded key lives for as long as a consumer uses it, and is revoked behind the gate", async () => {
    const slow = { name: "slow", refreshEveryMs: 40 * minute, maxStaleMs: 50 * minute, useEveryMs: minute };
    const story = await open({ consumers: [slow], policy: { overlapMs: 60 * minute } });
    await story.rotate();
    await rotateByHand(story);

    const run = story.start();
    await story.reaches(run, "AwaitEvidence");
    for (let sweeps = 0; sweeps < 2; sweeps++) {
      await story.sweep();
      await story.world.time.advance(25 * minute);
    }
    await story.finish(run);
    expect(story.effects()).not.toContain("delete k2");
    expect(await story.ending(run)).toMatchObject({
      ...{ run: "SUCCEEDED: rotated", keys: ["k2 retiring", "k4 current"], works: ["k2", "k4"] },
      debts: ["RevokeOwed k2"],
    });

    expect(await story.sweep()).toMatchObject({ strays: 0, discarded: 0, resumed: 1, openDebt: 1 });
    await story.world.time.advance(20 * minute);
    const paying = [...story.world.runs.values()].at(-1);
    const paid = await story.world.ledger.rotation(story.secretArn, paying?.rotationId ?? "");
    expect(paid).toMatchObject({ outcome: "rotated", retiringKeyId: story.keyId("k2") });
    expect(await story.ending(run)).toMatchObject({ keys: ["k4 current"], debts: [], works: ["k4"] });
    expect(story.failedRequests()).toBe(0);
  });

  test("when somebody takes back the key that they put there, after a rotation began with it, the earlier key still works", async () => {
    const story = await open();
    await story.rotate();
    await rotateByHand(story);
    story.before(calls.move("AWSCURRENT"), () => makeCurrent(story, "v2"));
    const failed = await story.rotate();
    expect(await story.ending(failed)).toMatchObject({
      ...{ run: "FAILED RolledBack: rolledBack", keys: ["k2 retiring", "k3 current"], works: ["k2", "k3"] },
    });

    expect(await story.sweep()).toMatchObject({ spent: 0 });
    const run = await story.rotate();

    expect(story.events()).not.toContain("SpentKeyIsCurrent");
    expect(await story.ending(run)).toMatchObject({
      ...{ run: "SUCCEEDED: rotated", keys: ["k3 retiring", "k5 current"], works: ["k3", "k5"] },
    });
    await story.sweep();
    await story.world.time.advance(10 * minute);
    expect(await story.ending(run)).toMatchObject({ keys: ["k5 current"], debts: [], works: ["k5"] });
    expect(story.failedRequests()).toBe(0);
  });

  test("with no slot left for a new key the run says so, and putting the old key back frees the slot of the one made by hand", async () => {
    const story = await open({ provider: { keysMax: 2 } });
    await story.rotate();
    await rotateByHand(story);

    const refused = await story.rotate();
    expect(await story.ending(refused)).toMatchObject({
      ...{ run: "FAILED RolledBack: rolledBack", works: ["k2", "k3"] },
      keys: expect.arrayContaining(["k2 retiring", "k3 current"]),
    });
    expect(story.detailOf("RotationRolledBack")["reason"]).toMatch(/^QuotaReached/);

    makeCurrent(story, "v2");
    const again = await story.rotate();
    expect(await story.ending(again)).toMatchObject({ run: "FAILED RolledBack: rolledBack" });
    expect(await story.sweep()).toMatchObject({ resumed: 1 });
    await story.world.time.advance(10 * minute);
    expect(await story.ending(again)).toMatchObject({
      ...{ keys: expect.arrayContaining(["k2 current"]), debts: [], works: ["k2"] },
    });
    expect(await story.ending(await story.rotate())).toMatchObject({ run: "SUCCEEDED: rotated" });
    expect(story.failedRequests()).toBe(0);
  });

  test("a version with an edit of another field is the same key", async () => {
    const story = await open({ field: "apiKey" });
    await editNote(story, "edited");

    const run = await story.rotate();

    expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
    expect(await story.currentText()).toBe(
      `{"note": "edited", "apiKey": "${story.textOf("k2")}", "limit": 10}`,
    );
  });

  test("a key that the provider does not list is refused with what to do", async () => {
    const story = await open();
    story.world.store.setCurrent(story.secretArn, "sk-svcacct-FAKE-of-another-organisation");

    const run = await story.rotate();

    expect(story.path(run)).toEqual(["OpenRotation; CurrentKeyUnknown", "RefuseToOpen", "NeedsHuman"]);
    expect(story.detailOf("RotationNeedsHuman")["reason"]).toContain("another project");
    expect(story.effects()).toEqual([]);
  });

  test("somebody else's pending version is left alone, and the run is refused", async () => {
    const story = await open();
    await putForeignPending(story);

    const run = await story.rotate();

    expect(story.path(run)).toEqual(["OpenRotation; PendingHeld", "RefuseToOpen", "NeedsHuman"]);
    expect(await story.ending(run)).toMatchObject({
      labels: { v1: "AWSCURRENT", v2: "AWSPENDING" },
      works: ["k1"],
      lease: "free",
    });
  });

  test("AWSPENDING left on the current version is removed", async () => {
    const story = await open();
    story.world.store.moveByHand({
      secretArn: story.secretArn,
      label: "AWSPENDING",
      to: story.versionId("v1"),
    });

    const run = await story.rotate();

    expect(story.effects()[0]).toBe("strip AWSPENDING from v1");
    expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated" });
  });
});

describe("AWSCURRENT changed outside Rekey during the run", () => {
  test("somebody's pending version that arrives while the key is made stops the run, and is left alone", async () => {
    const story = await open();
    story.before(calls.put, () => putForeignPending(story));

    const run = await story.rotate();

    expect(story.path(run).slice(1)).toEqual([
      "MintKey; PendingHeld",
      "SettleRotation",
      "CertifyEnding",
      "NoteEnding",
      "RolledBack",
    ]);
    expect(await story.ending(run)).toMatchObject({
      keys: ["k1 current"],
      labels: { v1: "AWSCURRENT", v2: "AWSPENDING" },
      works: ["k1"],
    });
  });

  test("an edit of another field just before the promotion is merged into it", async () => {
    const story = await open({ field: "apiKey" });
    story.before(calls.move("AWSCURRENT"), () => editNote(story, "edited"));

    const run = await story.rotate();

    expect(story.effects()).toEqual([
      ...["mint k2", "put v2", "move AWSPENDING to v2", "verify k2", "move REKEY_RETIRING to v1"],
      "move AWSCURRENT to v2: heldElsewhere",
      ...["put v4", "strip AWSPENDING from v2", "move AWSPENDING to v4"],
      "move REKEY_RETIRING to v3: heldElsewhere",
      ...["move REKEY_RETIRING to v3", "move AWSCURRENT to v4", "strip AWSPENDING from v4"],
      ...["delete k1", "verify k1: 401 ×8", "strip REKEY_RETIRING from v3"],
    ]);
    expect(await story.currentText()).toBe(
      `{"note": "edited", "apiKey": "${story.textOf("k2")}", "limit": 10}`,
    );
    expect(await story.ending(run)).toMatchObject({
      run: "SUCCEEDED: rotated",
      labels: { v3: "AWSPREVIOUS", v4: "AWSCURRENT REKEY_INCOMING" },
      works: ["k2"],
    });
    expect(story.failedRequests()).toBe(0);
  });

  test("an edit that is taken back before the promotion stays taken back", async () => {
    const story = await open({ field: "apiKey" });
    story.before(calls.mint, () => editNote(story, "edited"));
    story.before(calls.move("AWSCURRENT"), () => makeCurrent(story, "v1"));

    const run = await story.rotate();

    expect(await story.currentText()).toBe(
      `{"note": "kept as it is", "apiKey": "${story.textOf("k2")}", "limit": 10}`,
    );
    expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
    expect(story.failedRequests()).toBe(0);
  });

  test("edits that never cease stop the promotion after a few merges, and both keys live", async () => {
    const story = await open({ field: "apiKey" });
    let edits = 0;
    story.before(calls.move("AWSCURRENT"), () => editNote(story, `edit ${++edits}`), 99);

    const run = await story.rotate();

    expect(edits).toBe(4);
    expect(story.path(run).slice(-5)).toEqual([
      "PromoteVersion; VersionMoved",
      "SettleRotation",
      "CertifyEnding",
      "NoteEnding",
      "NeedsHuman",
    ]);
    expect((await story.ending(run)).works).toEqual(["k1", "k2"]);
  });

  test("a manual rotation just before the promotion wins: the run stops and deletes its own key", async () => {
    const story = await open();
    story.before(calls.move("AWSCURRENT"), () => rotateByHand(story));

    const run = await story.rotate();

    expect(story.path(run).slice(-5)).toEqual([
      "PromoteVersion; VersionMoved",
      "SettleRotation",
      "CertifyEnding",
      "NoteEnding",
      "RolledBack",
    ]);
    expect(await story.ending(run)).toEqual({
      run: "FAILED RolledBack: rolledBack",
      lease: "free",
      owed: "nothing",
      keys: ["k1 current"],
      debts: [],
      labels: { v1: "AWSPREVIOUS REKEY_RETIRING", v3: "AWSCURRENT" },
      works: ["k1", "k3"],
    });
    expect(story.detailOf("RotationRolledBack")["reason"]).toContain("which holds another key");
  });

  test("the same in a store that sees it only afterwards: consumers may have had the incoming key, so it lives", async () => {
    const story = await open({ storeCapabilities: { compareAndSwap: "afterwards" } });
    story.before(calls.move("AWSCURRENT"), () => rotateByHand(story));

    const run = await story.rotate();

    expect(await story.ending(run)).toMatchObject({
      ...{ run: "FAILED RolledBack: rolledBack", keys: ["k1 current", "k2 retiring"] },
      works: ["k1", "k2", "k3"],
    });
  });

  test.each([
    [1, { works: ["k1", "k2", "k3"], later: { keys: ["k4 current"], works: ["k4"] } }],
    // Of the first of two keys that were made by hand Rekey never hears.
    [2, { works: ["k1", "k2", "k3", "k4"], later: { keys: ["k5 current"], works: ["k3", "k5"] } }],
  ] as const)(
    "a promotion whose answer was lost, and %i rotations by hand right after it: consumers may have the key, so it lives",
    async (hands, { works, later }) => {
      const story = await open();
      story.after(calls.move("AWSCURRENT"), async () => {
        for (let nth = 0; nth < hands; nth++) await rotateByHand(story);
        return crash;
      });

      const run = await story.rotate();

      expect(story.path(run).slice(-5)).toEqual([
        ...[
          "PromoteVersion; Lambda.Unknown; VersionMoved",
          "SettleRotation",
          "CertifyEnding",
          "NoteEnding",
          "RolledBack",
        ],
      ]);
      expect(await story.ending(run)).toMatchObject({
        ...{ keys: ["k1 current", "k2 retiring"], works },
      });

      await story.rotate();
      for (let sweeps = 0; sweeps < 2; sweeps++) {
        await story.sweep();
        await story.world.time.advance(25 * minute);
      }
      expect(await story.ending(run)).toMatchObject({ ...later, debts: [] });
      expect(story.failedRequests()).toBe(0);
    },
  );

  test("an edit of another field after the promotion does not disturb the revoke", async () => {
    const story = await open({ field: "apiKey" });
    const run = story.start();
    await story.reaches(run, "AwaitEvidence");
    await editNote(story, "edited");

    await story.finish(run);

    expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
  });

  test("the retiring key put back while the run waits blocks the revoke, freezes the secret and pages", async () => {
    const story = await open();
    const run = story.start();
    await story.reaches(run, "AwaitEvidence");
    story.before(calls.of("revoke-key", "read"), () => putBack(story));
    await story.world.time.advance(15 * 60_000);

    expect(story.effects()).not.toContain("delete k1");
    expect(story.refusals(run)).toEqual(["RetiringKeyIsCurrent"]);
    expect(story.events().filter((type) => type === "SpentKeyIsCurrent")).toHaveLength(1);
    expect((await story.audit()).filter((action) => action.includes("ChangedOutside"))).toHaveLength(1);
    expect(await story.gate(run)).toMatchObject({
      verdict: "waiting",
      blockers: [expect.stringMatching(/^Frozen: /)],
    });

    run.stop("a person looked");
    await story.finish(run);
    expect(await story.ending(run)).toMatchObject({ debts: ["RevokeOwed k1"], works: ["k1", "k2"] });
    expect(story.failedRequests()).toBe(0);
    expect(await story.rotate().then((next) => story.ending(next))).toMatchObject({
      run: "SUCCEEDED: skipped",
    });
  });

  test("another key put in while the run waits blocks the revoke, freezes the secret and pages, once", async () => {
    const story = await open({ consumers: [], policy: { consumers: "none" } });
    const run = story.start();
    await story.reaches(run, "AwaitEvidence");
    await rotateByHand(story);
    await story.world.time.advance(15 * 60_000);

    expect(story.refusals(run)).toEqual(["CurrentKeyMoved"]);
    expect(story.events()).toEqual(["SecretVersionPromoted", "CurrentKeyMoved"]);
    expect((await story.ending(run)).works).toEqual(["k1", "k2", "k3"]);
  });

  test("another key put in while consumers are awaited is seen by the next sweep, frozen and paged once", async () => {
    const slow = { name: "slow", refreshEveryMs: 40 * minute, maxStaleMs: 50 * minute };
    const story = await open({ consumers: [slow], policy: { overlapMs: 60 * minute } });
    const run = story.start();
    await story.reaches(run, "AwaitEvidence");
    await story.sweep();
    expect(story.events()).toEqual(["SecretVersionPromoted"]);
    await rotateByHand(story);

    for (let sweeps = 0; sweeps < 2; sweeps++) {
      expect(await story.sweep()).toMatchObject({ spent: 0 });
      await story.world.time.advance(minute);
    }

    expect(story.events()).toEqual(["SecretVersionPromoted", "CurrentKeyMoved"]);
    expect(story.detailOf("CurrentKeyMoved")).toMatchObject({
      ...{ rotationId: "r-1", keyId: story.keyId("k1") },
      reason: expect.stringContaining("which does not hold the incoming key"),
    });
    makeCurrent(story, "v2");
    await story.command({ command: "release", secret: "billing-key", unfreeze: true });
    await story.finish(run);
    expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2", "k3"] });
    expect(story.failedRequests()).toBe(0);
  });

  test("an edit of another field while consumers are awaited is nothing to page for", async () => {
    const story = await open({ field: "apiKey" });
    const run = story.start();
    await story.reaches(run, "AwaitEvidence");
    await editNote(story, "edited");

    await story.sweep();
    await story.finish(run);

    expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated" });
    expect(story.events()).not.toContain("CurrentKeyMoved");
  });

  test("the retiring key put back after the intent to revoke was recorded stops the repeat, and pages once", async () => {
    const story = await open({ provider: { faults: [{ kind: "dropped", on: "revoke" }] } });
    const run = story.start();
    story.before(calls.delete, () => putBack(story));
    await story.world.time.advance(15 * 60_000);

    expect(story.effects()).not.toContain("delete k1");
    expect(story.refusals(run)).toEqual(["RetiringKeyIsCurrent"]);
    expect(story.events().filter((type) => type === "SpentKeyIsCurrent")).toHaveLength(1);
    expect(await story.ending(run)).toMatchObject({ lease: "r-1", works: ["k1", "k2"] });
  });
});

describe("AWSCURRENT changed outside Rekey after the run", () => {
  test("a dead key that becomes current again freezes the secret, and pages with the version", async () => {
    const story = await open();
    await story.rotate();
    putBack(story);

    const run = await story.rotate();

    expect(story.path(run)).toEqual(["OpenRotation; CurrentKeyUnknown", "RefuseToOpen", "NeedsHuman"]);
    expect(story.detailOf("SpentKeyIsCurrent")).toMatchObject({
      versionId: story.versionId("v1"),
      reason: expect.stringContaining("which is dead"),
    });
    expect((await story.world.ledger.secret(story.secretArn)).frozen).toBeDefined();
    expect((await story.audit()).filter((action) => action.includes("ChangedOutside"))).toHaveLength(1);

    const next = await story.rotate();
    expect(await story.ending(next)).toMatchObject({ run: "SUCCEEDED: skipped", works: ["k2"] });
  });

  test("a person who looked and put it right lifts the freeze, and the next run rotates", async () => {
    const story = await open();
    await story.rotate();
    putBack(story);
    await story.rotate();
    makeCurrent(story, "v2");

    await story.command({ command: "release", secret: "billing-key", unfreeze: true });
    const run = await story.rotate();

    expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k3"] });
  });
});
