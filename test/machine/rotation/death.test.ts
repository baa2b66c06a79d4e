import { SecretUnusable } from "../../../core/errors.ts";
import { calls, open, type Story } from "./story.ts";

const minuteMs = 60_000;
const deletesIn = (story: Story) => story.effects().filter((effect) => effect.startsWith("delete"));
/** The row of refusals that counts as death has to last this long (the world's own profile is shorter). */
const patient = { deadWindowMs: 60_000, probeEveryMs: 15_000, dieMs: 10 * minuteMs };

test("a revoked key that goes on working is watched until it is refused again and again", async () => {
  const story = await open({ provider: { dieMs: 4 * minuteMs } });

  const run = await story.rotate();

  expect(story.path(run).slice(-7)).toEqual([
    "RevokeKey",
    "ProveDead",
    "WaitForDeath",
    "ProveDead",
    "CertifyRotation",
    "CloseRotation",
    "Rotated",
  ]);
  // While it answers, its revoke is asked for again, each time after twice as long.
  expect(deletesIn(story)).toEqual(["delete k1", ...Array(2).fill("delete k1: 404")]);
  expect(story.effects().slice(-4)).toEqual([
    "delete k1: 404",
    expect.stringMatching(/^verify k1 ×\d+$/),
    expect.stringMatching(/^verify k1: 401 ×[5-9]$/),
    "strip REKEY_RETIRING from v1",
  ]);
  const died = story.firstAt(run, "CloseRotation") - story.firstAt(run, "RevokeKey");
  expect(died).toBeGreaterThanOrEqual(4 * minuteMs + 20_000);
});

test("a key that starts to be refused just before the bound is still seen dead", async () => {
  const story = await open({ provider: { dieMs: 10 * minuteMs - 5_000 }, propagation: patient });

  const run = await story.rotate();

  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", debts: [], works: ["k2"] });
});

test("a key that still works after the limit is a debt of its own, and people are notified", async () => {
  const story = await open({ provider: { dieMs: 60 * minuteMs }, propagation: patient });

  const run = await story.rotate();

  expect(story.path(run).slice(-5)).toEqual([
    "ProveDead; StillAlive",
    "SettleRotation",
    "CertifyEnding",
    "NoteEnding",
    "NeedsHuman",
  ]);
  expect(await story.ending(run)).toEqual({
    run: "FAILED NeedsHuman: needsHuman",
    lease: "free",
    owed: expect.stringMatching(
      /^revoked: StillAlive: key key_FAKE\w+ is not seen dead \d+ s after its revoke$/,
    ),
    keys: ["k1 revoked", "k2 current"],
    debts: ["DeathUnproven k1"],
    labels: { v1: "AWSPREVIOUS REKEY_RETIRING", v2: "AWSCURRENT REKEY_INCOMING" },
    works: ["k1", "k2"],
  });
});

test("the next run resumes an unproven death, however old it is: it sees the key dead", async () => {
  const story = await open({ provider: { dieMs: 60 * minuteMs }, propagation: patient });
  await story.rotate();
  await story.world.time.advance(60 * minuteMs);

  const second = await story.rotate();

  expect(story.path(second)).toEqual([
    "OpenRotation",
    "ProveDead",
    "WaitForDeath",
    "ProveDead",
    "CertifyRotation",
    "CloseRotation",
    "Rotated",
  ]);
  expect(await story.ending(second)).toMatchObject({
    run: "SUCCEEDED: rotated",
    keys: ["k2 current"],
    debts: [],
    labels: { v1: "AWSPREVIOUS", v2: "AWSCURRENT REKEY_INCOMING" },
  });
  expect(deletesIn(story)).toEqual(["delete k1", ...Array(4).fill("delete k1: 404")]);
});

test("a key that is refused only now and then does not count as dead", async () => {
  let probes = 0;
  const story = await open({
    provider: {
      dieMs: 60 * minuteMs,
      faults: ({ operation, request }) => {
        const isProbe =
          operation === "models" && request.headers["authorization"]?.endsWith(story.textOf("k1"));
        if (!isProbe) return undefined;
        probes += 1;
        return probes % 3 === 0 ? undefined : { kind: "answer", status: 401, code: "invalid_api_key" };
      },
    },
  });

  const run = await story.rotate();

  expect(story.path(run).at(-1)).toBe("NeedsHuman");
  expect(await story.ending(run)).toMatchObject({ debts: ["DeathUnproven k1"] });
});

test("answers that say nothing count neither for nor against death", async () => {
  let isProxyBroken = false;
  const story = await open({
    provider: {
      faults: ({ operation }) => (isProxyBroken && operation === "models" ? { kind: "garbage" } : undefined),
    },
  });
  const run = story.start();
  await story.reaches(run, "ProveDead");
  isProxyBroken = true;
  await story.world.time.advance(2 * minuteMs);
  expect(run.outcome).toBeUndefined();
  isProxyBroken = false;

  await story.finish(run);

  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
});

test("a key whose plaintext nobody holds any more is dead by listing, and the record of death says so", async () => {
  const story = await open();
  story.before(calls.of("prove-dead", "read"), () => {
    throw new SecretUnusable("the version was purged");
  });

  const run = await story.rotate();

  const known = await story.world.ledger.rotation(story.secretArn, run.rotationId);
  expect(known?.death).toMatchObject({ how: "listing", probes: 0 });
  expect(story.effects()).not.toContainEqual(expect.stringMatching(/^verify k1/));
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated" });
});

test("a revoke whose reply was lost is repeated, and a key that is gone already counts as revoked", async () => {
  const story = await open({ provider: { faults: [{ kind: "lostReply", on: "revoke" }] } });

  const run = await story.rotate();

  expect(story.path(run)).toContain("RevokeKey; ProviderUnavailable");
  expect(story.effects().slice(-4)).toEqual([
    "delete k1, reply lost",
    "delete k1: 404",
    "verify k1: 401 ×8",
    "strip REKEY_RETIRING from v1",
  ]);
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
});

test("a key that is gone from an account that has neither key is not called revoked", async () => {
  let isElsewhere = false;
  const notFound = { kind: "answer", status: 404, code: "not_found" } as const;
  const story = await open({
    provider: {
      faults: ({ operation }) => (isElsewhere && /find|revoke|list/.test(operation) ? notFound : undefined),
    },
  });
  story.before(calls.delete, () => {
    isElsewhere = true;
  });

  const run = await story.rotate();

  expect(story.path(run).slice(-5)).toEqual([
    "RevokeKey; WrongProject",
    "SettleRotation",
    "CertifyEnding",
    "NoteEnding",
    "NeedsHuman",
  ]);
  expect(await story.ending(run)).toMatchObject({
    owed: expect.stringMatching(
      /^revoking: WrongProject: openai does not show the project to the admin credential/,
    ),
    debts: ["RevokeOwed k1"],
    works: ["k1", "k2"],
  });
});
