import { appliedWorld, rekey } from "../cli/cli-world.ts";
import { type AdminWorld, NOON_MS } from "./admin-world.ts";

const role = (name: string, session: string) => `arn:aws:sts::111122223333:assumed-role/${name}/${session}`;
const ADA = role("operator", "ada");
const EVE = role("approver", "eve");
const names = ["a-key", "b-key", "c-key"];

/** A campaign of three keys that somebody has paused, in a deployment whose lasting orders take two people. */
async function pausedStory() {
  const { world } = await appliedWorld(Object.fromEntries(names.map((name) => [name, ""])));
  const preview = await rekey(world, "compromise --all");
  const digest = /--digest ([0-9a-f]{64})/.exec(preview.out)?.[1] ?? "";
  await rekey(world, ["compromise", "--all", "--digest", digest]);
  const twoPeople = { mayAsk: ["operator"], mayApprove: ["approver"] };
  const escalator = { page: async () => ({ delivered: ["sns"], failed: [] }) };
  Object.assign(world.deps, { twoPeople, escalator });
  const campaign = async () => {
    const [first] = await world.ledger.campaigns.campaigns();
    if (first === undefined) throw new Error("no campaign");
    return first;
  };
  const { campaignId } = await campaign();
  const pause = { command: "campaign-pause", campaign: campaignId, reason: "the shop is on sale" };
  // Pausing needs nobody else.
  expect((await world.send(pause, ADA)).answer).toMatchObject({ outcome: "paused" });
  const resume = { command: "campaign-resume", campaign: campaignId, reason: "the sale is over" };
  return { world, campaign, campaignId, resume };
}

async function approve(world: AdminWorld, order: unknown, who: string, digest?: unknown) {
  return (await world.send({ command: "approve", order, ...(digest !== undefined && { digest }) }, who))
    .answer;
}

test("a campaign goes on once a second person has seen what is still to come, and names both", async () => {
  const { world, campaign, campaignId, resume } = await pausedStory();
  const { answer } = await world.send(resume, ADA);
  expect(answer).toMatchObject({ outcome: "pending" });
  expect((await campaign()).status).toBe("paused");

  const own = await approve(world, answer["order"], ADA, "0".repeat(64));
  expect(own).toMatchObject({ outcome: "refused" });
  const shown = await approve(world, answer["order"], EVE);
  expect(shown).toMatchObject({
    outcome: "shown",
    what: {
      ...{ campaign: campaignId, covers: "all", stillToCome: "3", failedSoFar: "0" },
      ...{ pausedBy: ADA, pausedBecause: "the shop is on sale", reason: "the sale is over" },
    },
  });
  expect(await approve(world, answer["order"], EVE, shown["digest"])).toMatchObject({
    ...{ outcome: "running", approvedBy: EVE, askedBy: ADA },
  });
  expect(await campaign()).toMatchObject({ status: "running" });
  expect((await campaign()).timeline.at(-1)).toEqual({
    ...{ atMs: NOON_MS, what: "resumed", by: ADA },
    detail: `the sale is over (approved by ${EVE})`,
  });
});

test("what fails after it was shown makes it another order", async () => {
  const { world, campaign, campaignId, resume } = await pausedStory();
  const { answer } = await world.send(resume, ADA);
  const { digest } = await approve(world, answer["order"], EVE);
  await world.ledger.campaigns.changeCampaignKey({ campaignId, place: 1 }, (key) => ({
    ...key,
    progress: {
      isReplaced: false,
      refusedInstances: 0,
      failure: "no replacement",
      hasMoved: false,
      isOver: false,
    },
  }));
  expect(await approve(world, answer["order"], EVE, digest)).toMatchObject({ outcome: "refused" });
  expect((await campaign()).status).toBe("paused");
  const again = await approve(world, answer["order"], EVE);
  expect(again["what"]).toMatchObject({ failedSoFar: "1" });
  await approve(world, answer["order"], EVE, again["digest"]);
  expect(await campaign()).toMatchObject({ status: "running", failuresAccepted: 1 });
});

test("one that is not paused waits for nobody, and changes nothing", async () => {
  const { world, campaign, resume } = await pausedStory();
  const { answer } = await world.send(resume, ADA);
  const { digest } = await approve(world, answer["order"], EVE);
  await approve(world, answer["order"], EVE, digest);
  const before = await campaign();
  expect((await world.send(resume, ADA)).answer).toMatchObject({ outcome: "running" });
  expect((await world.send({ ...resume, campaign: "c-unknown" }, ADA)).answer).toMatchObject({
    ...{ outcome: "refused", reason: "UnknownCampaign" },
  });
  expect(await campaign()).toEqual(before);
});

test("without the rule of two people one person resumes it", async () => {
  const { world, campaign, resume } = await pausedStory();
  Object.assign(world.deps, { twoPeople: "off" });
  expect((await world.send(resume, ADA)).answer).toMatchObject({ outcome: "running" });
  expect((await campaign()).timeline.at(-1)?.detail).toBe("the sale is over");
});
