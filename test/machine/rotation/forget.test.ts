import { calls, open, type Story, type StoryOptions } from "./story.ts";

const minute = 60_000;
const hour = 60 * minute;

/** Two instances of which one went silent twenty minutes before the rotation; a key is stale after 15 minutes. */
async function silentBefore(how: "crashed" | "frozen", options: Partial<StoryOptions> = {}) {
  const story = await open({ consumers: [{ name: "billing", instances: 2 }], ...options });
  await story.world.time.advance(2 * minute);
  const second = story.world.consumers.get(`${story.secretArn} billing`)?.instances[1];
  if (second === undefined) throw new Error("no second instance");
  if (how === "crashed") second.stop({ silently: true });
  else second.freeze();
  await story.world.time.advance(20 * minute);
  const run = story.start();
  await story.reaches(run, "AwaitEvidence");
  await story.world.time.advance(5 * minute);
  const forget = () =>
    story.command({ command: "forget", secret: "billing-key", instance: second.id, reason: "host is gone" });
  return { story, run, second, forget };
}

async function reasonsOf(story: Story, rotationId: string) {
  const known = await story.world.ledger.rotation(story.secretArn, rotationId);
  return known?.gate?.reasons.map(({ reason, instance }) => `${reason} ${instance ?? ""}`.trim()) ?? [];
}

async function revokedAfterMs(story: Story, rotationId: string) {
  const promoted = story.world.events.find(({ type }) => type === "SecretVersionPromoted");
  const known = await story.world.ledger.rotation(story.secretArn, rotationId);
  return (known?.death?.revokedAtMs ?? Number.NaN) - (promoted?.atMs ?? Number.NaN);
}

test("an instance crashes, the rotation waits for it, it is forgotten, and the rotation goes on", async () => {
  const { story, run, second, forget } = await silentBefore("crashed");
  expect(await reasonsOf(story, run.rotationId)).toContain(`HoldsRetiringKey ${second.id}`);

  expect(await forget()).toMatchObject({ outcome: "forgotten", consumer: "billing" });
  await story.finish(run);

  expect((await story.ending(run)).run).toBe("SUCCEEDED: rotated");
  expect(await revokedAfterMs(story, run.rotationId)).toBeLessThan(14 * minute);
  expect(story.failedRequests()).toBe(0);
  const left = await story.world.ledger.evidence(story.secretArn);
  expect(left.filter((item) => "instance" in item && item.instance === second.id)).toEqual([]);
});

test("one that comes back before the revoke blocks it, and is named", async () => {
  const { story, run, second, forget } = await silentBefore("frozen", {
    // It asks the store only once an hour, so it comes back with the retiring key.
    consumers: [{ name: "billing", instances: 2, reportEveryMs: minute, refreshEveryMs: hour }],
  });
  expect(await forget()).toMatchObject({ outcome: "forgotten" });
  await story.world.time.advance(minute);
  second.thaw();
  await story.world.time.advance(2 * minute);
  await story.reaches(run, "AwaitEvidence", 3);

  const reasons = await reasonsOf(story, run.rotationId);
  expect(reasons).toContain(`ForgottenReturned ${second.id}`);
  expect(reasons).toContain(`HoldsRetiringKey ${second.id}`);
  story.before(calls.delete, () => {
    expect(second.wouldUse(story.retiringAtStart?.fingerprint ?? "")).toBe(false);
  });
  await story.finish(run);
  expect(story.failedRequests()).toBe(0);
});
