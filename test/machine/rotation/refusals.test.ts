import type { Policy } from "../../../core/policy.ts";
import { secretArnOf } from "../../simulation/world/account.ts";
import { open, type StoryOptions } from "./story.ts";

/** Refused before anything is made: nothing is lost, and the words say what to do. */
const refusals: readonly (readonly [
  string,
  StoryOptions,
  { readonly error: string; readonly words: string },
])[] = [
  [
    "a policy without consumers",
    { consumers: [] },
    { error: "PolicyInvalid", words: "say `consumers: none` if nothing uses the key" },
  ],
  [
    "an overlap shorter than a consumer's cache",
    { consumers: [{ name: "billing", maxStaleMs: 3_600_000 }], policy: { overlapMs: 60_000 } },
    { error: "PolicyInvalid", words: "longer than the overlap of 60000 ms" },
  ],
  [
    "a quiet window shorter than the lag of its signal",
    { policy: { quietMs: 1_000 } },
    { error: "PolicyInvalid", words: "quiet must be at least that" },
  ],
  [
    "a secret that is only watched",
    { policy: { mode: "index" } },
    { error: "PolicyInvalid", words: "mode: index" },
  ],
  [
    "an admin credential that the provider refuses",
    {
      provider: {
        faults: ({ operation }) =>
          operation === "find" ? { kind: "answer", status: 401, code: "invalid_api_key" } : undefined,
      },
    },
    { error: "AdminCredentialRefused", words: "openai refused the admin credential: 401 invalid_api_key" },
  ],
  [
    "an admin credential of another project",
    { provider: { projects: [{ id: "proj_OTHER", serviceAccounts: [] }] } },
    { error: "WrongProject", words: "does not show the project to the admin credential" },
  ],
];

test.each(refusals)("%s is refused, and nothing is lost", async (_what, options, { error, words }) => {
  const story = await open(options);

  const run = await story.rotate();

  expect(story.path(run)).toEqual([`OpenRotation; ${error}`, "RefuseToOpen", "NeedsHuman"]);
  expect(story.detailOf("RotationNeedsHuman")["reason"]).toContain(words);
  expect(run.outcome?.cause).toContain(words);
  expect(story.effects()).toEqual([]);
  expect(await story.audit()).toEqual(["RotationRefused"]);
  expect(await story.ending(run)).toMatchObject({
    lease: "free",
    owed: "nothing",
    keys: ["k1 current"],
    debts: [],
    labels: { v1: "AWSCURRENT" },
    works: ["k1"],
  });
  expect(story.failedRequests()).toBe(0);
});

test("a secret without a policy is refused with the command that gives it one", async () => {
  const story = await open();
  await story.world.ledger.removePolicy(story.secretArn);

  const run = await story.rotate();

  expect(run.outcome?.cause).toContain("run rekey apply");
  expect(story.effects()).toEqual([]);
});

test("a secret that does not exist is refused", async () => {
  const story = await open();
  const secretArn = secretArnOf("nowhere");
  const policy = (await story.world.ledger.policy(story.secretArn)) as Policy;
  await story.world.ledger.putPolicy({ ...policy, secretArn });

  const run = await story.world.rotate(secretArn);

  expect(run.outcome).toMatchObject({
    error: "NeedsHuman",
    cause: expect.stringMatching(/^SecretUnusable: .*nowhere/),
  });
});

test.each([
  ["an empty secret", undefined, "", "the secret's value is empty"],
  [
    "a secret that is JSON where the policy says bare",
    undefined,
    '{"a": "b"}',
    "name the field that holds the key",
  ],
  ["a secret without its field", "apiKey", '{"other": "x"}', 'has no field "apiKey"'],
  ["a secret whose field is empty", "apiKey", '{"apiKey": " "}', 'field "apiKey" is empty'],
  [
    "a secret whose field is no text",
    "apiKey",
    '{"apiKey": {"nested": 1}}',
    'field "apiKey" is not a string',
  ],
  ["a secret that is no JSON", "apiKey", "not json", "is not JSON"],
])("%s is refused in words that do not quote it", async (_what, field, text, words) => {
  const story = await open({
    ...(field !== undefined && { field }),
    consumers: [],
    policy: { consumers: "none" },
  });
  story.world.store.setCurrent(story.secretArn, text);

  const run = await story.rotate();

  expect(story.path(run)).toEqual(["OpenRotation; SecretUnusable", "RefuseToOpen", "NeedsHuman"]);
  expect(run.outcome?.cause).toContain(words);
  expect(story.effects()).toEqual([]);
});

test("a secret that has no value yet is refused", async () => {
  const story = await open();
  const secretArn = secretArnOf("valueless");
  story.world.store.create(secretArn);
  const policy = (await story.world.ledger.policy(story.secretArn)) as Policy;
  await story.world.ledger.putPolicy({ ...policy, secretArn });

  const run = await story.world.rotate(secretArn);

  expect(run.outcome?.cause).toContain("has no value yet");
});

test("a missing admin credential is refused with its name", async () => {
  const story = await open();
  const policy = (await story.world.ledger.policy(story.secretArn)) as Policy;
  const adminCredential = secretArnOf("rekey/admin/nowhere");
  await story.world.ledger.putPolicy({ ...policy, provider: { ...policy.provider, adminCredential } });

  const run = await story.rotate();

  expect(story.path(run)).toEqual(["OpenRotation; AdminCredentialRefused", "RefuseToOpen", "NeedsHuman"]);
  expect(run.outcome?.cause).toContain(adminCredential);
});

test("a key that another secret holds is refused, and the other secret is named", async () => {
  const story = await open();
  await story.world.secret({ name: "copied-key", sharesKeyOf: story.secretArn, consumers: [] });

  const run = await story.rotate();

  expect(story.path(run)).toEqual(["OpenRotation; KeyShared", "RefuseToOpen", "NeedsHuman"]);
  expect(run.outcome?.cause).toContain(secretArnOf("copied-key"));
});

test("a key that another secret comes to hold while the run waits is not revoked", async () => {
  const story = await open();
  const run = story.start();
  await story.reaches(run, "AwaitEvidence");
  const { keyId, versionId, fingerprint } = story.retiring();
  const secretArn = secretArnOf("copied-key");
  await story.world.ledger.putHolder({ fingerprint, keyId, versionId, secretArn, role: "rotated" });
  await story.world.time.advance(10 * 60_000);

  expect(await story.gate(run)).toMatchObject({
    verdict: "waiting",
    blockers: [`KeyShared: also held by ${secretArn}`],
  });
  expect(story.effects()).not.toContain("delete k1");
});

test("two keys that look like the current one are refused, and the operator is asked to name it", async () => {
  const story = await open();
  const text = "sk-svcacct-FAKE-0000twin0000000000ABCD";
  story.world.provider.addKey({ secret: text });
  story.world.provider.addKey({ secret: text.replace("twin", "TWIN") });
  story.world.store.setCurrent(story.secretArn, text);

  const run = await story.rotate();

  expect(story.path(run)).toEqual(["OpenRotation; KeyIdUnknown", "RefuseToOpen", "NeedsHuman"]);
  expect(run.outcome?.cause).toContain("name it as currentKeyId");
});

test("a current key that was deleted at the provider is refused", async () => {
  const story = await open();
  await story.deleteAtProvider("k1");

  const run = await story.rotate();

  expect(story.path(run)).toEqual(["OpenRotation; CurrentKeyUnknown", "RefuseToOpen", "NeedsHuman"]);
});

test("a retiring key that would expire within the overlap is given more time before the run starts", async () => {
  const story = await open({ policy: { overlapMs: 2 * 3_600_000 } });
  await story.expire("k1", { afterMs: 3_600_000 });

  const run = story.start();
  await story.reaches(run, "AwaitEvidence");

  expect(story.expiryOf("k1")).toBeGreaterThanOrEqual(story.world.time.nowMs() + 3.9 * 3_600_000);
});

test("a retiring key that expires and cannot be extended is refused: its consumers would be cut off", async () => {
  const story = await open();
  await story.expire("k1", { afterMs: 3_600_000 });
  story.world.provider.inject({ kind: "answer", status: 400, on: "update" });

  const run = await story.rotate();

  expect(story.path(run)).toEqual(["OpenRotation; PolicyInvalid", "RefuseToOpen", "NeedsHuman"]);
  expect(run.outcome?.cause).toContain("expires before the overlap");
});

test("a run that ends early gives an expiring retiring key more time: nobody is cut off while a person looks", async () => {
  const story = await open({ policy: { overlapMs: 20 * 60_000 } });
  await story.expire("k1", { afterMs: 25 * 60_000 });
  const run = story.start();
  await story.reaches(run, "AwaitEvidence");
  run.stop("a person stopped it");

  await story.finish(run);

  expect(await story.ending(run)).toMatchObject({ debts: ["RevokeOwed k1"], works: ["k1", "k2"] });
  expect(story.expiryOf("k1")).toBeGreaterThan(story.world.time.nowMs() + 35 * 60_000);
});

test("a held secret is skipped, and the run says by whom and why", async () => {
  const story = await open();
  await story.command({ command: "hold", secret: "billing-key", reason: "a launch" });

  const run = await story.rotate();

  expect(story.path(run)).toEqual(["OpenRotation", "Skipped"]);
  const known = await story.world.ledger.rotation(story.secretArn, run.rotationId);
  expect(known).toMatchObject({
    outcome: "skipped",
    reason: expect.stringMatching(/^Held: held by .*user\/ada: a launch$/),
  });
  expect(story.effects()).toEqual([]);
});

test("a stopped provider account is skipped", async () => {
  const story = await open();
  await story.command({ command: "stop", provider: "openai-main", reason: "an outage" });

  const run = await story.rotate();

  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: skipped", works: ["k1"] });
});
