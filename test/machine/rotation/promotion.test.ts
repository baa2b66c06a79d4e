import type { ChangeWindows } from "../../../core/calendar.ts";
import type { Policy } from "../../../core/policy.ts";
import { localTimeIn } from "../../../events/zone-time.ts";
import type { Run } from "../../simulation/world/step-functions.ts";
import { calls, open, type Story } from "./story.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const eve = "arn:aws:iam::111122223333:user/eve";
const everyDay = [0, 1, 2, 3, 4, 5, 6];

/** An hour of every day that begins two to three hours after the story does. */
function windowSoon(story: Story): { readonly windows: ChangeWindows; readonly opensAtMs: number } {
  const nowMs = story.world.time.nowMs();
  const opensAtMs = Math.ceil(nowMs / hourMs) * hourMs + 2 * hourMs;
  const { minute: fromMinute } = localTimeIn("UTC", opensAtMs);
  const untilMinute = (fromMinute + 60) % (24 * 60);
  return { opensAtMs, windows: { timezone: "UTC", open: [{ days: everyDay, fromMinute, untilMinute }] } };
}

async function amend(story: Story, change: Partial<Policy>): Promise<void> {
  const policy = await story.world.ledger.policy(story.secretArn);
  if (policy === undefined) throw new Error("the story has no policy");
  await story.world.ledger.putPolicy({ ...policy, ...change });
}

/** Sees what is to be approved and confirms it. */
async function approve(story: Story, run: Run, who: string) {
  const shown = await story.command({ command: "approve", order: run.rotationId }, who);
  return story.command({ command: "approve", order: run.rotationId, digest: shown["digest"] }, who);
}

async function askedByAda(story: Story): Promise<Run> {
  const { rotationId } = await story.command({ command: "rotate", secret: "billing-key", reason: "a test" });
  const run = [...story.world.runs.values()].find((each) => each.rotationId === rotationId);
  if (run === undefined) throw new Error("the rotation was not started");
  return run;
}

/** The story is days long, and a busy consumer would only make it slower. */
const calm = {
  consumers: [
    { name: "billing", ...{ useEveryMs: 600_000, reportEveryMs: 600_000, refreshEveryMs: 600_000 } },
  ],
};
const longer = { overlapMs: 2 * dayMs };

test("a rotation promotes and revokes only while its change window is open", async () => {
  const story = await open({ ...calm, policy: longer });
  const { windows, opensAtMs } = windowSoon(story);
  await amend(story, { windows });
  const run = await story.rotate();

  expect(story.path(run).slice(0, 6)).toEqual([
    ...["OpenRotation", "MintKey", "ProveIncoming", "CheckPromotion"],
    expect.stringMatching(/^AwaitPromotion/),
    expect.stringMatching(/^CheckPromotion/),
  ]);
  const promotedAtMs = story.firstAt(run, "PromoteVersion");
  expect(promotedAtMs).toBeGreaterThanOrEqual(opensAtMs);
  expect(promotedAtMs).toBeLessThan(opensAtMs + 5_000);
  expect(story.firstAt(run, "RevokeKey")).toBeLessThan(opensAtMs + hourMs);
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
});

test("evidence that is complete after the window keeps the retiring key until the next one", async () => {
  const story = await open({ ...calm, policy: longer });
  const { windows, opensAtMs } = windowSoon(story);
  await amend(story, { windows });
  const run = story.start();
  await story.reaches(run, "PromoteVersion");
  await story.command({ command: "hold", secret: "billing-key", reason: "until the window is over" });
  await story.world.time.advance(2 * hourMs);
  await story.command({ command: "release", secret: "billing-key" });
  await story.world.time.advance(hourMs);

  expect((await story.gate(run))?.blockers).toEqual([expect.stringMatching(/^WindowClosed: the next /)]);
  expect(story.effects()).not.toContain("delete k1");
  await story.finish(run);
  expect(story.firstAt(run, "RevokeKey")).toBeGreaterThanOrEqual(opensAtMs + dayMs);
});

test("a promotion waits for a second person: whoever asked is refused, and an approval wakes the run", async () => {
  const story = await open({ policy: { approve: "before-promote" } });
  const run = await askedByAda(story);
  await story.reaches(run, "AwaitPromotion");
  await story.world.time.advance(hourMs);
  expect(story.detailOf("PromotionWaits")).toMatchObject({
    reasons: [`NotApproved: another person has to approve the promotion: rekey approve ${run.rotationId}`],
  });

  expect(await approve(story, run, "arn:aws:iam::111122223333:user/ada")).toMatchObject({
    outcome: "refused",
    reason: "SamePerson",
  });
  await story.world.time.advance(hourMs);
  expect(story.effects()).not.toContain("promote v2");
  expect(run.outcome).toBeUndefined();

  const approvedAtMs = story.world.time.nowMs();
  expect(await approve(story, run, eve)).toMatchObject({ outcome: "approved", run: "woken" });
  await story.finish(run);
  expect(story.firstAt(run, "PromoteVersion") - approvedAtMs).toBeLessThan(5_000);
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
  expect(await story.audit()).toContain("PromotionApproved");
});

test("a digest that was shown too long ago, or for something else, approves nothing", async () => {
  const story = await open({ policy: { approve: "before-promote" } });
  const run = await askedByAda(story);
  await story.reaches(run, "AwaitPromotion");
  const shown = await story.command({ command: "approve", order: run.rotationId }, eve);
  expect(shown).toMatchObject({
    outcome: "shown",
    askedBy: "arn:aws:iam::111122223333:user/ada",
    what: { rotationId: run.rotationId, incomingKeyId: story.keyId("k2"), retiringKeyId: story.keyId("k1") },
  });
  const confirm = { command: "approve", order: run.rotationId };

  expect(await story.command({ ...confirm, digest: "0".repeat(64) }, eve)).toMatchObject({
    reason: "AnotherOrder",
  });
  await story.world.time.advance(16 * 60_000);
  expect(await story.command({ ...confirm, digest: shown["digest"] }, eve)).toMatchObject({
    reason: "ShownTooLongAgo",
  });
  await story.world.time.advance(60_000);
  expect(story.path(run).at(-1)).toMatch(/^AwaitPromotion/);
});

test("an approval that comes while the wait is being stored is not lost", async () => {
  const story = await open({ policy: { approve: "before-promote" } });
  const run = story.start();
  let approved: Promise<unknown> | undefined;
  story.before(calls.of("await-evidence", "get"), () => {
    approved = story.world.ledger.changeSecret(story.secretArn, (record) => ({
      ...record,
      seq: record.seq + 1,
    }));
    return approved;
  });
  await story.reaches(run, "CheckPromotion", 2);
  expect(approved).toBeDefined();
  expect(story.world.time.nowMs() - story.firstAt(run, "AwaitPromotion")).toBeLessThan(5_000);
});

test("a revoke waits for a second person where the policy says so", async () => {
  const story = await open({ policy: { approve: "before-revoke" } });
  const run = await askedByAda(story);
  await story.reaches(run, "AwaitEvidence", 3);
  await story.world.time.advance(hourMs);
  expect((await story.gate(run))?.blockers).toEqual([expect.stringMatching(/^NotApproved: /)]);
  expect(story.effects()).not.toContain("delete k1");

  expect(await approve(story, run, eve)).toMatchObject({ outcome: "approved", run: "woken" });
  await story.finish(run);
  expect(story.path(run)).not.toContain("CheckPromotion");
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
});

test("what nobody approves ends overdue, and the incoming key is discarded", async () => {
  const rarely = dayMs / 2;
  const nightly = {
    name: "reports",
    ...{ useEveryMs: rarely, reportEveryMs: rarely, refreshEveryMs: rarely, maxStaleMs: dayMs },
  };
  const story = await open({ consumers: [nightly], policy: { ...longer, approve: "before-promote" } });
  const run = await story.rotate();

  expect(story.path(run).slice(-5)).toEqual([
    "PromotionOverdue",
    "SettleRotation",
    "CertifyEnding",
    "NoteEnding",
    "RolledBack",
  ]);
  expect(story.firstAt(run, "PromotionOverdue") - story.firstAt(run, "OpenRotation")).toBeGreaterThanOrEqual(
    8 * dayMs,
  );
  expect(story.detailOf("RotationRolledBack")["reason"]).toMatch(/^PromotionOverdue: promotion: NotApproved/);
  expect(await story.ending(run)).toMatchObject({
    keys: ["k1 current"],
    labels: { v1: "AWSCURRENT" },
    works: ["k1"],
  });
});

test("a stop and a hold that are ordered while the run waits keep it waiting until they are lifted", async () => {
  const story = await open({ policy: { approve: "before-promote" } });
  const run = await askedByAda(story);
  await story.reaches(run, "AwaitPromotion");
  await story.command({ command: "stop", all: true, reason: "an outage elsewhere" });
  await story.command({ command: "hold", secret: "billing-key", reason: "a launch" });
  await approve(story, run, eve);
  await story.world.time.advance(hourMs);
  expect((await story.gate(run))?.blockers.map((line) => line.split(":")[0])).toEqual(["Held", "Stopped"]);
  await story.command({ command: "resume", all: true });
  await story.world.time.advance(60_000);
  expect(story.effects()).not.toContain("promote v2");

  await story.command({ command: "release", secret: "billing-key" });
  await story.finish(run);
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
});

test("a hold that comes between the check and the promotion sends the run back to wait", async () => {
  const story = await open({ policy: { approve: "before-promote" } });
  const run = await askedByAda(story);
  await story.reaches(run, "AwaitPromotion");
  story.before(calls.of("promote-version", "get"), () => story.hold("in the last moment"));
  await approve(story, run, eve);
  await story.reaches(run, "AwaitPromotion", 2);
  expect(story.effects()).not.toContain("promote v2");

  await story.command({ command: "release", secret: "billing-key" });
  await story.finish(run);
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
});

test("a freeze keeps the promotion, and its end lets it go on", async () => {
  const story = await open({ ...calm, policy: longer });
  const untilMs = story.world.time.nowMs() + 5 * hourMs;
  await amend(story, { freeze: [{ fromMs: 0, untilMs, reason: "the sale" }] });
  const run = story.start();
  await story.reaches(run, "AwaitPromotion");
  expect((await story.gate(run))?.blockers).toEqual([
    expect.stringMatching(/^ChangeFreeze: the sale, until /),
  ]);
  await story.finish(run);
  expect(story.firstAt(run, "PromoteVersion")).toBeGreaterThanOrEqual(untilMs);
  expect(story.firstAt(run, "PromoteVersion")).toBeLessThan(untilMs + 5_000);
});

test("production waits until the secret named by `after` is rotated", async () => {
  const story = await open({ policy: { after: "staging/search-key" } });
  const { secretArn: staging } = await story.world.secret({
    name: "search-key",
    policy: { environment: "staging" },
  });
  const run = story.start();
  await story.reaches(run, "AwaitPromotion");
  expect((await story.gate(run))?.blockers).toEqual([
    "NotAfter: staging/search-key has not been rotated yet",
  ]);

  const first = story.world.start(staging);
  await story.world.finish(first);
  await story.finish(run);
  expect(story.firstAt(run, "PromoteVersion")).toBeGreaterThan(story.firstAt(first, "CloseRotation"));
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated" });
});

test("a policy without terms enters no state more than before", async () => {
  const story = await open();
  const run = await story.rotate();
  expect(story.path(run).slice(0, 4)).toEqual(["OpenRotation", "MintKey", "ProveIncoming", "PromoteVersion"]);
  expect(run.history.some(({ state }) => state === "CheckPromotion")).toBe(false);
});
