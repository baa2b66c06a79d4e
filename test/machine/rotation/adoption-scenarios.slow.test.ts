import { sayReason, sayWanted } from "../../../core/adoption/reason-text.ts";
import { StoreUnavailable } from "../../../core/errors.ts";
import type { ConsumerPolicy } from "../../../core/policy.ts";
import type { SecretArn, VersionId } from "../../../core/ports.ts";
import { type Instance, startConsumer } from "../../simulation/world/consumer.ts";
import type { Run } from "../../simulation/world/step-functions.ts";
import { calls, open, type Story, type StoryOptions } from "./story.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const account = "111122223333";
const role = `arn:aws:iam::${account}:role/billing`;
const own = [`arn:aws:iam::${account}:role/rekey-production-`];

function declared(fields: Partial<ConsumerPolicy> = {}): ConsumerPolicy {
  return {
    name: "billing",
    environment: "production",
    account,
    evidence: ["client"],
    maxStaleMs: 15 * minute,
    demandUse: false,
    refresh: { kind: "announce" },
    ...fields,
  };
}

/** A story that notes who would still have used the retiring key at the moment of its revoke. */
async function begin(options: StoryOptions): Promise<Story & { readonly stranded: string[] }> {
  const story = await open(options);
  const stranded: string[] = [];
  const fingerprint = story.retiringAtStart?.fingerprint ?? "";
  story.before(calls.delete, () => {
    for (const { instances } of story.world.consumers.values()) {
      stranded.push(...instances.filter((each) => each.wouldUse(fingerprint)).map(({ id }) => id));
    }
  });
  return Object.assign(story, { stranded });
}

async function waits(story: Story, run: Run): Promise<readonly string[]> {
  await story.reaches(run, "AwaitEvidence");
  return gateOf(story, run);
}

/** What the gate told people last. */
async function gateOf(story: Story, run: Run): Promise<readonly string[]> {
  const known = await story.world.ledger.rotation(story.secretArn, run.rotationId);
  const { reasons = [] } = known?.gate ?? {};
  return reasons.map(({ reason, consumer, instance }) =>
    [reason, consumer, instance].filter(Boolean).join(" "),
  );
}

async function expectOverdue(story: Story, run: Run, missing: string): Promise<void> {
  await story.finish(run);
  expect((await story.ending(run)).works).toContain("k1");
  expect((await story.ending(run)).debts).toEqual(["RevokeOwed k1"]);
  expect(String(story.detailOf("RotationNeedsHuman")["reason"])).toContain(missing);
}

async function expectRotated(story: Story & { readonly stranded: string[] }, run: Run): Promise<void> {
  await story.finish(run);
  expect((await story.ending(run)).run).toBe("SUCCEEDED: rotated");
  expect(story.stranded).toEqual([]);
  expect(story.failedRequests()).toBe(0);
}

async function revokedAtMs(story: Story, run: Run): Promise<number> {
  const known = await story.world.ledger.rotation(story.secretArn, run.rotationId);
  return known?.death?.revokedAtMs ?? Number.NaN;
}

/** When the retiring key was revoked, counted from the promotion. */
async function revokedAfterMs(story: Story, run: Run): Promise<number> {
  const promoted = story.world.events.find(({ type }) => type === "SecretVersionPromoted");
  return (await revokedAtMs(story, run)) - (promoted?.atMs ?? Number.NaN);
}

/** An instance whose store can be pinned to a version, as a rolled back deployment pins it. */
async function startPinnable(story: Story, options: { readonly name: string; readonly instances?: number }) {
  const pin: { to: VersionId | undefined } = { to: undefined };
  const { secretArn } = story;
  const { store } = story.world;
  const world = {
    ...story.world.consumerWorld(secretArn),
    store: { current: (arn: SecretArn) => store.read(arn, pin.to) },
  };
  const consumer = await startConsumer({ instances: 1, ...options }, world);
  story.world.consumers.set(`${secretArn} ${options.name} pinnable`, consumer);
  return pin;
}

/** Somebody who has the key's text and uses it without a word; `stop` ends that. */
async function useQuietly(story: Story, everyMs: number): Promise<{ stop(): void; refused: number }> {
  const text = await story.currentText();
  const stranger = { refused: 0, stop: () => clearInterval(timer) };
  const timer = setInterval(() => {
    const { status } = story.world.provider.handle({
      method: "POST",
      path: "/v1/chat/completions",
      query: new URLSearchParams(),
      headers: { authorization: `Bearer ${text}` },
      body: { model: "gpt-FAKE", messages: [] },
    }) as { status: number };
    if (status !== 200) stranger.refused += 1;
  }, everyMs);
  return stranger;
}

const instancesOf = (story: Story, name: string): readonly Instance[] =>
  story.world.consumers.get(`${story.secretArn} ${name}`)?.instances ?? [];

describe("autoscaling", () => {
  test("instances come and go, some without a last report, and every one is waited for", async () => {
    const story = await begin({ consumers: [{ name: "billing", instances: 4 }] });
    const run = story.start();
    await story.reaches(run, "PromoteVersion");
    instancesOf(story, "billing")[0]?.stop({ silently: false });
    instancesOf(story, "billing")[1]?.stop({ silently: true });
    const world = story.world.consumerWorld(story.secretArn);
    const grown = await startConsumer({ name: "billing", instances: 7 }, { ...world });
    story.world.consumers.set("grown", grown);
    await expectRotated(story, run);
  });

  test("one that was killed on the retiring key is waited for until its key must be stale", async () => {
    const story = await begin({ consumers: [{ name: "billing", instances: 2 }] });
    const run = story.start();
    await story.reaches(run, "PromoteVersion");
    instancesOf(story, "billing")[1]?.stop({ silently: true });
    await story.reaches(run, "AwaitEvidence", 5);
    expect(await gateOf(story, run)).toContain("HoldsRetiringKey billing billing-2");
    await expectRotated(story, run);
    expect(await revokedAfterMs(story, run)).toBeGreaterThanOrEqual(15 * minute - 5 * second);
  });
});

test("a frozen instance is waited for until it would not use its key any more, and thaws without harm", async () => {
  const story = await begin({ consumers: [{ name: "billing", instances: 2 }] });
  instancesOf(story, "billing")[1]?.freeze();
  const run = story.start();
  await story.finish(run);
  expect(await revokedAfterMs(story, run)).toBeGreaterThanOrEqual(15 * minute - 5 * second);
  instancesOf(story, "billing")[1]?.thaw();
  await story.world.time.advance(5 * minute);
  expect(story.stranded).toEqual([]);
  expect(story.failedRequests()).toBe(0);
});

test("an instance that fetched the retiring key while the promotion was tried again is waited for from then on", async () => {
  // It asks the store every minute, and has nothing to report as long as that changes nothing.
  const story = await begin({ consumers: [{ name: "billing", instances: 2, reportEveryMs: hour }] });
  const move = calls.move("AWSCURRENT");
  story.before(
    move,
    () => {
      throw new StoreUnavailable("Secrets Manager does not answer");
    },
    5,
  );
  let frozenAtMs = 0;
  const run = story.start();
  story.after(move, () => {
    frozenAtMs = story.world.time.nowMs();
    instancesOf(story, "billing")[1]?.freeze();
  });
  await expectRotated(story, run);
  expect(await revokedAtMs(story, run)).toBeGreaterThan(frozenAtMs + 15 * minute - 1);
});

describe("a nightly batch", () => {
  const batch = declared({ name: "invoices", cadenceMs: 24 * hour, demandUse: true });
  const options = {
    consumers: [{ name: "invoices", instances: 0 }],
    policy: { consumers: [batch], overlapMs: 25 * hour },
  };

  test("has nobody to ask until its next run has used the incoming key", async () => {
    const story = await begin(options);
    const run = story.start();
    expect(await waits(story, run)).toContain("NoLiveInstance invoices");
    await story.world.time.advance(10 * hour);
    expect(run.outcome).toBeUndefined();
    const tonight = await story.world.startConsumer(story.secretArn, { name: "invoices", instances: 1 });
    await story.world.time.advance(minute);
    tonight.instances[0]?.stop({ silently: false });
    await expectRotated(story, run);
    expect(await revokedAfterMs(story, run)).toBeGreaterThan(10 * hour);
  });

  test("that does not run in time leaves the retiring key alive, and people are notified", async () => {
    const story = await begin(options);
    const run = story.start();
    await expectOverdue(story, run, "NoLiveInstance invoices");
  });
});

describe("a consumer in the wrong environment", () => {
  test("is no evidence for the right one, however loudly it reports", async () => {
    const story = await begin({
      consumers: [{ name: "billing", instances: 0 }],
      policy: { consumers: [declared()], overlapMs: 30 * minute },
    });
    await story.world.startConsumer(story.secretArn, {
      ...{ name: "billing", environment: "staging", instances: 2 },
      ...{ reportEveryMs: 2 * second, useEveryMs: minute },
    });
    const run = story.start();
    await expectOverdue(story, run, "NoLiveInstance billing");
  });

  test("that stays on the retiring key is named, and the key lives", async () => {
    const story = await begin({
      consumers: [{ name: "billing", useEveryMs: minute }],
      policy: { overlapMs: 30 * minute },
    });
    await story.world.startConsumer(story.secretArn, {
      ...{ name: "billing", environment: "staging", instances: 1 },
      ...{
        reportEveryMs: 2 * second,
        useEveryMs: minute,
        refreshEveryMs: Number.POSITIVE_INFINITY,
        maxStaleMs: 24 * hour,
      },
    });
    await expectOverdue(story, story.start(), "UndeclaredConsumer billing billing-1");
  });
});

describe("an undeclared program on the retiring key", () => {
  test("that never reports shows in the provider's last use; when it ends, the debt is paid", async () => {
    const story = await begin({ policy: { overlapMs: hour } });
    const stranger = await useQuietly(story, 20 * second);
    const run = story.start();
    await expectOverdue(story, run, "RetiringKeyStillUsed");
    expect(stranger.refused).toBe(0);
    stranger.stop();
    const next = story.start();
    await story.finish(next);
    expect((await story.ending(next)).run).toBe("SUCCEEDED: rotated");
    expect((await story.ending(next)).debts).toEqual([]);
  });

  test("that reads the retiring version by its id is named by its role, until it is declared", async () => {
    const story = await begin({ policy: { overlapMs: 2 * hour } });
    const run = story.start();
    await waits(story, run);
    const stranger = `arn:aws:iam::${account}:role/stranger`;
    await story.world.time.advance(second);
    expect(await readVersion(story, { principal: stranger, versionId: story.versionId("v1") })).toMatchObject(
      { outcome: "woken" },
    );
    await story.reaches(run, "AwaitEvidence", 5);
    const known = await story.world.ledger.rotation(story.secretArn, run.rotationId);
    const reason = known?.gate?.reasons.find((each) => each.reason === "UndeclaredConsumer");
    expect(reason && [sayReason(reason), sayWanted(reason)]).toEqual([
      expect.stringContaining(`no consumer has its role ${stranger}`),
      "declare a consumer with this role, or remove its access",
    ]);
    await story.world.time.advance(30 * minute);
    expect(run.outcome).toBeUndefined();

    const policy = await story.world.ledger.policy(story.secretArn);
    const consumers = policy?.consumers === "none" ? [] : (policy?.consumers ?? []);
    const added = declared({
      name: "stranger",
      roles: [stranger],
      evidence: ["attestation"],
      maxStaleMs: minute,
    });
    if (policy) await story.world.ledger.putPolicy({ ...policy, consumers: [...consumers, added] });
    expect(
      await story.command({ command: "attest", secret: "billing-key", consumer: "stranger" }),
    ).toMatchObject({ outcome: "attested" });
    await expectRotated(story, run);
  });
});

/** What CloudTrail tells of one read of the secret. */
function readVersion(
  story: Story,
  { principal, versionId }: { readonly principal: string; readonly versionId: string },
) {
  const detail = {
    eventSource: "kms.amazonaws.com",
    eventName: "Decrypt",
    userIdentity: { sessionContext: { sessionIssuer: { arn: principal } } },
    requestParameters: { encryptionContext: { SecretARN: story.secretArn, SecretVersionId: versionId } },
  };
  const time = new Date(story.world.time.nowMs()).toISOString();
  const event = { environment: "production", own, event: { account, time, detail } };
  return story.world.time.run(story.world.invoke("record-read", event));
}

describe("a consumer that only its access records show", () => {
  const options = {
    consumers: [{ name: "billing", instances: 0 }],
    policy: { consumers: [declared({ evidence: ["kms"], roles: [role] })], overlapMs: 2 * hour },
  };

  test("has moved when it has read the incoming version and its caches are stale", async () => {
    const story = await begin(options);
    const run = story.start();
    expect(await waits(story, run)).toEqual(
      expect.arrayContaining(["MayHoldRetiringVersion billing", "NotRead billing"]),
    );
    const incoming = { principal: role, versionId: story.versionId("v2") };
    expect(await readVersion(story, incoming)).toMatchObject({ outcome: "woken" });
    expect(await readVersion(story, incoming)).toMatchObject({ outcome: "stillSo" });
    await expectRotated(story, run);
    expect(await revokedAfterMs(story, run)).toBeGreaterThanOrEqual(15 * minute - 5 * second);
  });

  test("is not shown by Rekey's own reads, nor by reads of secrets that nobody rotates", async () => {
    const story = await begin(options);
    const principal = `${own[0]}eu-west-1-prove-dead`;
    expect(await readVersion(story, { principal, versionId: "v1" })).toMatchObject({
      outcome: "noConsumersRead",
    });
    await story.world.ledger.removePolicy(story.secretArn);
    expect(await readVersion(story, { principal: role, versionId: "v1" })).toMatchObject({
      outcome: "unknownSecret",
    });
  });
});

test("a report that was lost is made good by the next one", async () => {
  let isLost = false;
  const story = await begin({
    consumers: [{ name: "billing", instances: 1, reportEveryMs: 10 * minute }],
    deliveries: (type) => (type === "ConsumerReport" && isLost ? [] : [0]),
  });
  const run = story.start();
  await story.reaches(run, "PromoteVersion");
  isLost = true;
  await story.world.time.advance(5 * minute);
  expect(instancesOf(story, "billing")[0]?.holds).not.toBe(story.retiringAtStart?.fingerprint);
  expect(await gateOf(story, run)).toContain("HoldsRetiringKey billing billing-1");
  isLost = false;
  await expectRotated(story, run);
  expect(await revokedAfterMs(story, run)).toBeGreaterThan(5 * minute);
});

test("a consumer that switched and was rolled back is waited for again", async () => {
  const story = await begin({
    consumers: [{ name: "billing", instances: 0 }],
    policy: { consumers: [declared()], quietMs: 10 * minute },
  });
  const pin = await startPinnable(story, { name: "billing" });
  const run = story.start();
  await story.reaches(run, "AwaitEvidence");
  await story.world.time.advance(2 * minute);
  expect((await gateOf(story, run)).filter((reason) => reason.startsWith("Holds"))).toEqual([]);
  pin.to = story.versionId("v1");
  await story.world.time.advance(20 * minute);
  expect(run.outcome).toBeUndefined();
  expect(await gateOf(story, run)).toContain("HoldsRetiringKey billing billing-1");
  pin.to = undefined;
  await expectRotated(story, run);
});

describe("a provider whose last use lags", () => {
  test("does not make a key in steady use look quiet, even where the window is no longer than the lag", async () => {
    const story = await begin({
      propagation: { usageLagMs: 5 * minute },
      provider: { lastUsedLagMs: 5 * minute },
      policy: { quietMs: 5 * minute, overlapMs: hour },
    });
    const stranger = await useQuietly(story, 30 * second);
    await expectOverdue(story, story.start(), "RetiringKeyStillUsed");
    expect(stranger.refused).toBe(0);
    stranger.stop();
  });

  test("makes the wait longer by its lag, and no longer than that", async () => {
    const story = await begin({
      propagation: { usageLagMs: 5 * minute },
      provider: { lastUsedLagMs: 5 * minute },
      policy: { quietMs: 5 * minute },
    });
    const run = story.start();
    await expectRotated(story, run);
    const afterMs = await revokedAfterMs(story, run);
    expect(afterMs).toBeGreaterThanOrEqual(10 * minute - 5 * second);
    expect(afterMs).toBeLessThan(13 * minute);
  });
});

describe("a consumer that nobody can change by machine", () => {
  const legacy = declared({
    name: "legacy",
    evidence: ["attestation"],
    refresh: { kind: "manual", owner: "team-legacy" },
  });
  const options = {
    consumers: [{ name: "legacy", instances: 0 }],
    policy: { consumers: [legacy], overlapMs: 8 * hour },
  };

  test("is a task for its owner, and their attestation lets the retiring key be revoked", async () => {
    const story = await begin(options);
    const run = story.start();
    expect(await waits(story, run)).toContain("NotAttested legacy");
    expect(story.detailOf("ConsumerTask")).toMatchObject({
      owner: "team-legacy",
      afterwards: "rekey attest billing-key legacy",
      deadline: expect.stringMatching(/^2026-01-01T08:/),
    });
    await story.world.time.advance(6 * hour);
    expect(run.outcome).toBeUndefined();
    await story.command({ command: "attest", secret: "billing-key", consumer: "legacy" });
    await expectRotated(story, run);
    expect(story.events().filter((type) => type === "ConsumerTask")).toHaveLength(1);
  });

  test("whose owner said yes too early is shown by the provider", async () => {
    const story = await begin({ ...options, policy: { ...options.policy, overlapMs: 2 * hour } });
    const stranger = await useQuietly(story, minute);
    const run = story.start();
    await waits(story, run);
    await story.command({ command: "attest", secret: "billing-key", consumer: "legacy" });
    await expectOverdue(story, run, "RetiringKeyStillUsed");
    expect(stranger.refused).toBe(0);
    stranger.stop();
  });

  test("whose owner says nothing keeps the retiring key alive", async () => {
    const story = await begin(options);
    await expectOverdue(story, story.start(), "NotAttested legacy");
  });
});

test("a refresh that the deployment does not allow is reported by name, and the gate waits all the same", async () => {
  const target = "arn:aws:ecs:eu-west-1:111122223333:service/main/billing";
  const story = await begin({
    consumers: [{ name: "billing" }],
    policy: { consumers: [declared({ refresh: { kind: "ecs-deployment", target } })] },
  });
  const run = story.start();
  await expectRotated(story, run);
  expect(story.detailOf("RefreshFailed")["failed"]).toEqual([
    `billing: ${target} is not in the deployment's refreshAllowed`,
  ]);
});
