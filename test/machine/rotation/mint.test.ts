import type { Fault, FaultPlan } from "../../../providers/fake-faults.ts";
import { calls, open } from "./story.ts";

const rolledBack = {
  lease: "free",
  owed: "nothing",
  keys: ["k1 current"],
  debts: [],
  labels: { v1: "AWSCURRENT" },
  works: ["k1"],
};

/** What the consumers themselves call goes on. */
const atRekeyOnly =
  (fault: Fault, isOn: () => boolean = () => true): FaultPlan =>
  ({ operation }) =>
    operation === "use" || !isOn() ? undefined : fault;

test("a lost reply to the mint leaves one key behind, which is deleted before the next is made", async () => {
  const story = await open({ provider: { faults: [{ kind: "lostReply", on: "mint" }] } });

  const run = await story.rotate();

  expect(story.path(run).slice(0, 3)).toEqual([
    "OpenRotation",
    "MintKey; MintOutcomeUnknown",
    "ProveIncoming",
  ]);
  expect(story.effects().slice(0, 5)).toEqual([
    "mint k2, reply lost",
    "delete k2",
    "mint k3",
    "put v2",
    "move AWSPENDING to v2",
  ]);
  expect(await story.ending(run)).toEqual({
    run: "SUCCEEDED: rotated",
    lease: "free",
    owed: "nothing",
    keys: ["k3 current"],
    debts: [],
    labels: { v1: "AWSPREVIOUS", v2: "AWSCURRENT REKEY_INCOMING" },
    works: ["k3"],
  });
});

test("a mint that got no answer and made no key stays in the ledger as intended, until a sweep has waited for it", async () => {
  const story = await open({ provider: { faults: [{ kind: "dropped", on: "mint" }] } });

  const run = await story.rotate();

  expect(story.effects()[0]).toBe("mint, reply lost");
  expect(await story.ending(run)).toMatchObject({
    run: "SUCCEEDED: rotated",
    keys: ["rekey/r-1/1 intended", "k2 current"],
    works: ["k2"],
  });
});

test("a new key that is slow to activate is asked again until the provider accepts it", async () => {
  const story = await open({ provider: { activateMs: 45_000 } });

  const run = await story.rotate();

  expect(story.path(run)[2]).toMatch(/^ProveIncoming; KeyNotYetActive ×\d+$/);
  expect(story.effects()[3]).toMatch(/^verify k2: 401 ×\d+$/);
  expect(story.effects()[4]).toBe("verify k2");
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
  expect(story.failedRequests()).toBe(0);
});

test("a new key that is never accepted is deleted, and the current one stays", async () => {
  const story = await open({ provider: { activateMs: 24 * 3_600_000 } });

  const run = await story.rotate();

  expect(story.path(run).slice(-4)).toEqual(["SettleRotation", "CertifyEnding", "NoteEnding", "RolledBack"]);
  expect(story.effects().slice(-3)).toEqual([
    "strip AWSPENDING from v2",
    "strip REKEY_INCOMING from v2",
    "delete k2",
  ]);
  expect(await story.ending(run)).toEqual({ ...rolledBack, run: "FAILED RolledBack: rolledBack" });
  expect(story.detailOf("RotationRolledBack")).toMatchObject({
    reason: expect.stringMatching(/^KeyNotYetActive: /),
  });
});

test("a key that may not do what its consumers need is deleted at once", async () => {
  const story = await open({ scopes: ["api.files.read"] });

  const run = await story.rotate();

  expect(story.path(run).slice(-5)).toEqual([
    "ProveIncoming; KeyRejected",
    "SettleRotation",
    "CertifyEnding",
    "NoteEnding",
    "RolledBack",
  ]);
  expect(await story.ending(run)).toEqual({ ...rolledBack, run: "FAILED RolledBack: rolledBack" });
});

test("a provider that is down for the whole run changes nothing, and people are notified", async () => {
  const story = await open({ provider: { faults: atRekeyOnly({ kind: "serverError", effect: false }) } });

  const run = await story.rotate();

  expect(story.path(run)).toEqual(["OpenRotation; ProviderUnavailable ×7", "RefuseToOpen", "NeedsHuman"]);
  expect(story.effects()).toEqual([]);
  expect(await story.ending(run)).toEqual({ ...rolledBack, run: "FAILED NeedsHuman: unknown to the ledger" });
  expect(story.detailOf("RotationNeedsHuman")).toMatchObject({
    reason: expect.stringMatching(/^ProviderUnavailable: openai is unavailable: 500 server_error/),
  });
});

test("a provider that goes down after the mint leaves a key to discard, and the debt says so", async () => {
  let isDown = false;
  const story = await open({
    provider: { faults: atRekeyOnly({ kind: "serverError", effect: false }, () => isDown) },
  });
  story.after(calls.mint, () => {
    isDown = true;
  });

  const run = await story.rotate();

  expect(await story.ending(run)).toEqual({
    run: "FAILED NeedsHuman: needsHuman",
    lease: "free",
    owed: "nothing",
    keys: ["k1 current", "k2 stray"],
    debts: ["DiscardOwed k2"],
    labels: { v1: "AWSCURRENT" },
    works: ["k1", "k2"],
  });
});

test("a provider that goes down after the promotion keeps both keys alive and owes the revoke", async () => {
  let isDown = false;
  const story = await open({
    provider: { faults: atRekeyOnly({ kind: "serverError", effect: false }, () => isDown) },
  });
  story.after(calls.move("AWSCURRENT"), () => {
    isDown = true;
  });

  const run = await story.rotate();

  expect(story.path(run).slice(-5)).toEqual([
    "CheckAdoption; ProviderUnavailable ×7",
    "SettleRotation",
    "CertifyEnding",
    "NoteEnding",
    "NeedsHuman",
  ]);
  expect(await story.ending(run)).toMatchObject({
    run: "FAILED NeedsHuman: needsHuman",
    owed: expect.stringMatching(/^promoted: ProviderUnavailable: /),
    keys: ["k1 retiring", "k2 current"],
    debts: ["RevokeOwed k1"],
    works: ["k1", "k2"],
  });
  expect(story.failedRequests()).toBe(0);

  isDown = false;
  const second = await story.rotate();
  expect(await story.ending(second)).toMatchObject({ run: "SUCCEEDED: rotated", debts: [], works: ["k2"] });
});

test("a provider that asks to wait is not called again before its Retry-After has passed", async () => {
  const story = await open({ provider: { faults: [{ kind: "throttled", retryAfterS: 15, on: "mint" }] } });
  const mintedAtMs: number[] = [];
  story.before(calls.mint, () => mintedAtMs.push(story.world.time.nowMs()), 9);

  const run = await story.rotate();

  expect(story.path(run)[1]).toBe("MintKey; ProviderThrottled");
  const [first = 0, second = 0] = mintedAtMs;
  expect(second - first).toBeGreaterThanOrEqual(15_000);
  expect(second - first).toBeLessThan(30_000);
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
});

test("a provider that throttles everything is called a bounded number of times", async () => {
  const story = await open({ provider: { faults: atRekeyOnly({ kind: "throttled", retryAfterS: 60 }) } });

  const run = await story.rotate();

  expect(story.path(run)).toEqual(["OpenRotation; ProviderThrottled ×7", "RefuseToOpen", "NeedsHuman"]);
  expect(story.world.provider.counters().byOperation["find"]).toBe(7);
  expect(await story.ending(run)).toMatchObject(rolledBack);
});

test.each(["garbage", "truncated", "oversized", "deep", "polluting"] as const)(
  "a provider whose answers are %s makes no key current and loses none",
  async (kind) => {
    const story = await open({ provider: { faults: atRekeyOnly({ kind }) } });

    const run = await story.rotate();

    const ending = await story.ending(run);
    expect(ending.labels["v1"]).toMatch(/AWSCURRENT|AWSPREVIOUS/);
    if (kind === "polluting") expect(ending).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
    else expect(ending).toEqual({ ...rolledBack, run: "FAILED NeedsHuman: unknown to the ledger" });
    expect(({} as { polluted?: true }).polluted).toBeUndefined();
    expect(story.failedRequests()).toBe(0);
  },
);

test("garbage in answer to the mint is a lost reply: the key is found by its name and deleted", async () => {
  const story = await open({ provider: { faults: [{ kind: "garbage", on: "mint" }] } });

  const run = await story.rotate();

  expect(story.path(run)[1]).toBe("MintKey; MintOutcomeUnknown");
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k3"] });
});

test("a provider that accepts no more keys is left alone, and people are notified", async () => {
  const fault = { kind: "answer", status: 400, code: "max_api_keys_reached", on: "mint" } as const;
  const story = await open({ provider: { faults: [fault] } });

  const run = await story.rotate();

  expect(story.path(run)).toEqual([
    "OpenRotation",
    "MintKey; QuotaReached",
    "SettleRotation",
    "CertifyEnding",
    "NoteEnding",
    "RolledBack",
  ]);
  expect(await story.ending(run)).toMatchObject({ works: ["k1"], labels: { v1: "AWSCURRENT" } });
  expect(story.detailOf("RotationRolledBack")).toMatchObject({
    reason: expect.stringMatching(/^QuotaReached: /),
  });
});

test("a stop that comes before the mint makes no key", async () => {
  const story = await open();
  story.before(calls.of("mint-key", "query"), () =>
    story.world.ledger.putStop({ scope: "all", by: "ada", reason: "an outage", includingIncidents: false }),
  );

  const run = await story.rotate();

  expect(story.path(run)).toEqual([
    "OpenRotation",
    "MintKey; Stopped",
    "SettleRotation",
    "CertifyEnding",
    "NoteEnding",
    "RolledBack",
  ]);
  expect(story.effects()).toEqual([]);
});

test("a stop that comes before the promotion keeps the retiring key current, and the incoming one goes again", async () => {
  const story = await open();
  story.before(calls.of("promote-version", "query"), () =>
    story.world.ledger.putStop({ scope: "all", by: "ada", reason: "an outage", includingIncidents: false }),
  );

  const run = await story.rotate();

  expect(story.path(run).slice(-5)).toEqual([
    "PromoteVersion; Stopped",
    "SettleRotation",
    "CertifyEnding",
    "NoteEnding",
    "RolledBack",
  ]);
  expect(await story.ending(run)).toMatchObject({ works: ["k1"], labels: { v1: "AWSCURRENT" } });
});
