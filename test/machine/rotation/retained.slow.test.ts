import { open } from "./story.ts";

test("a hold beside retain is waited for: the run does not end as if only the policy were in the way", async () => {
  const story = await open({ policy: { retain: true } });
  const run = story.start();
  await story.reaches(run, "AwaitEvidence");
  await story.hold("let me look");
  await story.finish(run);
  expect(story.path(run).at(-1)).toBe("NeedsHuman");
  expect((await story.ending(run)).works).toEqual(["k1", "k2"]);
});
